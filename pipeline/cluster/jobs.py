"""The jobs on the cluster and its tables."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.workers.jobs import Handler, Job

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class TableJob(Job[R]):
    """The base of all jobs on a table: the cluster, the keyspace, and the table.

    `dataset` is the module of the table's dataset, if it has one; otherwise `table` is the table's name.
    """

    cluster: ClusterConfig
    keyspace: KeyspaceConfig
    dataset: str = ""
    table: str = ""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A finished load, as stored in `pipeline.cluster.marker.LoadMarker`.

    `truncated_at` is None if an earlier version wrote the marker, which did not store truncations.
    """

    date: date
    source: str
    table_id: str
    truncated_at: str | None
    input_sha256: str
    rows: int
    finished_at_s: float


@dataclass(frozen=True, kw_only=True)
class TableDescription:
    """A table's id and last truncation, as in `pipeline.cql.tables.Table`, and the finished loads into it.

    `table_id` is None if the keyspace, the table or the marker table is absent.
    """

    table_id: str | None = None
    truncated_at: str = ""
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DescribeTable(TableJob[TableDescription]):
    """Describe the table, and find the finished loads into it on `dates`."""

    dates: tuple[date, ...] = ()

    def handler(self) -> Handler[TableDescription]:
        """Import and return `describe_table`."""
        from pipeline.cluster.handlers import describe_table  # noqa: PLC0415 - it needs the driver

        return partial(describe_table, self)


@dataclass(frozen=True, kw_only=True)
class SetUpTable(TableJob[None]):
    """Create what is absent, including the marker table; drop the table first if `drop` is set."""

    drop: bool = False

    def handler(self) -> Handler[None]:
        """Import and return `set_up_table`."""
        from pipeline.cluster.handlers import set_up_table  # noqa: PLC0415 - it needs the driver

        return partial(set_up_table, self)


@dataclass(frozen=True, kw_only=True)
class CreateTable(TableJob[None]):
    """Create the keyspace and, by `statement`, the table if they are absent."""

    statement: str

    def handler(self) -> Handler[None]:
        """Import and return `create_named_table`."""
        from pipeline.cluster.handlers import create_named_table  # noqa: PLC0415 - it needs the driver

        return partial(create_named_table, self)


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """The round trip of the smallest request: the median of 20, in seconds."""

    round_trip_s: float


@dataclass(frozen=True, kw_only=True)
class MeasureRoundTrip(Job[RoundTrip]):
    """Measure the round trip of the smallest request."""

    cluster: ClusterConfig

    def handler(self) -> Handler[RoundTrip]:
        """Import and return `measure_round_trip`."""
        from pipeline.cluster.handlers import measure_round_trip  # noqa: PLC0415 - it needs the driver

        return partial(measure_round_trip, self)
