"""The job that verifies a load."""

from dataclasses import dataclass
from functools import partial

from pipeline.load.jobs import LoadPlan
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class VerifiedRows:
    """How many rows the files have, and how many of them the table has.

    `duplicate_keys` is the number of keys that occur more than once, `duplicates` the first few of them.
    `in_table` is None unless the verification was exact.
    """

    read: int
    bad: int
    distinct_keys: int
    duplicate_keys: int
    duplicates: tuple[str, ...]
    present: int
    in_table: int | None


@dataclass(frozen=True, kw_only=True)
class VerifyFiles(Job[VerifiedRows]):
    """Read the rows of a load back and compare; `exact` also looks for rows that no file has."""

    plan: LoadPlan
    exact: bool

    def handler(self) -> Handler[VerifiedRows]:
        """Verify them."""
        from pipeline.verify.handlers import verify  # noqa: PLC0415 - it needs gevent and the driver

        return partial(verify, self)
