"""How long to wait before a step that has failed is tried again."""

import random


def backoff_s(attempt: int) -> float:
    """Return a random backoff, in seconds, from a range that doubles with each attempt; attempts begin at 0.

    This is "full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random.uniform(0, min(_LONGEST_S, _FIRST_S * 2 ** min(attempt, 30)))  # noqa: S311 - no secret


_FIRST_S = 0.05
_LONGEST_S = 2.0
