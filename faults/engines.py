"""The engine Dask under a load: a worker, the driver or the scheduler is killed, stopped, or cut off."""

import contextlib
import csv
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from faults.limits import require_clear
from faults.outcome import ScenarioOutcome, TableDifference, require
from faults.running import RunningLoad
from faults.site import Environment, Site
from pipeline.embedded import Endpoint
from pipeline.proxy.control import Proxy, proxy
from tests.harness.daskcluster import HOSTS, DaskCluster, dask_cluster


@dataclass(frozen=True, kw_only=True)
class _Strike:
    """A moment of a load: its number, what runs, and what is drawn. `turn` says which kind of fault it is."""

    number: int
    rng: random.Random
    dask: DaskCluster
    run: RunningLoad
    host: str

    @property
    def turn(self) -> bool:
        """Whether this is the second of two kinds of a fault, which take turns, each with both tables."""
        return self.number // 2 % 2 == 1

    @property
    def worker(self) -> psutil.Process:
        """The worker of Dask that is struck."""
        return psutil.Process(self.dask.workers[self.host].pid)


def kill_worker(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill one of two workers of Dask, and start it again or not."""

    @contextlib.contextmanager
    def strike(at: _Strike) -> Iterator[None]:
        at.worker.kill()
        if at.turn:
            at.dask.start_worker(at.host)
        yield

    return _strikes(environment, times, "engine_kill_worker", strike)


def stop_worker(environment: Environment, times: int) -> ScenarioOutcome:
    """Stop one of two workers of Dask by SIGSTOP, alone or with what it does, until the load has ended."""

    @contextlib.contextmanager
    def strike(at: _Strike) -> Iterator[None]:
        stopped = [at.worker, *(at.worker.children() if at.turn else ())]
        for process in stopped:
            _send(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                _send(process, signal.SIGCONT)

    return _strikes(environment, times, "engine_stop_worker", strike)


def cut_worker(environment: Environment, times: int) -> ScenarioOutcome:
    """Cut one of two workers of Dask off from Cassandra, for a while or for the rest of the load."""
    [node] = environment.endpoint.contact_points

    @contextlib.contextmanager
    def strike(between: Proxy, at: _Strike) -> Iterator[None]:
        between.set(fault="reset", below=at.worker.pid)
        try:
            if at.turn:
                time.sleep(at.rng.uniform(0, _CUT_S))
                between.set(fault="none")
            yield
        finally:
            between.set(fault="none")

    with proxy([(node, environment.endpoint.port)]) as between:
        return _strikes(
            environment,
            times,
            "engine_cut_worker",
            partial(strike, between),
            endpoint=Endpoint(contact_points=("127.0.0.1",), port=between.port),
        )


def kill_driver(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill Luigi while Dask loads for it, then run the command in another folder, without its files."""

    @contextlib.contextmanager
    def strike(at: _Strike) -> Iterator[None]:
        at.run.process.kill()
        yield

    return _strikes(
        environment, times, "engine_kill_driver", strike, retry_budget_s=_HELD_S, is_elsewhere=True
    )


def restart_scheduler(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill Dask's scheduler, and start it again at its address; its workers, which end, too."""

    @contextlib.contextmanager
    def strike(at: _Strike) -> Iterator[None]:
        at.dask.restart_scheduler(away_s=at.rng.uniform(0, _AWAY_S))
        for host, worker in at.dask.workers.items():
            worker.wait(_ENDING_S)
            at.dask.start_worker(host)
        yield

    return _strikes(environment, times, "engine_restart_scheduler", strike, may_fail=True)


@dataclass(frozen=True, kw_only=True)
class _Loads:
    """Loads by Dask that are struck.

    `may_fail`: one may end with an error; the same command must succeed then. `is_elsewhere`: each is killed,
    and the same command must succeed in another folder.
    """

    site: Site
    dask: DaskCluster
    rng: random.Random
    strike: Callable[[_Strike], contextlib.AbstractContextManager[None]]
    may_fail: bool
    is_elsewhere: bool
    codes: list[int] = field(default_factory=list)

    def strike_one(self, number: int, part: float) -> float:
        """Strike a load when about such a part of its rows is settled; return how many seconds it had run."""
        run = self.site.begin(*self._words)
        run.until(lambda: _jobs_of(self.site.folder))
        began_s = time.monotonic()
        run.until(lambda: self.site.settled("cluster") >= int(part * len(_NAMES)) * _ROWS // len(_NAMES))
        time.sleep(self.rng.uniform(0, _SPLIT_S))
        struck_s = time.monotonic() - began_s
        require(not run.has_ended, f"the load ended before it was struck:\n{run.output[-3000:]}")
        host = self.rng.choice(HOSTS)
        with self.strike(_Strike(number=number, rng=self.rng, dask=self.dask, run=run, host=host)):
            code = run.wait()
        for each, worker in self.dask.workers.items():
            if worker.poll() is not None:
                self.dask.start_worker(each)
        if code:
            require(self.may_fail or self.is_elsewhere, f"exit code {code}:\n{run.output[-3000:]}")
            if self.may_fail:
                require_clear(run.output, "run the ")
            place = self.site.elsewhere(*_NAMES) if self.is_elsewhere else self.site
            place.done(*self._words)
        _require_none_left(self.site.folder)
        self.codes.append(code)
        return struck_s

    @property
    def _words(self) -> tuple[str, ...]:
        return ("LoadTable", "--table", f"{self.site.keyspace}.user", "--input", "rows-*.csv")


def _strikes(
    environment: Environment,
    times: int,
    name: str,
    strike: Callable[[_Strike], contextlib.AbstractContextManager[None]],
    *,
    endpoint: Endpoint | None = None,
    retry_budget_s: float = 4,
    may_fail: bool = False,
    is_elsewhere: bool = False,
) -> ScenarioOutcome:
    """Strike loads at random moments, spread over the time of sending; every other table has lists."""
    rng = random.Random(name)  # noqa: S311 - repeatable, not secret
    load = {
        "engine": "dask",
        "journal": "cluster",
        "rows_per_s": _ROWS_PER_S,
        "retry_budget_s": retry_budget_s,
    }
    lost = extra = 0
    moments: list[str] = []
    with environment.site(name, endpoint=endpoint, load=load) as site, dask_cluster(site.folder) as dask:
        site.configure(dask={"scheduler": dask.address})
        rows = _write(site)
        loads = _Loads(
            site=site, dask=dask, rng=rng, strike=strike, may_fail=may_fail, is_elsewhere=is_elsewhere
        )
        parts = [_PART * (stratum + rng.random()) / times for stratum in range(times)]
        rng.shuffle(parts)
        for number, part in enumerate(parts):
            _create(site, has_lists=number % 2 == 1)
            moments.append(f"{part:.0%} ({loads.strike_one(number, part):.0f} s)")
            difference = _compare(site, rows)
            lost += difference.lost
            extra += difference.extra
    return ScenarioOutcome(
        times=times,
        lost=lost,
        extra=extra,
        seen=(
            f"struck at {', '.join(moments)} of the rows, every other one with lists; "
            f"{times - loads.codes.count(0)} commands did not succeed, the next one did"
        ),
    )


def _write(site: Site) -> dict[int, tuple[str, list[int]]]:
    """Write the files of the loads, of a split each; return their rows by key."""
    rows = {key: (f"row {key}", [key, key + 1]) for key in range(_ROWS)}
    each = _ROWS // len(_NAMES)
    for at, name in enumerate(_NAMES):
        with (site.folder / name).open("w", encoding="utf-8", newline="") as text:
            lines = csv.writer(text, lineterminator="\n")
            lines.writerow(("user_id", "v", "items"))
            lines.writerows((key, *rows[key]) for key in range(at * each, (at + 1) * each))
    return rows


def _create(site: Site, *, has_lists: bool) -> None:
    """Create the table anew: with lists whose elements stand twice if they are written twice, or without."""
    site.begin_anew()
    items = "list<int>" if has_lists else "frozen<list<int>>"
    site.cql(f"CREATE TABLE {{}} (user_id int PRIMARY KEY, v text, items {items})")


def _compare(site: Site, rows: dict[int, tuple[str, list[int]]]) -> TableDifference:
    found = site.session.execute(f"SELECT user_id, v, items FROM {site.keyspace}.user")  # noqa: S608
    there = {row.user_id: (row.v, [*(row.items or ())]) for row in found}
    equal = sum(there.get(key) == row for key, row in rows.items())
    return TableDifference(lost=len(rows) - equal, extra=len(there.keys() - rows.keys()))


def _send(process: psutil.Process, signal_number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal_number)


def _jobs_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that carry out jobs for the workers of Dask in a folder, also orphans."""
    folders = {str(folder / host) for host in HOSTS}
    return [
        each
        for each in psutil.process_iter(["cmdline", "cwd"])
        if _is_worker(each) and each.info["cwd"] in folders
    ]


def _require_none_left(folder: Path) -> None:
    """Return once no job of a load is carried out.

    Raises:
        ScenarioError: some are after a while.
    """
    _, left = psutil.wait_procs(_jobs_of(folder), timeout=_ENDING_S)
    require(not left, f"{len(left)} processes of a load are left {_ENDING_S:g} s after its end")


def _is_worker(process: psutil.Process) -> bool:
    return "pipeline.worker" in (process.info["cmdline"] or ())


_NAMES = [f"rows-{number:02}.csv" for number in range(16)]
_ROWS = 16_000
_ROWS_PER_S = 2_000
_PART = 0.9
"""Until which part of its rows a load is struck, so that it still runs."""

_SPLIT_S = 1.0
"""About how long a worker sends a split."""

_CUT_S = 3.0
_AWAY_S = 3.0
_HELD_S = 70
"""A retry budget: for a minute after its last sign of life, a run that was killed keeps others from lists."""

_ENDING_S = 60.0
