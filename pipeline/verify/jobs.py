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
    """Read the rows of a load back and compare; `exact` also looks for rows that no file has.

    `left_out` are the bad rows of the load, by file and place; None reads them from the load's folder.
    `is_elsewhere`: the files may have been described on another machine, whose folders are not here.
    """

    plan: LoadPlan
    exact: bool
    left_out: dict[str, tuple[int, ...]] | None = None
    is_elsewhere: bool = False

    def handler(self) -> Handler[VerifiedRows]:
        """Verify them."""
        from pipeline.verify.handlers import verify  # noqa: PLC0415 - it needs gevent and the driver

        return partial(verify, self)
