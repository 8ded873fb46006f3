"""Retries: a step on the cluster is tried again while its failure is transient."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.errors import ClusterError

T = TypeVar("T")


def backoff_s(attempt: int) -> float:
    """Return a random backoff, in seconds, from a range that doubles with each attempt; attempts begin at 0.

    This is "full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random.uniform(0, min(_LONGEST_S, _FIRST_S * 2 ** min(attempt, 30)))  # noqa: S311 - no secret


def with_retries(step: Callable[[], T], *, budget_s: float) -> T:
    """Return the result of `step`, repeated for up to `budget_s` seconds while its failure is transient.

    Raises:
        ClusterError: the failure is not transient, or lasts longer.
    """
    began_s, attempt = time.monotonic(), 0
    while True:
        try:
            return step()
        except ClusterError as error:
            if not error.is_transient or time.monotonic() - began_s > budget_s:
                raise
        time.sleep(backoff_s(attempt))
        attempt += 1


_FIRST_S = 0.05
_LONGEST_S = 2.0
