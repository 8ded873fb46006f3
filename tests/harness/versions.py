"""What the shared server can do, by its version."""

from collections.abc import Iterable

from cassandra.cluster import Session


def supported(cql: Session, type_names: Iterable[str]) -> list[str]:
    """Return those CQL types that the server has: vectors came with Cassandra 5."""
    release: str = cql.execute("SELECT release_version FROM system.local").one()["release_version"]
    has_vectors = int(release.partition(".")[0]) >= 5
    return [name for name in type_names if has_vectors or "vector<" not in name]
