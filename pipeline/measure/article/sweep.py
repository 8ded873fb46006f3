"""The article's experiment: the same rows created in a loop and through a Pool, at each injected latency."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import gevent
from cassandra.cluster import Session
from cassandra.cqlengine.models import Model

from pipeline.cluster.keyspace import table_name
from pipeline.cluster.scratch import scratch_table, unused_scratch
from pipeline.cluster.translation import translated_errors
from pipeline.cql.columns import Row
from pipeline.datasets.dataset import Dataset
from pipeline.measure.article.timing import LatencyTimings, Timer
from pipeline.measure.create import by_attribute, creates, in_loop, in_pool
from pipeline.measure.jobs import ClusterFacts, LatencySweep, SweepLatencies
from pipeline.verify.found import verify_whole_table
from pipeline.workers.jobs import Progress
from pipeline.workers.progress import Counted, reporting


@dataclass(frozen=True)
class _Pass:
    """One timed pass over all rows: through a Pool of this size, or in a loop if it is None."""

    latency_s: float
    pool_size: int | None

    def __str__(self) -> str:
        return f"{'loop' if self.pool_size is None else 'Pool'} at {self.latency_s:g} s"

    @property
    def expected_us_a_row(self) -> int:
        """The expected time of a row, for progress as a share of the time: the latency and a guess."""
        return int(1e6 * self.latency_s) // (self.pool_size or 1) + (1000 if self.pool_size is None else 400)


def sweep(
    session: Session,
    dataset: Dataset,
    job: SweepLatencies,
    rows: Sequence[Row],
    cluster: ClusterFacts,
    progress: Progress,
) -> LatencySweep:
    """Time every pass on a scratch table, which is dropped at the end in every case.

    The table is empty before each pass and must have exactly the rows after it. The first pass, through the
    Pool, is not counted: it warms up the server.

    Raises:
        SchemaError: `manage_schema` is false, or the scratch table is there already.
        VerificationError: a pass lost a row, or wrote one wrongly.
        ClusterError: a request failed.
    """
    scratch = unused_scratch(session, dataset.model, job.keyspace, job.run)
    with scratch_table(session, scratch):
        single_row_s = _time_single_row(scratch, by_attribute(dataset, rows[:1])[0])
        with translated_errors(f"cannot load {table_name(scratch)}"):
            repeats_s = _time_passes(session, dataset, scratch, job, rows, progress)
    cells = [
        LatencyTimings(
            latency_s=latency_s,
            rows=len(rows),
            pool_size=job.pool_size,
            sync_repeats_s=tuple(repeats_s[_Pass(latency_s, None)]),
            async_repeats_s=tuple(repeats_s[_Pass(latency_s, job.pool_size)]),
        )
        for latency_s in job.latencies_s
    ]
    sync_s, async_s = single_row_s
    return LatencySweep(
        cells=tuple(cells),
        single_row_sync_s=sync_s,
        single_row_async_s=async_s,
        scratch_table=table_name(scratch),
        cluster=cluster,
    )


def _time_single_row(scratch: type[Model], values: Mapping[str, object]) -> tuple[float, float]:
    """Return the seconds of one row: by a plain call, and in a greenlet."""
    with translated_errors(f"cannot create a row in {table_name(scratch)}"):
        with Timer() as by_call:
            scratch.create(**values)
        with Timer() as by_greenlet:
            gevent.spawn(scratch.create, **values).get()
    return by_call.elapsed_s, by_greenlet.elapsed_s


def _time_passes(
    session: Session,
    dataset: Dataset,
    scratch: type[Model],
    job: SweepLatencies,
    rows: Sequence[Row],
    progress: Progress,
) -> dict[_Pass, list[float]]:
    values = by_attribute(dataset, rows)
    warm_up = _Pass(0.0, job.pool_size)
    passes = [warm_up, *_plan(job)]
    total_us = len(rows) * sum(timed.expected_us_a_row for timed in passes)
    repeats_s: dict[_Pass, list[float]] = defaultdict(list)
    done_us = 0
    for timed in passes:
        session.execute(f"TRUNCATE {scratch.column_family_name()}")
        counted = Counted(values, begun=done_us, each=timed.expected_us_a_row)
        with reporting(progress, total_us, str(timed), counted), Timer() as timer:
            if timed.pool_size is None:
                in_loop(creates(scratch, timed.latency_s), counted)
            else:
                in_pool(creates(scratch, timed.latency_s), counted, timed.pool_size)
        repeats_s[timed].append(timer.elapsed_s)
        done_us = counted.done
        verify_whole_table(session, scratch, dataset.columns, rows)
    repeats_s[warm_up].pop(0)
    return repeats_s


def _plan(job: SweepLatencies) -> Iterator[_Pass]:
    """Alternate loop and Pool. At the two largest latencies the loop varies least and takes longest: once."""
    for latency_s in job.latencies_s:
        sync_repeats = 1 if latency_s in sorted(job.latencies_s)[-2:] else job.sync_repeats
        for repeat in range(max(sync_repeats, job.async_repeats)):
            if repeat < sync_repeats:
                yield _Pass(latency_s, None)
            if repeat < job.async_repeats:
                yield _Pass(latency_s, job.pool_size)
