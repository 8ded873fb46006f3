"""Whether a schema change reaches all nodes: it does not cross from one version of Cassandra to another."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cassandra.cluster import Session
from cassandra.pool import NoConnectionsAvailable

from pipeline.cluster.system import read_system
from pipeline.cluster.translation import translated_errors
from pipeline.errors import SchemaError


@contextlib.contextmanager
def schema_change(session: Session, what: str) -> Iterator[None]:
    """Raise the driver's errors in this block, which changes the schema, as ours; refuse it on unequal nodes.

    Each message begins with `what`, such as `cannot create table shop.orders`.

    Raises:
        SchemaError: the nodes run several versions, or still have several schemas after 10 s.
        ClusterError: the cluster refuses, or does not answer.
    """
    with translated_errors(what):
        _require_agreement(session, what)
        yield


def await_schema(what: str, is_known: Callable[[], object], refresh: Callable[[], object]) -> None:
    """Return once a keyspace or table is known; some servers create it after they have answered.

    Raises:
        SchemaError: it is not, after a minute.
        Exception: any error of the driver.
    """
    until_s = time.monotonic() + _CREATION_S
    while not is_known():
        if time.monotonic() > until_s:
            raise SchemaError(f"{what} is not there {_CREATION_S:g} s after it was created; run again")
        time.sleep(_POLL_S)
        refresh()


def _require_agreement(session: Session, what: str) -> None:
    until_s = time.monotonic() + _AGREEMENT_S
    while True:
        nodes = nodes_of(session)
        if versions := groups(nodes, "release_version"):
            raise SchemaError(
                f"{what}: the nodes run different versions of Cassandra ({versions}), and a schema change "
                "reaches only those of one version; upgrade all nodes first; tables that exist can be loaded"
            )
        up = {host.address for host in session.cluster.metadata.all_hosts() if host.is_up}
        schemas = groups([node for node in nodes if node["address"] in up], "schema_version")
        if not schemas:
            return
        if time.monotonic() > until_s:
            raise SchemaError(
                f"{what}: the nodes have different schemas ({schemas}) after {_AGREEMENT_S:g} s; see "
                "`nodetool describecluster`, and the logs of the nodes; tables that exist can be loaded"
            )
        time.sleep(_POLL_S)


def groups(nodes: Sequence[Mapping[str, Any]], fact: str) -> str:
    """Return each value of a fact with the nodes that have it; empty if there is at most one value."""
    addresses = defaultdict(list)
    for node in nodes:
        if node[fact] is not None:
            addresses[str(node[fact])].append(str(node["address"]))
    if len(addresses) < 2:  # noqa: PLR2004 - two values are a difference
        return ""
    return "; ".join(f"{value}: {', '.join(sorted(of))}" for value, of in sorted(addresses.items()))


def nodes_of(session: Session) -> list[dict[str, Any]]:
    """Return all nodes as one of them sees them, that one first, with their versions.

    Raises:
        Exception: any error of the driver.
    """
    for pool in session.get_pools():
        [local] = read_system(session, _LOCAL, host=pool.host)
        return [{**local, "address": pool.host.address}, *read_system(session, _PEERS, host=pool.host)]
    raise NoConnectionsAvailable("no node is up")


_LOCAL = "SELECT release_version, schema_version FROM system.local"
_PEERS = "SELECT rpc_address AS address, release_version, schema_version FROM system.peers"
_AGREEMENT_S = 10.0
_CREATION_S = 60.0
_POLL_S = 0.25
