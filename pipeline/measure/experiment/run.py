"""Runs the experiment: each repeat in a new process, on a scratch table that is checked after each."""

import contextlib
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from cassandra.cluster import Session
from cassandra.cqlengine.models import Model

from pipeline.cluster.keyspace import table_name
from pipeline.cluster.scratch import scratch_table, unused_scratch
from pipeline.cluster.table import find_table_of
from pipeline.cluster.translation import translated_errors
from pipeline.cql.columns import Row
from pipeline.datasets.dataset import Dataset
from pipeline.errors import SettingError, WorkerError, suggestion
from pipeline.measure import contenders
from pipeline.measure.create import by_attribute, by_position, creates, in_pool
from pipeline.measure.experiment.measurement import Cell, Repeat
from pipeline.measure.experiment.plan import Plan, rows_within
from pipeline.measure.experiment.trial import Description, Timing, Trial
from pipeline.measure.jobs import ClusterFacts, ExperimentResult, RunExperiment
from pipeline.proxy.control import Proxy, proxy
from pipeline.rowfiles.files import write_rows
from pipeline.verify.found import verify_whole_table
from pipeline.workers.codec import from_json, to_json
from pipeline.workers.jobs import Progress

Routes = tuple[tuple[str, str], ...]
"""By which proxy to reach a node, as in `ClusterConfig`."""


def run_experiment(
    session: Session,
    dataset: Dataset,
    job: RunExperiment,
    rows: Sequence[Row],
    cluster: ClusterFacts,
    progress: Progress,
) -> ExperimentResult:
    """Time the job's cells within its budget, on a scratch table that is dropped in every case.

    The first rows are not counted: a Java server is slow until its code is compiled. The table is truncated
    before each repeat and must have exactly the rows after it.

    Raises:
        SettingError: a contender is unknown, or the budget is too short for a round.
        SchemaError: `manage_schema` is false, or the scratch table is there already.
        VerificationError: a repeat lost a row, or wrote one wrongly.
        WorkerError: a contender's process failed.
        ClusterError: the cluster failed.
    """
    descriptions = {name: _describe(name) for name in _named(job.contenders)}
    cells = {cell: name for name, description in descriptions.items() for cell in _cells(description, job)}
    if not cells:
        raise SettingError("no contender has a cell at these latencies; name others")
    model = unused_scratch(session, dataset.model, job.keyspace, job.run)
    rows_of = {cell: rows_within(cell, len(rows), job.repeat_s) for cell in cells}
    plan = Plan(
        cells=list(cells),
        rows_of=rows_of.__getitem__,
        time_budget_s=job.time_budget_s,
        precision=job.precision,
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        between = stack.enter_context(_proxied(session))
        files = {count: folder / f"{count}.csv" for count in set(rows_of.values())}
        for count, file in files.items():
            write_rows(file, dataset.columns, rows[:count])
        stack.enter_context(scratch_table(session, model))
        progress(0, int(job.time_budget_s), "s, warming up the server")
        warm_up_s = min(_WARM_UP_MOST_S, _WARM_UP_SHARE * job.time_budget_s)
        _warm_up(session, model, dataset, rows[:_WARM_UP_ROWS], warm_up_s)
        for number, cell in enumerate(plan):
            progress(int(plan.elapsed_s), int(job.time_budget_s), f"s, {number + 1}: {cell}")
            routes = between.routes_at(cell)
            timing = _time(cells[cell], _trial(job, model, cell, files[rows_of[cell]], routes))
            verify_whole_table(session, model, dataset.columns, rows[: rows_of[cell]])
            repeat = len(plan.repeats[cell]) + 1
            plan.note(Repeat(cell=cell, repeat=repeat, rows=rows_of[cell], **asdict(timing)))
        progress(int(job.time_budget_s), int(job.time_budget_s), "s")
    return ExperimentResult(
        repeats=tuple(repeat for repeats in plan.repeats.values() for repeat in repeats),
        methods={each.label: each.method for each in descriptions.values() if each.is_swept},
        cluster=cluster,
    )


def _trial(job: RunExperiment, model: type[Model], cell: Cell, file: Path, routes: Routes) -> Trial:
    return Trial(
        cluster=replace(job.cluster, routes=routes),
        keyspace=job.keyspace.name,
        table=model.__table_name__,
        dataset=job.dataset,
        file=str(file),
        in_flight=cell.in_flight,
        sleep_s=0.0 if cell.latency_kind == "network" else cell.latency_s,
        latency_s=cell.latency_s,
        server_pids=job.server_pids,
    )


def contender_names() -> list[str]:
    """Return the names of the contenders: the files of `pipeline/measure/contenders/`."""
    return sorted(module.name for module in pkgutil.iter_modules(contenders.__path__))


def _named(names: Sequence[str]) -> list[str]:
    known = contender_names()
    for name in names:
        if name not in known:
            raise SettingError(f"contender {name!r} is unknown; {suggestion(name, known)}")
    return list(names or known)


def _cells(description: Description, job: RunExperiment) -> Iterator[Cell]:
    """Yield a contender's cells: a loop has one request in flight, others have the first pool size.

    A swept contender has every pool size, for the latency of the network only.
    """
    for kind in description.latency_kinds:
        if kind not in job.latency_kinds:
            continue
        for latency_s in job.latencies_s:
            sizes = job.pool_sizes if description.is_swept and kind == "network" else job.pool_sizes[:1]
            for in_flight in (1,) if description.is_loop else sizes:
                yield Cell(
                    contender=description.label, latency_kind=kind, latency_s=latency_s, in_flight=in_flight
                )


class _Between:
    """The proxy in front of every node of the cluster, and the routes through it."""

    def __init__(self, nodes: Sequence[str], proxied: Proxy) -> None:
        self.proxy = proxied
        self._routes: Routes = tuple(
            (node, f"{host}:{port}") for node, (host, port) in zip(nodes, proxied.addresses, strict=True)
        )

    def routes_at(self, cell: Cell) -> Routes:
        """Set the proxy's latency for a cell; return the routes through it, none if the latency is slept."""
        if cell.latency_kind != "network":
            return ()
        self.proxy.set(round_trip_s=cell.latency_s)
        return self._routes


@contextlib.contextmanager
def _proxied(session: Session) -> Iterator[_Between]:
    endpoints = [host.endpoint for host in session.cluster.metadata.all_hosts()]
    with proxy([(endpoint.address, endpoint.port) for endpoint in endpoints]) as proxied:
        yield _Between([f"{endpoint.address}:{endpoint.port}" for endpoint in endpoints], proxied)


def _warm_up(
    session: Session, model: type[Model], dataset: Dataset, rows: Sequence[Row], warm_up_s: float
) -> None:
    until_s = time.monotonic() + warm_up_s
    with translated_errors(f"cannot write to {table_name(model)}"):
        table = find_table_of(session, model.__keyspace__, model.__table_name__)
        insert = session.prepare(table.insert([column.name for column in dataset.columns]))
        values, bound = by_attribute(dataset, rows), by_position(rows)
        while time.monotonic() < until_s:
            in_pool(creates(model), values, _WARM_UP_IN_FLIGHT)
            in_pool(partial(session.execute, insert), bound, _WARM_UP_IN_FLIGHT)


def _describe(name: str) -> Description:
    return from_json(Description, _answer(name, "--describe"))


def _time(name: str, trial: Trial) -> Timing:
    return from_json(Timing, _answer(name, given=to_json(trial)))


def _answer(name: str, *options: str, given: str = "") -> str:
    """Run a contender's process to its end; return its answer."""
    command = [sys.executable, "-m", f"{contenders.__name__}.{name}", *options]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkerError(f"contender {name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


_WARM_UP_MOST_S, _WARM_UP_SHARE = 20.0, 0.05
"""How long the server is warmed up: so long at most, and not more than so much of the time there is."""
_WARM_UP_ROWS, _WARM_UP_IN_FLIGHT = 1000, 100
