"""A keyspace for each test."""

from collections.abc import Iterator

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.exports.tables import Keyspace


@pytest.fixture
def keyspace(cql: Session, endpoint: Endpoint) -> Iterator[Keyspace]:
    """Return a keyspace for a test."""
    made = Keyspace("t_exports", cql, endpoint)
    yield made
    made.drop()
