"""Jobs by the workers of Dask: results in order, errors, and workers that are lost, without a server."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.cluster.jobs import DescribeTable
from pipeline.engines.dask import DaskWorkers, open_dask
from pipeline.engines.protocol import Again, Attempts, same_job
from pipeline.engines.remote import Answer
from pipeline.errors import RowFileError, SettingError, WorkerError
from pipeline.settings import DaskConfig
from pipeline.workers.client import run_jobs
from tests.harness.daskcluster import HOSTS, DaskCluster, dask_cluster
from tests.harness.enginejobs import describe
from tests.harness.interpreter import printed
from tests.harness.workspace import until

LONG = Attempts(deadline_s=300, again=same_job)
SHORT = Attempts(deadline_s=1, again=same_job)


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


def test_results_are_in_order_and_progress_is_of_all(dask: DaskCluster, tmp_path: Path) -> None:
    """The results are those of processes, in order; progress is the sum of finished jobs.

    Each worker has one child process for all of them.
    """
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
    assert len(dask.children()) == 2


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
        for child in dask.children():
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


def test_a_stopped_job_ends_at_its_deadline(
    dask: DaskCluster, silent: DescribeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is stopped is ended at its deadline, and given to others, which have longer and longer."""
    deadlines_s: list[float] = []
    start = DaskWorkers.start

    def noting(workers: DaskWorkers, key: str, job: str, deadline_s: float, *rest: Any) -> None:  # noqa: ANN401 - passed on
        deadlines_s.append(deadline_s)
        start(workers, key, job, deadline_s, *rest)

    monkeypatch.setattr(DaskWorkers, "start", noting)

    def stop() -> None:
        for child in dask.children():
            if "pipeline.worker" in child.cmdline():
                child.suspend()

    with (
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
        watching(stop),
        pytest.raises(WorkerError, match="not done within its deadline"),
    ):
        engine.carry_out([silent], SHORT, None)
    until(lambda: not dask.children())
    assert deadlines_s == [SHORT.deadline_s * times for times in (1, 2, 4, 8)]


def test_workers_that_join_later_make_no_more_jobs_run_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load divides its caps among the workers that it has counted, so no more than these work for it."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    running: set[str] = set()
    counts: list[int] = []
    start = DaskWorkers.start

    def counting(
        workers: DaskWorkers,
        key: str,
        job: str,
        deadline_s: float,
        place: str,
        done: Callable[[Answer], None],
    ) -> None:
        running.add(key)
        counts.append(len(running))

        def end(answer: Answer) -> None:
            running.discard(key)
            done(answer)

        start(workers, key, job, deadline_s, place, end)

    monkeypatch.setattr(DaskWorkers, "start", counting)
    with dask_cluster(tmp_path, HOSTS[:1]) as dask, open_dask(DaskConfig(scheduler=dask.address)) as engine:
        dask.start_worker(HOSTS[1])
        engine.carry_out([describe(file)] * 4, LONG, None)
    assert counts == [1, 1, 1, 1]


def test_an_interrupt_ends_all_jobs(dask: DaskCluster, silent: DescribeTable, tmp_path: Path) -> None:
    """If the run is interrupted, its jobs end, also those that would never."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")

    def interrupt(*_: object) -> None:
        until(dask.children)
        raise KeyboardInterrupt

    jobs: list[Any] = [silent, describe(file)]
    with open_dask(DaskConfig(scheduler=dask.address)) as engine, pytest.raises(KeyboardInterrupt):
        engine.carry_out(jobs, LONG, interrupt)
    until(lambda: not dask.children())


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


def test_without_its_package_the_message_says_what_to_install() -> None:
    """Without Dask's package the error says how to install it; nothing of it is needed for other engines."""
    program = """
import sys
sys.modules["distributed"] = None
import pipeline.engines.opening
from pipeline.engines.dask import DaskWorkers, open_dask
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
