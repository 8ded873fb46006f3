"""The measuring jobs."""

from dataclasses import dataclass
from functools import partial

from pipeline.cluster.jobs import TableJob
from pipeline.measure.article.timing import LatencyTimings
from pipeline.measure.experiment.measurement import LatencyKind, Repeat
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.workers.jobs import Handler


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """The facts about the measured cluster in a report."""

    name: str
    nodes: int
    cassandra: tuple[str, ...]
    partitioner: str
    replication: str
    consistency_level: str
    protocol_version: int
    reactor: str


@dataclass(frozen=True, kw_only=True)
class LatencySweep:
    """The rows of the sync-versus-async table, the time of a single row, and the measured cluster."""

    cells: tuple[LatencyTimings, ...]
    single_row_sync_s: float
    single_row_async_s: float
    scratch_table: str
    cluster: ClusterFacts


@dataclass(frozen=True, kw_only=True)
class SweepLatencies(TableJob[LatencySweep]):
    """Time rows, created in a loop and through a Pool, at each injected latency."""

    rows: RowsToRead
    pool_size: int
    latencies_s: tuple[float, ...]
    sync_repeats: int
    async_repeats: int
    run: str

    def handler(self) -> Handler[LatencySweep]:
        """Time them."""
        from pipeline.measure.handlers import sweep_latencies  # noqa: PLC0415 - it needs gevent and the driver

        return partial(sweep_latencies, self)


@dataclass(frozen=True, kw_only=True)
class ExperimentResult:
    """All repeats, the methods of the swept contenders by label, and the measured cluster."""

    repeats: tuple[Repeat, ...]
    methods: dict[str, str]
    cluster: ClusterFacts


@dataclass(frozen=True, kw_only=True)
class RunExperiment(TableJob[ExperimentResult]):
    """Time contenders at each latency on a scratch table, each cell until `precision` is reached.

    `contenders` are names of modules; empty means all. Swept contenders use all `pool_sizes`, the others the
    first one. A repeat that would take longer than `repeat_s` writes fewer rows.
    """

    rows: RowsToRead
    contenders: tuple[str, ...]
    latencies_s: tuple[float, ...]
    latency_kinds: tuple[LatencyKind, ...]
    pool_sizes: tuple[int, ...]
    time_budget_s: float
    repeat_s: float
    precision: float
    server_pids: tuple[int, ...]
    run: str

    def handler(self) -> Handler[ExperimentResult]:
        """Time them."""
        from pipeline.measure.handlers import run_experiment_job  # noqa: PLC0415 - it needs gevent and the driver

        return partial(run_experiment_job, self)
