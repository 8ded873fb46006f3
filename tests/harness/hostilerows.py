"""Good rows, of which hostile row files are made."""

import random

NAMES = ["user_id", "first_name", "last_name"]
HALF = 0.5


def key_of(rng: random.Random) -> str:
    """Return a random UUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def rows_of(rng: random.Random, most: int = 60) -> list[list[str]]:
    """Return some users, in the order of `NAMES`."""
    names = ["Ada", "Grace", "Jörg", "李", "O'Neil", "", "a b"]
    return [[key_of(rng), rng.choice(names), rng.choice(names)] for _ in range(rng.randint(1, most))]
