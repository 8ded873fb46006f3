"""Jobs by the workers of Dask: results in order, errors, and workers that are lost, without a server."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.cluster.jobs import DescribeTable
from pipeline.engines.dask import open_dask
from pipeline.engines.protocol import Again, Attempts, same_job
from pipeline.errors import RowFileError, SettingError, WorkerError
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.jobs import DescribeFiles, FileToRead
from pipeline.settings import ClusterConfig, DaskConfig, KeyspaceConfig
from pipeline.workers.client import run_jobs
from tests.harness.daskcluster import DaskCluster, dask_cluster
from tests.harness.interpreter import printed
from tests.harness.workspace import until

LONG = Attempts(deadline_s=300, again=same_job)
SHORT = Attempts(deadline_s=1, again=same_job)


@pytest.fixture
def silent() -> Iterator[DescribeTable]:
    """A job that does not end: its server takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        cluster = ClusterConfig(
            contact_points=("127.0.0.1",), port=server.getsockname()[1], connect_timeout_s=600
        )
        yield DescribeTable(cluster=cluster, keyspace=KeyspaceConfig(name="k"), table="t")


def describe(*files: Path) -> DescribeFiles:
    """Return the job that describes files."""
    return DescribeFiles(files=tuple(FileToRead(path=str(file), dialect=Dialect()) for file in files))


@contextlib.contextmanager
def watching(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` again and again, in a thread, while the block runs."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            with contextlib.suppress(psutil.NoSuchProcess):
                look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def children(dask: DaskCluster) -> list[psutil.Process]:
    """Return the processes that carry out jobs."""
    return [child for worker in dask.workers.values() for child in psutil.Process(worker.pid).children()]


def test_results_are_in_order_and_progress_is_of_all(dask: DaskCluster, tmp_path: Path) -> None:
    """The results are those of processes, in the order of the jobs; progress is the sum of finished jobs."""
    files = [tmp_path / f"{at}.csv" for at in range(5)]
    for at, file in enumerate(files):
        file.write_text("id\n" + "1\n" * (at + 1), encoding="utf-8")
    jobs = [describe(file) for file in files]
    told: list[tuple[int, int, str]] = []
    with open_dask(DaskConfig(scheduler=dask.address)) as engine:
        assert engine.worker_count == 2
        results = engine.carry_out(jobs, LONG, lambda *said: told.append(said))
    assert results == run_jobs(jobs)
    assert [done for done, *_ in told] == [1, 2, 3, 4, 5]
    assert not children(dask)


def test_an_error_names_its_worker(dask: DaskCluster, tmp_path: Path) -> None:
    """An error of a job is of the same kind, names the worker, and ends the other jobs."""
    with open_dask(DaskConfig(scheduler=dask.address)) as engine, pytest.raises(RowFileError) as raised:
        engine.carry_out([describe(tmp_path / "absent.csv")], LONG, None)
    assert str(raised.value).startswith("worker tcp://127.0.0.")
    assert "absent.csv" in str(raised.value)


def test_a_killed_job_is_given_to_others_a_few_times(dask: DaskCluster, silent: DescribeTable) -> None:
    """A job whose process is killed has another one at once; after four the load fails, and says why."""
    killed: set[int] = set()

    def again(job: Any, *, is_ended: bool) -> Again:  # noqa: ANN401 - a job of any kind
        assert is_ended
        return Again(job=job)

    def kill() -> None:
        for child in children(dask):
            if child.pid not in killed:
                killed.add(child.pid)
                child.kill()

    with (
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
        watching(kill),
        pytest.raises(WorkerError, match=r"4 workers of Dask had job 0 .*signal 9"),
    ):
        engine.carry_out([silent], Attempts(deadline_s=300, again=again), None)
    assert len(killed) == 4


def test_a_stopped_job_ends_at_its_deadline(dask: DaskCluster, silent: DescribeTable) -> None:
    """A job that is stopped is ended at its deadline, and given to others, which have longer and longer."""
    left_s: dict[int, float] = {}

    def stop() -> None:
        for child in children(dask):
            words = child.cmdline()
            if "pipeline.worker" in words and child.pid not in left_s:
                left_s[child.pid] = float(words[-1]) - time.monotonic()
                child.suspend()

    with (
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
        watching(stop),
        pytest.raises(WorkerError, match="not done within its deadline"),
    ):
        engine.carry_out([silent], SHORT, None)
    until(lambda: not children(dask))
    first_s, *_, last_s = left_s.values()
    assert first_s <= SHORT.deadline_s < last_s


def test_an_interrupt_ends_all_jobs(dask: DaskCluster, silent: DescribeTable, tmp_path: Path) -> None:
    """If the run is interrupted, its jobs end, also those that would never."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")

    def interrupt(*_: object) -> None:
        until(lambda: children(dask))
        raise KeyboardInterrupt

    jobs: list[Any] = [silent, describe(file)]
    with open_dask(DaskConfig(scheduler=dask.address)) as engine, pytest.raises(KeyboardInterrupt):
        engine.carry_out(jobs, LONG, interrupt)
    until(lambda: not children(dask))


def test_a_stopped_worker_gets_no_more_jobs(
    tmp_path: Path, silent: DescribeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a worker of Dask itself is stopped, another gets its job after the deadline."""
    monkeypatch.setattr("pipeline.engines.remote._MARGIN_S", 0)
    given: list[bool] = []
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    with dask_cluster(tmp_path) as dask, open_dask(DaskConfig(scheduler=dask.address)) as engine:
        stopped: list[psutil.Process] = []

        def again(job: Any, *, is_ended: bool) -> Again:  # noqa: ANN401 - a job of any kind
            del job
            given.append(is_ended)
            return Again(job=describe(file))

        def stop() -> None:
            for worker in dask.workers.values():
                process = psutil.Process(worker.pid)
                if not stopped and process.children():
                    stopped.append(process)
                    process.suspend()

        with watching(stop):
            jobs: list[Any] = [silent]
            results = engine.carry_out(jobs, Attempts(deadline_s=10, again=again), None)
        assert given == [False]
        assert stopped
        assert results


@pytest.mark.timeout(120)
def test_the_last_job_of_a_killed_worker_is_given_to_another(tmp_path: Path, silent: DescribeTable) -> None:
    """If a worker of Dask is killed when no other job waits, another gets its job before the deadline."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")

    def again(job: Any, *, is_ended: bool) -> Again:  # noqa: ANN401 - a job of any kind
        del job
        assert not is_ended
        return Again(job=describe(file))

    with dask_cluster(tmp_path) as dask, open_dask(DaskConfig(scheduler=dask.address)) as engine:

        def kill() -> None:
            workers = dask.workers.values()
            for worker in workers:
                if all(each.poll() is None for each in workers) and psutil.Process(worker.pid).children():
                    worker.kill()
                    worker.wait()

        with watching(kill):
            jobs: list[Any] = [silent]
            assert engine.carry_out(jobs, Attempts(deadline_s=600, again=again), None)


def test_a_deadline_also_ends_a_process_that_was_stopped() -> None:
    """A process that is continued after its deadline is ended before it does anything else."""
    # Its own import says so: no more than the kernel's timer is needed.
    from pipeline.workers.client import end_worker, start_worker  # noqa: PLC0415 - beside its only use

    worker = start_worker(6.0)
    process = psutil.Process(worker.pid)
    until(lambda: process.num_threads() > 0 and "pipeline.worker" in process.cmdline())
    time.sleep(3)
    os.kill(worker.pid, signal.SIGSTOP)
    time.sleep(4)
    assert worker.poll() is None
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait(20) == -signal.SIGALRM
    end_worker(worker)


def test_without_its_package_the_message_says_what_to_install() -> None:
    """Without Dask's package the error says how to install it; nothing of it is needed for other engines."""
    program = """
import sys
sys.modules["distributed"] = None
import pipeline.engines.opening
from pipeline.engines.dask import open_dask
from pipeline.errors import SettingError
from pipeline.settings import DaskConfig
try:
    open_dask(DaskConfig(scheduler="tcp://127.0.0.1:1")).__enter__()
except SettingError as error:
    print(error)
"""
    assert "pip install '.[dask]'" in printed(program)


def test_a_worker_without_this_package_is_an_error(tmp_path: Path) -> None:
    """If the workers do not have this package, the error says to install it there."""
    (tmp_path / "pipeline.py").touch()
    with dask_cluster(tmp_path, hosts=()) as dask:
        dask.start_worker("127.0.0.1", environment={"PYTHONPATH": str(tmp_path)})
        with (
            open_dask(DaskConfig(scheduler=dask.address)) as engine,
            pytest.raises(SettingError, match=r"does not have this package: .*install the same version"),
        ):
            engine.carry_out([describe(tmp_path / "rows.csv")], LONG, None)


def test_a_scheduler_must_be_named_and_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty address, and one where nobody answers, are errors that say what to correct."""
    with pytest.raises(SettingError, match=r"scheduler in \[dask\] is empty"), open_dask(DaskConfig()):
        pass
    monkeypatch.setattr("pipeline.engines.dask._CONNECT_S", 1)
    with (
        pytest.raises(WorkerError, match=r"tcp://127\.0\.0\.1:1 does not answer"),
        open_dask(DaskConfig(scheduler="tcp://127.0.0.1:1")),
    ):
        pass


def test_a_dask_without_workers_is_an_error(tmp_path: Path) -> None:
    """A scheduler that has no workers is an error, and not a load that waits for ever."""
    with (
        dask_cluster(tmp_path, hosts=()) as dask,
        pytest.raises(WorkerError, match="Dask has no workers"),
        open_dask(DaskConfig(scheduler=dask.address)),
    ):
        pass
