"""What a worker process can be asked to do: plain values, so that a task can ask without the driver.

Each job says what it gives back: a dict that JSON can carry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.config import ClusterConfig, KeyspaceConfig

Result = dict[str, Any]
Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, and of what."""


@dataclass(frozen=True, kw_only=True)
class TableJob:
    """What every job on a table needs: the cluster, the keyspace and the dataset's module."""

    cluster: ClusterConfig
    keyspace: KeyspaceConfig
    dataset: str


@dataclass(frozen=True, kw_only=True)
class DescribeTable(TableJob):
    """Is the table there, and which loads into it are finished?

    Gives `table_id` (None where the keyspace, the table or the marker table is absent) and `markers`, a
    list of dicts with `date`, `source`, `table_id`, `input_sha256`, `rows`, `finished_at_s`.
    """

    dates: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetUpTable(TableJob):
    """Create what is absent, the marker table included; drop the table first where asked. Gives nothing."""

    drop: bool = False


@dataclass(frozen=True, kw_only=True)
class GenerateFile:
    """Write a dataset's fake rows to a row file. Gives `rows`."""

    dataset: str
    date: date
    rows: int
    seed: int
    locale: str
    file: str


@dataclass(frozen=True, kw_only=True)
class CheckFiles:
    """Read row files from end to end, so that a bad one stops a load before its first row.

    Gives `rows` and `input_sha256`.
    """

    dataset: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LoadFiles(TableJob):
    """Load the rows whose key falls into one share of `shares`; the last of two rows with a key wins.

    Gives `rows` and `elapsed_s`.
    """

    files: tuple[str, ...]
    total_rows: int
    pool_size: int
    share: int = 0
    shares: int = 1


@dataclass(frozen=True, kw_only=True)
class MarkFinished(TableJob):
    """Write the marker of a finished load. Gives nothing."""

    date: date
    source: str
    input_sha256: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class VerifyFiles(TableJob):
    """Read every row of the files back by its key; `exact` also looks for rows that no file has.

    Gives `rows`, `distinct_keys`, `present` and, where exact, `in_table`.
    """

    files: tuple[str, ...]
    pool_size: int
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


Job = (
    DescribeTable
    | SetUpTable
    | GenerateFile
    | CheckFiles
    | LoadFiles
    | MarkFinished
    | VerifyFiles
    | SweepLatencies
)
