"""Truncations of a table, as sessions on several nodes see them."""

from pipeline.cluster.session import open_session
from pipeline.cluster.table import find_table_of
from pipeline.embedded import Endpoint
from pipeline.settings import ClusterConfig


def truncated_at(found: Endpoint, name: str) -> str:
    """Return when a table was truncated, by a session of its own; `made` creates and truncates it."""
    config = ClusterConfig(contact_points=found.contact_points[:1], port=found.port)
    with open_session(config, connection_class=None) as session:
        if name == "made":
            replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
            session.execute(f"CREATE KEYSPACE two WITH replication = {replication}")
            session.execute("CREATE TABLE two.t (id int PRIMARY KEY)")
            session.execute("TRUNCATE two.t")
            session.cluster.refresh_schema_metadata()
        return find_table_of(session, "two", "t").truncated_at
