"""Reads of the system tables: each node has its own, so one answer is enough at any level of the user's."""

from collections.abc import Sequence
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.pool import Host
from cassandra.query import SimpleStatement


def read_system(
    session: Session, query: str, parameters: Sequence[object] = (), *, host: Host | None = None
) -> list[dict[str, Any]]:
    """Return the rows of a query on system tables, of this node or of any.

    Raises:
        Exception: any error of the driver.
    """
    statement = SimpleStatement(query, consistency_level=ConsistencyLevel.ONE)
    return list(session.execute(statement, tuple(parameters), host=host))


def has_system_column(session: Session, table: str, column: str) -> bool:
    """Tell whether this kind of server has a system table, `keyspace.table`, with this column."""
    keyspace, _, name = table.partition(".")
    known = session.cluster.metadata.keyspaces.get(keyspace)
    return known is not None and name in known.tables and column in known.tables[name].columns


def server_version(session: Session) -> str:
    """Return the version of the nodes; of nodes that differ, the versions, separated by commas."""
    hosts = session.cluster.metadata.all_hosts()
    return ", ".join(sorted({host.release_version for host in hosts if host.release_version}))
