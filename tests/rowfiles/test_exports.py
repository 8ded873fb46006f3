"""Exports of other programs, as they wrote them: `make test-exports` has the programs themselves."""

from collections.abc import Iterator

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.exports.loading import OPTIONS, RECORDED, require_same
from tests.exports.losses import LOSSES
from tests.exports.tables import Keyspace
from tests.harness.workspace import Workspace


@pytest.fixture
def keyspace(cql: Session, endpoint: Endpoint) -> Iterator[Keyspace]:
    """Return a keyspace for a test."""
    made = Keyspace("t_recorded", cql, endpoint)
    yield made
    made.drop()


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_export_makes_the_same_table(keyspace: Keyspace, workspace: Workspace, name: str) -> None:
    """Every value of every type that cqlsh and DSBulk wrote is loaded as it was, but for the named losses."""
    require_same(keyspace, workspace, RECORDED[name], LOSSES[name], *OPTIONS[name])
