"""A contender's process: it describes itself, or connects, warms up, and times one pass over the rows.

A contender is one file in `pipeline/measure/contenders/`. Where its process is patched by gevent, that is the
first thing the file does; it ends with `run_contender`.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import ParamSpec, TypeVar

import psutil
from cassandra.cluster import Session
from cassandra.connection import Connection
from cassandra.cqlengine.models import Model
from cassandra.query import PreparedStatement
from gevent.monkey import is_module_patched

from pipeline.cluster.busy_polling import BusyPollingConnection, busy_polling
from pipeline.cluster.keyspace import bind_model
from pipeline.cluster.session import open_session
from pipeline.cluster.table import find_table_of
from pipeline.cluster.translation import translated_errors
from pipeline.cql.columns import Row
from pipeline.cql.tables import Table, quoted
from pipeline.datasets.dataset import Dataset, find_dataset
from pipeline.errors import PipelineError
from pipeline.measure.article.timing import Timer
from pipeline.measure.create import by_attribute, by_position
from pipeline.measure.experiment.measurement import LATENCY_KINDS, LatencyKind
from pipeline.measure.experiment.trial import Description, Timing, Trial
from pipeline.requests.latencies import Latencies
from pipeline.rowfiles.files import read_rows
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.sources import describe_file
from pipeline.workers.codec import from_json, to_json
from pipeline.workers.parent import end_with_parent

P = ParamSpec("P")
Answer = TypeVar("Answer")
Write = Callable[[], object]


@dataclass(kw_only=True)
class TrialContext:
    """The rows and the table of a trial, and the latencies of its requests."""

    trial: Trial
    session: Session
    rows: Sequence[Row]
    latencies: Latencies = field(default_factory=Latencies)

    def timed(self, request: Callable[P, Answer]) -> Callable[P, Answer]:
        """Return `request` timed: each call sleeps first if the trial says so; its latency is recorded."""
        sleep_s, note, now_s = self.trial.sleep_s, self.latencies.record, time.perf_counter

        def timed_request(*args: P.args, **kwargs: P.kwargs) -> Answer:
            began_s = now_s()
            if sleep_s:
                time.sleep(sleep_s)
            answer = request(*args, **kwargs)
            note(now_s() - began_s)
            return answer

        return timed_request

    @cached_property
    def dataset(self) -> Dataset:
        """The rows' dataset."""
        return find_dataset(self.trial.dataset)

    @cached_property
    def model(self) -> type[Model]:
        """The dataset's model, on the trial's table."""
        return bind_model(self.dataset.model, self.trial.keyspace, self.trial.table)

    @cached_property
    def table(self) -> Table:
        """The trial's table."""
        return find_table_of(self.session, self.trial.keyspace, self.trial.table)

    @cached_property
    def insert(self) -> PreparedStatement:
        """The INSERT of one row, prepared."""
        return self.session.prepare(self.table.insert([column.name for column in self.dataset.columns]))

    @property
    def values(self) -> list[Mapping[str, object]]:
        """Each row in the form of `Model.create`."""
        return list(by_attribute(self.dataset, self.rows))

    @property
    def bound(self) -> list[list[object]]:
        """Each row in the form of `insert`."""
        return by_position(self.rows)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to write rows: `prepare` does the untimed part and returns the timed function.

    `connection_class` is a class of the driver's; None is the driver's default.
    """

    label: str
    method: str
    prepare: Callable[[TrialContext], Write]
    is_loop: bool = False
    is_swept: bool = False
    latency_kinds: tuple[LatencyKind, ...] = LATENCY_KINDS
    connection_class: type[Connection] | None = BusyPollingConnection


def run_contender(contender: Contender) -> None:
    """Run a contender's process: print its description, or run the trial from standard input.

    Raises:
        SystemExit: with a line that says what failed.
    """
    end_with_parent()
    parser = argparse.ArgumentParser(description=f"{contender.label}: one contender of the experiment.")
    parser.add_argument("--describe", action="store_true", help="say what it is; default: carry out a trial")
    if parser.parse_args().describe:
        answer: object = Description(
            label=contender.label,
            latency_kinds=contender.latency_kinds,
            is_loop=contender.is_loop,
            method=contender.method,
            is_swept=contender.is_swept,
        )
    else:
        try:
            answer = _run_trial(contender, from_json(Trial, sys.stdin.readline()))
        except PipelineError as error:
            sys.exit(f"{contender.label}: {error}")
    sys.stdout.write(f"{to_json(answer)}\n")


def _run_trial(contender: Contender, trial: Trial) -> Timing:
    rows = list(
        read_rows(RowsToRead(files=(describe_file(Path(trial.file)),)), find_dataset(trial.dataset).columns)
    )
    with (
        open_session(trial.cluster, connection_class=contender.connection_class) as session,
        translated_errors(f"cannot write to {trial.keyspace}.{trial.table}"),
    ):
        warm_up = rows[: trial.in_flight * max(1, int(_WARM_UP_S / (trial.latency_s + _REQUEST_S)))]
        contender.prepare(TrialContext(trial=trial, session=session, rows=warm_up))()
        session.execute(f"TRUNCATE {quoted(trial.keyspace)}.{quoted(trial.table)}")
        context = TrialContext(trial=trial, session=session, rows=rows)
        write = contender.prepare(context)
        gc.collect()
        gc.freeze()
        server_cpu_s, client_cpu_s, began_at_s = _server_cpu_s(trial), _client_cpu_s(contender), time.time()
        with Timer() as timer:
            write()
        return Timing(
            reactor=session.cluster.connection_class.__name__,
            patched=is_module_patched("socket"),
            requests=context.latencies.count,
            elapsed_s=timer.elapsed_s,
            client_cpu_s=_client_cpu_s(contender) - client_cpu_s,
            server_cpu_s=_server_cpu_s(trial) - server_cpu_s if trial.server_pids else None,
            latencies=context.latencies.encoded,
            began_at_s=began_at_s,
        )


def _client_cpu_s(contender: Contender) -> float:
    """Return the CPU time so far, without the busy polling of an idle event loop."""
    used = getrusage(RUSAGE_SELF)
    idle_s = busy_polling().polled_s if contender.connection_class is BusyPollingConnection else 0.0
    return used.ru_utime + used.ru_stime - idle_s


def _server_cpu_s(trial: Trial) -> float:
    used = [psutil.Process(pid).cpu_times() for pid in trial.server_pids]
    return sum(each.user + each.system for each in used)


_WARM_UP_S = 0.3
_REQUEST_S = 0.001
"""A guess at the time of a request without the latency; it sets the number of rows in the warm-up."""
