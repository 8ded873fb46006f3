"""Every node: whether it answers, its version, its clock, its schema."""

import time
from collections.abc import Iterator

from cassandra.cluster import Session
from cassandra.policies import HostDistance
from cassandra.pool import Host

from pipeline.checks.findings import Finding, failure, ok, warning
from pipeline.cluster.agreement import groups, nodes_of
from pipeline.cluster.system import read_system
from pipeline.cluster.table import pools_of_all
from pipeline.cluster.translation import translated_errors


def look_at_nodes(session: Session) -> Iterator[Finding]:
    """Yield what is found of each node, and what they have in common.

    Raises:
        ClusterError: a node does not answer any more.
    """
    with translated_errors("cannot look at the nodes"):
        open_to = {pool.host for pool in pools_of_all(session)}
        distance = session.cluster.profile_manager.distance
        for host in sorted(session.cluster.metadata.all_hosts(), key=lambda host: str(host.address)):
            subject = f"node {host.address}"
            about = f"Cassandra {host.release_version}, datacentre {host.datacenter}, rack {host.rack}"
            if host in open_to:
                yield ok(subject, f"up, {about}")
                yield clock_of(str(host.address), *_difference(session, host))
            elif distance(host) == HostDistance.IGNORED:
                yield ok(subject, f"{about}: not asked, a load stays in its datacentre")
            else:
                yield warning(subject, f"down, {about}", "start it, or see its log")
        nodes = nodes_of(session)
    if versions := groups(nodes, "release_version"):
        yield warning(
            "versions",
            f"they differ: {versions}",
            "tables can be loaded, and none created: upgrade all nodes",
        )
    up = {str(host.address) for host in open_to}
    if schemas := groups([node for node in nodes if str(node["address"]) in up], "schema_version"):
        yield warning(
            "schema",
            f"the nodes differ: {schemas}",
            "see `nodetool describecluster`; no table can be created",
        )
    else:
        yield ok("schema", "the nodes that are up agree")


def clock_of(node: str, ahead_s: float, uncertain_s: float) -> Finding:
    """Return what is found of a node's clock, which is `ahead_s` seconds ahead of this machine's."""
    found = (
        f"{abs(ahead_s):.3f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine, ± {uncertain_s:.3f} s"
    )
    least_s = abs(ahead_s) - uncertain_s
    if least_s > _MOST_S:
        return failure(f"clock {node}", found, f"{_ADVICE}; a later load may lose to an earlier one")
    if least_s > _NOTED_S:
        return warning(f"clock {node}", found, _ADVICE)
    return ok(f"clock {node}", found)


def _difference(session: Session, host: Host) -> tuple[float, float]:
    """Return how far a node's clock is ahead of this machine's, and how uncertain that is, in seconds.

    The node's answer was made at some time between the request and its arrival: half of the shortest of some
    round trips is as far as it can be from their middle.
    """
    tries = []
    for _ in range(_TRIES):
        sent_s = time.time()
        [row] = read_system(session, "SELECT now() AS now FROM system.local", host=host)
        received_s = time.time()
        node_s = (row["now"].time - _GREGORIAN) / _TICKS_PER_S
        tries.append((received_s - sent_s, node_s - (sent_s + received_s) / 2))
    round_trip_s, ahead_s = min(tries)
    return ahead_s, round_trip_s / 2 + _TICK_S


_ADVICE = "set both clocks: write timestamps are this machine's"
_TRIES = 5
_GREGORIAN = 0x01B21DD213814000
"""RFC 9562: the 100 ns ticks of a time UUID begin on 15 October 1582; so many later it is 1970."""
_TICKS_PER_S = 10_000_000
_TICK_S = 0.001
"""The server's clock counts milliseconds."""
_NOTED_S = 1.0
_MOST_S = 60.0
"""cron starts runs a minute apart: with more, the later of two, from two machines, may lose to the other."""
