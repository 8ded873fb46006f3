"""Keyspaces that several tests of the tasks share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.refusals import SHARED_KEYSPACE, Refusals
from tests.harness.users import succeed, succeed_if_absent
from tests.harness.workspace import Workspace


@pytest.fixture(scope="module")
def loaded(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Load 20 users into a keyspace that the tests of this module share."""
    workspace = Workspace(tmp_path_factory.mktemp("loaded"), SHARED_KEYSPACE, endpoint)
    done = workspace.luigi("LoadUsers")
    assert done.returncode == 0, done.stdout
    yield workspace
    cql.execute(f"DROP KEYSPACE {SHARED_KEYSPACE}")


@pytest.fixture
def refusals(loaded: Workspace, endpoint: Endpoint, cql: Session, tmp_path: Path) -> Refusals:
    """Return a workspace for one test, in the keyspace that `loaded` filled."""
    del loaded
    return Refusals(tmp_path, endpoint, cql)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Workspace]:
    """A workspace whose tables are set up, for tests that change none of its settings."""
    workspace = Workspace(tmp_path_factory.mktemp("used"), "t_chain_used", endpoint)
    succeed(workspace, "SetupKeyspace")
    yield workspace
    cql.execute(f"DROP KEYSPACE {workspace.keyspace}")


@pytest.fixture
def shared(used: Workspace, cql: Session) -> Workspace:
    """The same workspace, with an empty table."""
    succeed_if_absent(used, cql)
    cql.execute(f"TRUNCATE {used.keyspace}.user")
    return used
