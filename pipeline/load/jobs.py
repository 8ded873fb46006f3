"""The jobs of a load: check its rows, plan it, begin it, load a shard, finish it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from pipeline.cql.tables import Table
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.splits import SourceFile
from pipeline.runs.summary import Requests, RunSummary
from pipeline.settings import ClusterConfig, ColumnsConfig, KeyspaceConfig, LoadConfig, ValuesConfig
from pipeline.workers.jobs import Handler, Job

Splits = tuple[tuple[int, int], ...]
"""Splits, each by the place of its file and its number."""

WHOLE = -1
"""In place of a split's number: all splits of a file that is streamed, which are found as it is read."""

LIST_STEP_US = 16
"""The step between the timestamps of two places, where a list that is not frozen is loaded."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is loaded into a table, and how.

    The table is named by its dataset's module where it has one, else by its name. `columns` says which field
    of the files feeds which column, `values` how values are written in them. `checkpoints` is the folder of
    journals, `bad_rows` the folder for bad rows.
    """

    cluster: ClusterConfig
    keyspace: KeyspaceConfig
    dataset: str = ""
    table: str = ""
    files: tuple[SourceFile, ...]
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)
    values: ValuesConfig = field(default_factory=ValuesConfig)
    config: LoadConfig
    checkpoints: str
    bad_rows: str


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """The plan of a load: the table as it is in the cluster, and the fields of the files that go into it.

    It is made once. A process that runs a part of the load, or verifies it, gets the plan, and does not
    describe the table or match headers with its columns again. `fields` are in the order of the table's
    columns. `using` are those with the time to live and the write timestamp of each row. `timestamp_us` is
    the first row's write timestamp where no field has it, 0 until the load begins. `server_version` is that
    of the nodes.
    """

    load: Load
    table: Table
    fields: tuple[Field, ...]
    using: tuple[Field, ...] = ()
    timestamp_us: int = 0
    server_version: str = ""

    @property
    def has_lists(self) -> bool:
        """Whether a list that is not frozen is loaded: written twice with one timestamp, it stands twice."""
        return self.table.has_lists([field.column.name for field in self.fields])

    @property
    def step_us(self) -> int:
        """The step between the timestamps of two places in µs: 1, or more if attempts need their own."""
        return LIST_STEP_US if self.has_lists else 1


@dataclass(frozen=True, kw_only=True)
class PlanLoad(Job[LoadPlan]):
    """Describe the table, and match the files' headers with it."""

    load: Load

    def handler(self) -> Handler[LoadPlan]:
        """Plan it."""
        from pipeline.load.handlers import plan_load  # noqa: PLC0415 - it needs gevent and the driver

        return partial(plan_load, self)


@dataclass(frozen=True, kw_only=True)
class BegunLoad:
    """The plan with its first timestamp, the place of the journal, and how many rows are settled already.

    `left` are the splits that are not settled, in the order of their rows: the place of the file in the
    journal's order, and the split's number. `holder` names this run to others where only one may send rows.
    """

    plan: LoadPlan
    journal: str
    rows: int
    left: Splits
    holder: str = ""


@dataclass(frozen=True, kw_only=True)
class BeginLoad(Job[BegunLoad]):
    """Open the journal of a load.

    `anew`: ignore what earlier runs have settled. If `day` is given, a marker of that day and `source` with
    another input than `input_sha256` is removed: the load is about to overwrite the rows that it marks.
    """

    plan: LoadPlan
    anew: bool
    day: date | None = None
    source: str = ""
    input_sha256: str = ""

    def handler(self) -> Handler[BegunLoad]:
        """Open it."""
        from pipeline.load.handlers import begin  # noqa: PLC0415 - it needs gevent and the driver

        return partial(begin, self)


@dataclass(frozen=True, kw_only=True)
class LoadedShard:
    """The result of loading a shard.

    `rows` are settled. `retries` counts retries by kind of error, `warned` the answers with a warning;
    `warning` is the first one. `limits` is the last limit of requests in flight to each node; `requests` has
    it too, beside how long requests took.
    """

    rows: int
    elapsed_s: float
    retries: dict[str, int]
    warned: int
    warning: str
    limits: dict[str, int]
    requests: Requests = field(default_factory=Requests)


@dataclass(frozen=True, kw_only=True)
class LoadShard(Job[LoadedShard]):
    """Load those splits of a shard that are not settled yet; None is a shard of every split.

    The splits are named as in `BegunLoad.left`. The most requests in flight and rows per second that the plan
    allows are this shard's own. `is_elsewhere`: the files may have been described on another machine. With
    a `ticket`, lists are loaded only by the first worker that has it, and never after it was withdrawn.
    """

    plan: LoadPlan
    journal: str
    holder: str = ""
    splits: Splits | None = None
    is_elsewhere: bool = False
    ticket: str = ""

    def handler(self) -> Handler[LoadedShard]:
        """Load it."""
        from pipeline.load.handlers import load_shard  # noqa: PLC0415 - it needs gevent and the driver

        return partial(load_shard, self)


@dataclass(frozen=True, kw_only=True)
class ReserveAttempts(Job[None]):
    """Reserve the timestamps of one more attempt at a shard, whose ticket is `withdrawn`."""

    plan: LoadPlan
    journal: str
    withdrawn: str

    def handler(self) -> Handler[None]:
        """Reserve them."""
        from pipeline.load.handlers import reserve_attempts  # noqa: PLC0415 - it needs gevent and the driver

        return partial(reserve_attempts, self)


@dataclass(frozen=True, kw_only=True)
class KeptBadRows:
    """Where the bad rows are, and what to do with them."""

    advice: str


@dataclass(frozen=True, kw_only=True)
class KeepBadRows(Job[KeptBadRows]):
    """Write the bad rows that were found before the load was given up."""

    plan: LoadPlan
    bad: tuple[BadRow, ...]

    def handler(self) -> Handler[KeptBadRows]:
        """Write them."""
        from pipeline.load.handlers import keep_bad_rows  # noqa: PLC0415 - it needs gevent and the driver

        return partial(keep_bad_rows, self)


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """How many rows of a load were read, sent and acknowledged, and how many are bad.

    `remarks` are what a person should know of its files, as far as only their end shows it.
    """

    read: int
    sent: int
    acknowledged: int
    bad: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FinishLoad(Job[RowCounts]):
    """Prove by the journal that every split is settled, write the marker, remove the journal.

    The files must be unchanged since the load began. `rows` is how many rows they must have; 0 allows any
    number.
    """

    plan: LoadPlan
    journal: str
    date: date
    source: str
    input_sha256: str
    rows: int = 0

    def handler(self) -> Handler[RowCounts]:
        """Finish it."""
        from pipeline.load.handlers import finish  # noqa: PLC0415 - it needs gevent and the driver

        return partial(finish, self)


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """The counts of a finished load, its run as the ledger has it, and a warning if the ledger lacks it."""

    counts: RowCounts
    run: RunSummary
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class FinishRun(Job[FinishedRun]):
    """Finish a load, and write the line of its run into the ledger with the same session.

    `run` is the run so far, `folder` the output folder, where lines wait that the cluster does not take.
    """

    finish: FinishLoad
    run: RunSummary
    folder: str

    def handler(self) -> Handler[FinishedRun]:
        """Finish it."""
        from pipeline.load.recording import finish_run  # noqa: PLC0415 - it needs gevent and the driver

        return partial(finish_run, self)


def parts_of(files: Iterable[SourceFile]) -> Iterator[tuple[int, int]]:
    """Yield the place of the file and the number of each split; of a stream WHOLE."""
    for number, file in enumerate(files):
        if file.content.stream:
            yield number, WHOLE
        else:
            yield from ((number, split.number) for split in file.content.splits)
