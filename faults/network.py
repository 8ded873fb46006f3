"""A network that delays, drops, truncates, resets and refuses connections while a load runs."""

import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import replace

from faults.nodes import finish, method_of
from faults.outcome import ScenarioOutcome, require
from faults.site import Environment, repeat
from pipeline.embedded import Endpoint
from pipeline.proxy.control import proxy


def proxied_single(environment: Environment, times: int) -> ScenarioOutcome:
    """Break and delay the connections to the only node."""
    return _broken(environment, times, ["127.0.0.1"], "proxied_single")


def proxied_three(environment: Environment, times: int) -> ScenarioOutcome:
    """Break and delay connections to one or all of three nodes, replication factor 3 at QUORUM."""
    return _broken(environment, times, environment.spec.advertised, "proxied_three")


def _broken(environment: Environment, times: int, listen: Sequence[str], name: str) -> ScenarioOutcome:
    rng = random.Random(name)  # noqa: S311 - repeatable, not secret
    with contextlib.ExitStack() as stack:
        nodes = environment.endpoint.contact_points
        own_port = 0 if len(nodes) == 1 else environment.endpoint.port
        between = [
            stack.enter_context(proxy([(node, environment.endpoint.port)], listen=[(host, own_port)]))
            for node, host in zip(nodes, listen, strict=True)
        ]
        endpoint = Endpoint(contact_points=tuple(listen), port=between[0].port)
        site = stack.enter_context(
            environment.site(name, endpoint=endpoint, cassandra=environment.replicated)
        )

        def load(number: int) -> int:
            run = site.begin(*site.load("--rows-per-s", str(_ROWS_PER_S), *method_of(number)))
            run.until(site.has_rows)
            for fault in rng.sample(_FAULTS, k=len(_FAULTS)):
                struck = rng.choice([*([one] for one in between), between])
                for one in struck:
                    one.set(fault=fault, round_trip_s=_ROUND_TRIP_S, jitter_s=_ROUND_TRIP_S)
                time.sleep(rng.uniform(0, _HELD_S))
                for one in struck:
                    one.set(fault="none", round_trip_s=0, jitter_s=0)
                time.sleep(rng.uniform(0, _HELD_S))
            require(not run.has_ended, "the load ended before all faults were injected")
            return finish(site, run)

        outcome = repeat(site, site.users(_ROWS), times, load)
    return replace(outcome, seen=f"{len(_FAULTS)} faults each time")


_FAULTS = ("none", "drop", "truncate", "reset", "refuse", "reset", "truncate")
"""`none` only delays."""

_ROUND_TRIP_S = 0.1
_HELD_S = 1.5
_ROWS = 110_000
_ROWS_PER_S = 5_000
