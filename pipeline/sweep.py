"""The article's experiment: the same rows created in a loop and through a Pool, at each injected latency."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gevent
from cassandra.cluster import Session
from cassandra.cqlengine.models import Model

from pipeline import loader
from pipeline.datasets import Dataset
from pipeline.errors import SchemaError
from pipeline.jobs import Result, SweepLatencies
from pipeline.keyspace import bind_model, drop_table, ensure_table, find_table, table_name
from pipeline.progress import Counted, Progress, reporting
from pipeline.rowfiles import Row
from pipeline.session import translated_errors
from pipeline.timing import Timer
from pipeline.verify import verify_whole_table

Values = Mapping[str, object]


def sweep(
    session: Session, dataset: Dataset, job: SweepLatencies, rows: Sequence[Row], progress: Progress
) -> Result:
    """Time every cell on a scratch table of its own, dropped at the end whatever happens.

    After each timed pass the table must hold exactly the rows; before the next it is emptied. A pass
    through the pool that is not timed comes first, so that no cell pays for a cold server.

    Raises:
        SchemaError: `manage_schema` is false, or the scratch table is there already.
        VerificationError: a pass lost a row, or wrote one wrongly.
        ClusterError: a request failed.
    """
    if not job.keyspace.manage_schema:
        raise SchemaError(
            "timing creates a scratch table, and manage_schema is false; time on another cluster"
        )
    scratch = bind_model(dataset.model, job.keyspace.name, f"{dataset.table[:12]}_timing_{job.run}")
    if find_table(session, scratch) is not None:
        raise SchemaError(f"scratch table {table_name(scratch)} is there already; choose another run")
    ensure_table(session, scratch, manage_schema=True)
    try:
        return _Experiment(session, dataset, scratch, job, rows, progress).run()
    finally:
        drop_table(scratch)


class _Experiment:
    def __init__(
        self,
        session: Session,
        dataset: Dataset,
        scratch: type[Model],
        job: SweepLatencies,
        rows: Sequence[Row],
        progress: Progress,
    ) -> None:
        self._session = session
        self._columns = dataset.columns
        self._scratch = scratch
        self._job = job
        self._rows = rows
        self._values = loader.by_attribute(dataset, rows)
        self._progress = progress
        self._done = 0
        self._total = len(rows) * (
            1 + sum(self._sync_repeats(latency_s) + job.async_repeats for latency_s in job.latencies_s)
        )

    def run(self) -> Result:
        first = self._values[0]
        with translated_errors(f"cannot create a row in {table_name(self._scratch)}"):
            with Timer() as single_sync:
                self._scratch.create(**first)
            with Timer() as single_async:
                gevent.spawn(self._scratch.create, **first).get()
        self._timed("warm-up", self._pool(loader.creates(self._scratch)))
        return {
            "single_row_sync_s": single_sync.elapsed_s,
            "single_row_async_s": single_async.elapsed_s,
            "scratch_table": table_name(self._scratch),
            "cells": [self._cell(latency_s) for latency_s in self._job.latencies_s],
        }

    def _cell(self, latency_s: float) -> dict[str, Any]:
        create = loader.creates(self._scratch, latency_s)
        sync_s, async_s = [], []
        for repeat in range(max(self._sync_repeats(latency_s), self._job.async_repeats)):
            if repeat < self._sync_repeats(latency_s):
                sync_s.append(
                    self._timed(f"loop at {latency_s:g} s", lambda rows: loader.in_loop(create, rows))
                )
            if repeat < self._job.async_repeats:
                async_s.append(self._timed(f"Pool at {latency_s:g} s", self._pool(create)))
        return {
            "latency_s": latency_s,
            "rows": len(self._rows),
            "pool_size": self._job.pool_size,
            "sync_repeats_s": sync_s,
            "async_repeats_s": async_s,
        }

    def _pool(self, create: loader.Write) -> Callable[[Iterable[Values]], None]:
        return lambda rows: loader.in_pool(create, rows, self._job.pool_size)

    def _sync_repeats(self, latency_s: float) -> int:
        """At the two largest latencies the loop takes minutes and varies least: once is enough."""
        return 1 if latency_s in sorted(self._job.latencies_s)[-2:] else self._job.sync_repeats

    def _timed(self, what: str, write_all: Callable[[Iterable[Values]], None]) -> float:
        with translated_errors(f"cannot load {table_name(self._scratch)}"):
            self._session.execute(f"TRUNCATE {self._scratch.column_family_name()}")
            counted = Counted(self._values)
            with (
                reporting(self._progress, self._total, what, done=lambda: self._done + counted.taken),
                Timer() as timer,
            ):
                write_all(counted)
        self._done += len(self._rows)
        verify_whole_table(self._session, self._scratch, self._columns, self._rows)
        return timer.elapsed_s
