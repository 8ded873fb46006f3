"""The summary of a run: one value, from which metrics, the ledger, the history and news are made."""

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

LOADED, VERIFIED, FAILED, MISSING = "loaded", "verified", "failed", "missing"
"""How a run ends. `missing`: its input is not there yet, so it did not begin."""

OUTCOMES = (LOADED, VERIFIED, FAILED, MISSING)
SUCCESSES = (LOADED, VERIFIED)


@dataclass(frozen=True, kw_only=True)
class Requests:
    """The requests of a load that were answered: how many took at most so long, and the sum of their times.

    `counts` has a count for each of `BOUNDS_S`, of the requests that took at most so long and longer than the
    bound before, and one more for those that took longer than the last. `limits` is the last limit of
    requests in flight to each node.
    """

    counts: tuple[int, ...] = ()
    sum_s: float = 0.0
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run of a load or of a verification.

    No value of a row stands in it. `task` is the kind of the task, `date` the day of the batch, `input` its
    name, `digest` the SHA-256 of its content and of how it is read. `seconds` are from its beginning to its
    end; `step_seconds` has the steps that it came through. A number of rows is None where it is not known,
    because the run failed before it counted them, or because the other kind of run counts them. `rows_read`
    counts those too that an earlier run of the same load had settled; `rows_per_s` does not. `settings` are
    those that differ from the defaults.
    """

    run_id: str
    task: str
    is_verification: bool = False
    outcome: str
    keyspace: str
    table: str
    date: date
    input: str
    digest: str = ""
    started_at_s: float
    seconds: float = 0.0
    rows_read: int | None = None
    rows_sent: int | None = None
    rows_acknowledged: int | None = None
    rows_bad: int | None = None
    rows_verified: int | None = None
    rows_per_s: float | None = None
    input_bytes: int | None = None
    retries: Mapping[str, int] = field(default_factory=dict)
    step_seconds: Mapping[str, float] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)
    server_version: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def table_name(self) -> str:
        """`keyspace.table`."""
        return f"{self.keyspace}.{self.table}"

    @property
    def is_success(self) -> bool:
        """Whether the run did what it was for."""
        return self.outcome in SUCCESSES

    @property
    def ended_at_s(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.started_at_s + self.seconds


def merged(parts: Iterable[Requests]) -> Requests:
    """Return the requests of several processes as one value."""
    known = [part for part in parts if part.counts]
    limits: Counter[str] = Counter()
    for part in known:
        limits.update(part.limits)
    return Requests(
        counts=tuple(map(sum, zip(*(part.counts for part in known), strict=True))),
        sum_s=sum(part.sum_s for part in known),
        limits=dict(limits),
    )


def new_run_id(at_s: float) -> str:
    """Return a name that no other run has; names are in the order of the times at which runs began."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"


def seconds_since(started_at_s: float) -> float:
    """Return the seconds since a time, not below 0 where the clock was set back."""
    return max(0.0, time.time() - started_at_s)


BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of the counts of requests, in seconds."""
