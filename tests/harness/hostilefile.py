"""What a hostile file is: its content, how it is read, and what may come of it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.rowfiles.dialect import Dialect

Row = tuple[str | None, ...]

GOOD, BAD, REFUSED = "good", "with bad rows", "refused"
"""What may come of a file: all its rows are good, or some are bad, or it is refused by name."""

ANYTHING = frozenset({GOOD, BAD, REFUSED})


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """A file to be: `end` is the end of its name. `rows` are its good rows, if it is read; None: any."""

    content: bytes
    end: str = "csv"
    dialect: Dialect = field(default_factory=Dialect)
    rows: Sequence[Row] | None = None
    outcomes: frozenset[str] = ANYTHING


@dataclass(frozen=True, kw_only=True)
class HostileFile:
    """A file that was written."""

    path: Path
    hostile: Hostile

    @property
    def dialect(self) -> Dialect:
        """How it is read."""
        return self.hostile.dialect


Kind = Callable[[random.Random], Hostile]


def write_hostile(folder: Path, kinds: Mapping[str, Kind], count: int, seed: int) -> list[HostileFile]:
    """Write `count` files of the kinds in turn; a seed gives the same files, whatever their number.

    A file's name has its kind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    names = list(kinds)
    for number in range(count):
        name = names[number % len(names)]
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
        hostile = kinds[name](rng)
        path = folder / f"{number:03}_{name.replace(' ', '_')}.{hostile.end}"
        path.write_bytes(hostile.content)
        files.append(HostileFile(path=path, hostile=hostile))
    return files


def with_pieces(rng: random.Random, content: bytes, pieces: Sequence[bytes], most: int = 6) -> bytes:
    """Return content with some pieces inserted at random bytes."""
    text = bytearray(content)
    for _ in range(rng.randint(1, most)):
        at = rng.randint(0, len(text))
        text[at:at] = rng.choice(pieces)
    return bytes(text)
