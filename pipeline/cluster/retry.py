"""Retries: a step on the cluster is tried again while its failure is transient."""

import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.backoff import backoff_s
from pipeline.errors import ClusterError

T = TypeVar("T")


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
