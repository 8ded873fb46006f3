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

    The table is named by its dataset's module where it has one, else by its name.
    """

    cluster: ClusterConfig
    keyspace: KeyspaceConfig
    dataset: str = ""
    table: str = ""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A finished load, as `pipeline.cluster.marker.LoadMarker` keeps it.

    `truncated_at` is None if an earlier version of this project wrote the marker: it kept no truncation.
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
    """A table's id and truncation, as in `pipeline.cluster.table.Table`, and the finished loads into it.

    `table_id` is None where the keyspace, the table or the marker table is absent.
    """

    table_id: str | None = None
    truncated_at: str = ""
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DescribeTable(TableJob[TableDescription]):
    """Ask whether the table exists, and which loads into it on these dates are finished."""

    dates: tuple[date, ...] = ()

    def handler(self) -> Handler[TableDescription]:
        """Ask the cluster."""
        from pipeline.cluster.handlers import describe_table  # noqa: PLC0415 - it needs the driver

        return partial(describe_table, self)


@dataclass(frozen=True, kw_only=True)
class SetUpTable(TableJob[None]):
    """Create what is absent, the marker table included; drop the table first where asked."""

    drop: bool = False

    def handler(self) -> Handler[None]:
        """Create it."""
        from pipeline.cluster.handlers import set_up_table  # noqa: PLC0415 - it needs the driver

        return partial(set_up_table, self)


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """The time of the smallest request in seconds: the median of 20."""

    round_trip_s: float


@dataclass(frozen=True, kw_only=True)
class MeasureRoundTrip(Job[RoundTrip]):
    """Measure the time of the smallest request."""

    cluster: ClusterConfig

    def handler(self) -> Handler[RoundTrip]:
        """Measure it."""
        from pipeline.cluster.handlers import measure_round_trip  # noqa: PLC0415 - it needs the driver

        return partial(measure_round_trip, self)
