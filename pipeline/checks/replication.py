"""A keyspace's replicas against the consistency level and the nodes that are up."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from cassandra.cluster import Session
from cassandra.metadata import NetworkTopologyStrategy, SimpleStrategy
from cassandra.pool import Host

from pipeline.checks.findings import Finding, failure, ok, warning
from pipeline.cluster.keyspace import ensure_keyspace
from pipeline.cluster.table import pools_of_all
from pipeline.settings import ClusterConfig, KeyspaceConfig

Needs = Sequence[tuple[str, int]]
"""How many replicas a level needs in which datacentre; an empty name stands for all of them together."""


def look_at_replication(
    session: Session, config: KeyspaceConfig, cluster: ClusterConfig
) -> Iterator[Finding]:
    """Yield whether the consistency level is reached now, and whether it would be with one node down.

    Raises:
        SchemaError: the keyspace is absent, and may not be created.
    """
    subject, level = f"keyspace {config.name}", cluster.consistency_level
    known = session.cluster.metadata.keyspaces.get(config.name)
    up = {pool.host for pool in pools_of_all(session)}
    if known is None:
        yield _absent(session, config, cluster, up)
        return
    strategy, ring = known.replication_strategy, session.cluster.metadata.token_map
    copies = _copies(strategy)
    if not copies or ring is None:
        yield warning(
            subject, f"the replicas of {strategy.name} are not known here", f"see that {level} works"
        )
        return
    needs = needs_of(level, copies, cluster.datacentre)
    sets = {frozenset(ring.get_replicas(config.name, token)) for token in ring.ring}
    about = f"{strategy.name} {_listed(copies)}: {level} needs {_listed(dict(needs))}"
    if missing := [each for each in sets if not _reached(needs, each & up)]:
        down = sorted({str(host.address) for each in missing for host in each - up})
        yield failure(
            subject,
            f"{about}, and {len(missing)} of {len(sets)} sets of replicas have fewer nodes that are up",
            f"start {', '.join(down)}"
            if down
            else "add nodes, or lower the keyspace's replication or the level",
        )
        return
    needed = sorted(
        str(node.address) for node in up if any(not _reached(needs, each & up - {node}) for each in sets)
    )
    if not needed:
        yield ok(subject, f"{about}: reached, also with any one node down")
    elif len(up) == 1:
        yield ok(subject, f"{about}: reached by the one node")
    else:
        yield warning(
            subject,
            f"{about}: reached, but not if {needed[0]} is down",
            "replicate the keyspace to more nodes, or lower consistency_level",
        )


def _absent(
    session: Session, config: KeyspaceConfig, cluster: ClusterConfig, up: Collection[Host]
) -> Finding:
    """Return what is found of a keyspace that is still to be created.

    Raises:
        SchemaError: it may not be created.
    """
    if not config.manage_schema:
        ensure_keyspace(session, config, cluster.datacentre)
    copies = {cluster.datacentre: config.replication_factor}
    needs = needs_of(cluster.consistency_level, copies, cluster.datacentre)
    found = (
        f"is absent; SetupKeyspace creates it with replication_factor {config.replication_factor}, of which "
    )
    found += f"{cluster.consistency_level} needs {_listed(dict(needs))}"
    if _reached(needs, up):
        return ok(f"keyspace {config.name}", found)
    return failure(
        f"keyspace {config.name}", f"{found}, more than nodes are up", "lower it or the level, or add nodes"
    )


def needs_of(level: str, copies: Mapping[str, int], datacentre: str) -> Needs:
    """Return how many replicas a consistency level needs where, by the copies in each datacentre.

    An empty name in `copies` stands for SimpleStrategy, which has no datacentres. Without a `datacentre` a
    coordinator may be in any of them.
    """
    total = sum(copies.values())
    local = {name: copies[name] for name in copies if name in {"", datacentre} or not datacentre}
    if level in _COUNTS:
        return [("", _COUNTS[level])]
    if level == "LOCAL_ONE":
        return [(name, 1) for name in local]
    if level == "LOCAL_QUORUM":
        return [(name, count // 2 + 1) for name, count in local.items()]
    if level == "EACH_QUORUM":
        return [(name, count // 2 + 1) for name, count in copies.items()]
    return [("", total if level == "ALL" else total // 2 + 1)]


def _copies(strategy: object) -> dict[str, int]:
    if isinstance(strategy, SimpleStrategy):
        return {"": int(strategy.replication_factor)}
    if isinstance(strategy, NetworkTopologyStrategy):
        return {name: int(count) for name, count in strategy.dc_replication_factors.items()}
    return {}


def _reached(needs: Needs, nodes: Collection[Host]) -> bool:
    return all(sum(not name or node.datacenter == name for node in nodes) >= count for name, count in needs)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} in {name}" if name else str(count) for name, count in counts.items())


_COUNTS = {"ONE": 1, "TWO": 2, "THREE": 3}
