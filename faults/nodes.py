"""Nodes that are killed, restarted or paused while a load runs."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from faults.outcome import ScenarioOutcome, require
from faults.running import RunningLoad
from faults.site import Environment, Site, repeat
from pipeline import embedded


def kill_node(environment: Environment, times: int) -> ScenarioOutcome:
    """Kill one of three nodes and start it again, replication factor 3 at QUORUM."""
    return _disturbed(
        environment,
        times,
        "kill_node",
        lambda number: _restart(environment, number % 3 + 1, kill=True),
        lasts_s=environment.restart_s,
    )


def rolling_restart(environment: Environment, times: int) -> ScenarioOutcome:
    """Restart all three nodes, one after the other, replication factor 3 at QUORUM."""

    def disturb(_: int) -> None:
        for node in (1, 2, 3):
            _restart(environment, node, kill=False)

    return _disturbed(environment, times, "rolling_restart", disturb, lasts_s=3 * environment.restart_s)


def pause_node(environment: Environment, times: int) -> ScenarioOutcome:
    """Stop one of three nodes for 20 s by SIGSTOP, replication factor 3 at QUORUM."""

    def disturb(number: int) -> None:
        pid = embedded.status(environment.spec.folder).nodes[number % 3].pid
        require(pid, "a node does not run")
        os.kill(int(pid or 0), signal.SIGSTOP)
        try:
            time.sleep(_PAUSE_S)
        finally:
            os.kill(int(pid or 0), signal.SIGCONT)

    return _disturbed(environment, times, "pause_node", disturb, lasts_s=_PAUSE_S + 10)


def restart_single(environment: Environment, times: int) -> ScenarioOutcome:
    """Restart the only node."""
    return _disturbed(
        environment,
        times,
        "restart_single",
        lambda _: _restart(environment, 1, kill=False),
        lasts_s=environment.restart_s,
    )


def _restart(environment: Environment, node: int, *, kill: bool) -> None:
    embedded.stop_node(environment.spec.folder, node, kill=kill)
    embedded.start(environment.spec)


def _disturbed(
    environment: Environment, times: int, name: str, disturb: Callable[[int], None], *, lasts_s: float
) -> ScenarioOutcome:
    """Run `disturb`, which takes at most `lasts_s`, during a load; the load must succeed, and end later."""
    slowest = 1.0
    with environment.site(name, cassandra=environment.replicated) as site:

        def load(number: int) -> int:
            nonlocal slowest
            run = site.begin(*site.load("--rows-per-s", str(_ROWS_PER_S), *method_of(number)))
            run.until(site.has_rows)
            settled, began_s = site.settled("file"), time.monotonic()
            disturb(number)
            elapsed_s = time.monotonic() - began_s
            require(not run.has_ended, f"the load ended within the {elapsed_s:.0f} s of the disturbance")
            slowest = min(slowest, (site.settled("file") - settled) / (elapsed_s * _ROWS_PER_S))
            return finish(site, run)

        outcome = repeat(site, site.users(round(lasts_s * _ROWS_PER_S)), times, load)
    seen = f"meanwhile at least {slowest:.0%} of {_ROWS_PER_S} rows/s, the cap, were settled"
    return replace(outcome, seen=seen)


def method_of(number: int) -> list[str]:
    """Return the option that chooses the method of a repeat: batches and single statements take turns."""
    return ["--method", ("batch", "prepared")[number % 2]]


def finish(site: Site, run: RunningLoad) -> int:
    """Wait for a load, which must succeed without a new run; return how many requests it sent again.

    Raises:
        ScenarioError: it fails or hangs.
    """
    code = run.wait()
    require(code == 0, f"the load exited with {code}:\n{run.output[-3000:]}")
    return site.retries()


_PAUSE_S = 20.0
_ROWS_PER_S = 4_000
