"""A real Cassandra for the whole run, and a separate workspace for every test."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from cassandra.cluster import Session

from pipeline import embedded
from pipeline.embedded import node
from pipeline.embedded.releases import DEFAULT, RELEASES
from tests.harness.loads import Loads, loads_into
from tests.harness.sessions import connected
from tests.harness.stores import Store, running_store
from tests.harness.tables import Tables
from tests.harness.workspace import Workspace, until


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the shared server be of another version: `make test-versions` runs some tests with each."""
    parser.addoption("--cassandra", default=DEFAULT, choices=RELEASES, help="version of the shared server")


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Mark the tests that need the shared server; a module that starts its own server marks itself."""
    if "versions" not in config.getoption("-m"):
        items[:] = [item for item in items if not item.get_closest_marker("versions")]
    for item in items:
        if isinstance(item, pytest.Function) and "endpoint" in item.fixturenames:
            item.add_marker(pytest.mark.server)


def pytest_configure() -> None:
    """Let servers use less CPU for a short life full of changes to the schema.

    They do without Java's second compiler, and leave such changes to their commit log and memtables.
    """
    own = ("-XX:TieredStopAtLevel=1", "-Dcassandra.test.flush_local_schema_changes=false")
    node.JAVA_OPTIONS = (*node.JAVA_OPTIONS, *own)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a Cassandra to a test without the mark, and to its fixtures: `make test-unit` would run it."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail(f"{item.nodeid} starts a Cassandra; add pytestmark = pytest.mark.server to its module")

    _refusal.undo()
    if item.get_closest_marker("server") is None:
        _refusal.setattr("pipeline.embedded.start_cluster", refuse)


_refusal = pytest.MonkeyPatch()


@pytest.fixture(scope="session")
def endpoint(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[embedded.Endpoint]:
    """Start the server that the tests share; if it does not start, the run fails."""
    folder = tmp_path_factory.mktemp("cassandra")
    version = pytestconfig.getoption("--cassandra")
    yield embedded.start(embedded.ClusterSpec(folder=folder, heap="768M", version=version))
    embedded.stop(folder)


@pytest.fixture(scope="session")
def cql(endpoint: embedded.Endpoint) -> Iterator[Session]:
    """Open a session that shares nothing with the project's own; it returns rows as dicts."""
    with connected(endpoint) as session:
        yield session


@pytest.fixture
def make_workspace(
    tmp_path: Path, endpoint: embedded.Endpoint, cql: Session, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Workspace]]:
    """Return a function that makes a workspace; its keyspace is dropped when the test ends."""
    made: list[Workspace] = []

    def make() -> Workspace:
        folder = tmp_path / f"workspace {len(made)}"
        folder.mkdir()
        name = re.sub(r"\W", "_", request.node.name.lower())[:30]
        made.append(Workspace(folder, f"t_{name}_{len(made)}", endpoint))
        return made[-1]

    yield make
    for workspace in made:
        cql.execute(f"DROP KEYSPACE IF EXISTS {workspace.keyspace}")


@pytest.fixture
def workspace(make_workspace: Callable[[], Workspace]) -> Workspace:
    """Return a workspace for one test."""
    return make_workspace()


@pytest.fixture(scope="module")
def loads(
    endpoint: embedded.Endpoint,
    cql: Session,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Loads]:
    """Return the loads into a keyspace that is named after the test module."""
    name = request.module.__name__.rpartition(".test_")[2]
    with loads_into(f"t_{name}", tmp_path_factory.mktemp(name), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def tables(loads: Loads, tmp_path: Path, endpoint: embedded.Endpoint, cql: Session) -> Tables:
    """Return a workspace on the keyspace of `loads`."""
    return Tables(tmp_path, endpoint, cql, loads.keyspace)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """Run a store of objects while a module's tests run."""
    with running_store() as store:
        yield store


@pytest.fixture
def luigid(workspace: Workspace) -> Iterator[str]:
    """Start a real luigid for the workspace, which then uses it; return its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    program = workspace.command()[0] + "d"
    state = workspace.folder / "luigid.pickle"
    command = [program, "--address", "127.0.0.1", "--port", str(port), "--state-path", str(state)]
    with (workspace.folder / "luigid.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, cwd=workspace.folder, env=workspace.environment(), stdout=log, stderr=log
        )
    workspace.configure(core={"local_scheduler": "false", "default-scheduler-url": url})
    try:
        until(lambda: _answers(url))
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/task_list?data={{}}", timeout=5).ok
    except requests.ConnectionError:
        return False
