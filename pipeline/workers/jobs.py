"""What a worker process can be asked to do: plain values, so that a task can ask without the driver.

Each job says what it gives back: a dict that JSON can carry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.measure.experiment.measurement import LatencyKind
from pipeline.rowfiles.formats import format_of
from pipeline.settings import ClusterConfig, KeyspaceConfig, LoadConfig

Result = dict[str, Any]
Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, and of what."""


@dataclass(frozen=True, kw_only=True)
class TableJob:
    """What every job on a table needs: the cluster, the keyspace, and the table.

    The table is named by its dataset's module where it has one, else by its name.
    """

    cluster: ClusterConfig
    keyspace: KeyspaceConfig
    dataset: str = ""
    table: str = ""


@dataclass(frozen=True, kw_only=True)
class DescribeTable(TableJob):
    """Is the table there, and which loads into it are finished?

    Gives `table_id` (None where the keyspace, the table or the marker table is absent), `truncated_at` as
    `pipeline.cluster.table.Table` has it, and `markers`, a list of dicts with `date`, `source`, `table_id`,
    `truncated_at`, `input_sha256`, `rows`, `finished_at_s`.
    """

    dates: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetUpTable(TableJob):
    """Create what is absent, the marker table included; drop the table first where asked. Gives nothing."""

    drop: bool = False


@dataclass(frozen=True, kw_only=True)
class GenerateFile:
    """Write one of `parts` parts of a dataset's fake rows; joined, they are a row file. Gives `rows`.

    `rows` counts those of all parts, and what is given those of this one. Parquet has one part.
    """

    dataset: str
    date: date
    rows: int
    seed: int
    locale: str
    file_format: str
    file: str
    part: int = 0
    parts: int = 1


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A row file: its content's SHA-256, by which it is the same wherever it lies, and how many lines it has.

    Of Parquet a row counts as a line. `version` is what the file system said of it then: device, inode, size
    in bytes, when its content and when its inode was last changed, in ns since 1970.
    """

    path: str
    sha256: str
    lines: int
    version: tuple[int, ...]

    @property
    def rows(self) -> int:
        """About how many rows it has: CSV begins with a header, and a value may hold line breaks."""
        return self.lines - (format_of(self.path) == "csv")


@dataclass(frozen=True, kw_only=True)
class Load(TableJob):
    """What is loaded into a table, and how.

    `mapping` is field to column, empty where the header names columns. `checkpoints` is the folder of
    journals, `bad_rows` that for what is not loaded.
    """

    files: tuple[SourceFile, ...]
    mapping: dict[str, str]
    config: LoadConfig
    checkpoints: str
    bad_rows: str


@dataclass(frozen=True, kw_only=True)
class CheckRows:
    """Do all of a load but the sending: read and encode every row. Gives `rows`, `bad` and `columns`."""

    load: Load


@dataclass(frozen=True, kw_only=True)
class BeginLoad:
    """Open the journal of a load. Gives its path as `journal`, and `rows`, how many are settled already.

    `anew`: what earlier runs have settled does not count. Where `day` is given, a marker of that day and
    `source` that is not of `input_sha256` is removed: the load is about to write over what it stands for.
    """

    load: Load
    anew: bool
    day: date | None = None
    source: str = ""
    input_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadShare:
    """Load every chunk of one share of `shares` that is not settled yet.

    Gives `rows`, `elapsed_s`, `chunks` (how many each file has, in the journal's order), `retries` (by kind
    of error), `warned` and `warning`, and `limits`, the requests in flight that each node was last allowed.
    """

    load: Load
    journal: str
    share: int = 0
    shares: int = 1


@dataclass(frozen=True, kw_only=True)
class FinishLoad:
    """Prove by the journal that every chunk is settled, write the marker, forget the journal.

    The files must still be what they were described as when the load began.
    `rows` is how many rows the files must have, 0 where any number will do. Gives `read`, `sent`,
    `acknowledged` and `bad`, the number of rows each.
    """

    load: Load
    journal: str
    chunks: tuple[int, ...]
    date: date
    source: str
    input_sha256: str
    rows: int = 0


@dataclass(frozen=True, kw_only=True)
class VerifyFiles:
    """Read the rows of a load back and compare; `exact` also looks for rows that no file has.

    Gives `read`, `bad`, `distinct_keys`, `duplicate_keys` (how many stand more than once), `duplicates` (the
    first few of them), `present` and `in_table`, None unless exact.
    """

    load: Load
    exact: bool


@dataclass(frozen=True, kw_only=True)
class SweepLatencies(TableJob):
    """Time the files' rows, created in a loop and through a Pool, at each injected latency.

    Gives `cells`, `single_row_sync_s`, `single_row_async_s`, `scratch_table`, and `cluster`, what it is.
    """

    files: tuple[str, ...]
    pool_size: int
    latencies_s: tuple[float, ...]
    sync_repeats: int
    async_repeats: int
    run: str


@dataclass(frozen=True, kw_only=True)
class RunExperiment(TableJob):
    """Time contenders at each latency on a scratch table, each cell until it is known to within `precision`.

    `contenders` are names of modules, all if there is none; `pool_sizes` are swept by those that can be, the
    others have the first. A repeat that would take longer than `repeat_s` writes fewer rows. Gives `repeats`,
    dicts of `pipeline.measure.experiment.measurement.Repeat`, `ways` (how those that are swept write), and `cluster`.
    """

    files: tuple[str, ...]
    contenders: tuple[str, ...]
    latencies_s: tuple[float, ...]
    latency_kinds: tuple[LatencyKind, ...]
    pool_sizes: tuple[int, ...]
    time_budget_s: float
    repeat_s: float
    precision: float
    server_pids: tuple[int, ...]
    run: str


@dataclass(frozen=True, kw_only=True)
class MeasureRoundTrip:
    """Measure what the smallest request takes. Gives `round_trip_s`, the median of 20."""

    cluster: ClusterConfig


Job = (
    DescribeTable
    | SetUpTable
    | GenerateFile
    | CheckRows
    | BeginLoad
    | LoadShare
    | FinishLoad
    | VerifyFiles
    | SweepLatencies
    | RunExperiment
    | MeasureRoundTrip
)
