"""The jobs of a dry run: read and encode rows, then judge the bad ones."""

from dataclasses import dataclass
from functools import partial

from pipeline.load.jobs import LoadPlan, Splits
from pipeline.rowfiles.badrows import BadRow
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class CheckedRows:
    """How many rows of some splits were read, and which of them are bad."""

    rows: int
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, kw_only=True)
class CheckRows(Job[CheckedRows]):
    """Do everything of a load except sending: read and encode every row of some splits, or of all.

    A split is named by the place of its file in the load, and its number. `is_elsewhere` as for `LoadShard`.
    """

    plan: LoadPlan
    splits: Splits | None = None
    is_elsewhere: bool = False

    def handler(self) -> Handler[CheckedRows]:
        """Check them."""
        from pipeline.load.dryrun.handlers import check_rows  # noqa: PLC0415 - it needs gevent and the driver

        return partial(check_rows, self)


@dataclass(frozen=True, kw_only=True)
class JudgedRows:
    """How many rows were read, how many of them are bad, and into which columns the others would go."""

    rows: int
    bad: int
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class JudgeRows(Job[JudgedRows]):
    """Write the bad rows of a dry run; fail if they are too many for the load."""

    plan: LoadPlan
    rows: int
    bad: tuple[BadRow, ...]

    def handler(self) -> Handler[JudgedRows]:
        """Judge them."""
        from pipeline.load.dryrun.handlers import judge_rows  # noqa: PLC0415 - it needs gevent and the driver

        return partial(judge_rows, self)
