"""SIGKILL at random moments: to a worker process, to Luigi, or to both."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable

import psutil

from faults.outcome import ScenarioOutcome, require
from faults.running import RunningLoad
from faults.site import Environment


def kill_worker(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill a worker process."""

    def strike(run: RunningLoad, rng: random.Random) -> None:
        with contextlib.suppress(IndexError, psutil.NoSuchProcess):
            rng.choice(run.workers()).kill()

    return _kills(environment, times, "worker", strike)


def kill_luigi(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill only Luigi."""

    def strike(run: RunningLoad, _: random.Random) -> None:
        run.process.kill()

    return _kills(environment, times, "luigi", strike)


def kill_both(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill Luigi and its workers at the same time."""

    def strike(run: RunningLoad, _: random.Random) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)

    return _kills(environment, times, "both", strike)


def _kills(
    environment: Environment, times: int, name: str, strike: Callable[[RunningLoad, random.Random], None]
) -> ScenarioOutcome:
    rng = random.Random(name)  # noqa: S311 - repeatable, not secret
    lost = extra = struck = resumed_runs = settled_rows = resumed_rows = most_again = 0
    with environment.site(f"kill_{name}") as site:
        users = site.users(_ROWS)
        words = site.load("--rows-per-s", str(_ROWS_PER_S))
        began_s = time.monotonic()
        site.done(*words)
        whole_s = time.monotonic() - began_s
        for number in range(times):
            site.begin_anew()
            journal = ("file", "cluster")[number % 2]
            command = [*words, "--journal", journal, "--processes", str(1 + number // 2 % 2)]
            run = site.begin(*command)
            moment_s = time.monotonic() + rng.uniform(0, whole_s)
            if name == "worker":
                run.until(run.workers)
            while time.monotonic() < moment_s and not run.has_ended:
                time.sleep(0.01)
            struck += not run.has_ended
            strike(run, rng)
            settled = site.settled(journal)
            run.wait()
            # A journal in the cluster is gone on with without the disk of the run that was killed.
            place = site if journal == "file" else site.elsewhere("users.csv")
            again = place.again_until_done(*command)
            resumed = place.resumed()
            require(
                not settled or resumed >= settled or "loaded already" in run.output,
                f"{settled} rows were settled when the load was killed, the next run resumed after {resumed}",
            )
            difference = site.compare(users)
            lost += difference.lost
            extra += difference.extra
            most_again = max(most_again, again)
            resumed_runs += bool(settled)
            settled_rows += settled
            resumed_rows += resumed if settled else 0
    return ScenarioOutcome(
        times=times,
        lost=lost,
        extra=extra,
        seen=(
            f"{struck} struck a running command, {resumed_runs} one with settled splits, every other "
            f"with the journal in the cluster, resumed in another folder: "
            f"the next run of these sent {1 - resumed_rows / (resumed_runs * _ROWS or 1):.0%} of the rows; "
            f"at most {most_again} more runs"
        ),
    )


_ROWS = 500_000
_ROWS_PER_S = 100_000
