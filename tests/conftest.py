"""A real Cassandra for the whole run, and a workspace of its own for every test."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import RoundRobinPolicy
from cassandra.query import dict_factory

from pipeline import embedded
from pipeline.settings import ClusterConfig, KeyspaceConfig

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Endpoint]:
    """Start the server that the tests share; one that does not start fails the run."""
    folder = tmp_path_factory.mktemp("cassandra")
    yield embedded.start(embedded.ClusterSpec(folder=folder, heap="768M"))
    embedded.stop(folder)


@pytest.fixture(scope="session")
def cql(endpoint: embedded.Endpoint) -> Iterator[Session]:
    """Open a session that shares nothing with the project's own: its rows are dicts."""
    cluster = Cluster(
        list(endpoint.contact_points),
        port=endpoint.port,
        protocol_version=4,
        execution_profiles={
            EXEC_PROFILE_DEFAULT: ExecutionProfile(
                load_balancing_policy=RoundRobinPolicy(), row_factory=dict_factory, request_timeout=30
            )
        },
    )
    yield cluster.connect()
    cluster.shutdown()


class Workspace:
    """A folder with a luigi.cfg of its own that names the tests' server and a keyspace nobody else uses."""

    def __init__(self, folder: Path, keyspace: str, endpoint: embedded.Endpoint) -> None:
        self.folder = folder
        self.keyspace = keyspace
        self.endpoint = endpoint
        (folder / "luigi.cfg").write_text(
            (PROJECT / "luigi.cfg").read_text(encoding="utf-8"), encoding="utf-8"
        )
        self.configure(
            cassandra={
                "contact_points": ",".join(endpoint.contact_points),
                "port": endpoint.port,
                "keyspace": keyspace,
            },
            generate={"rows": 20},
            timing={"latencies_s": "0, 0.001", "sync_repeats": 1, "async_repeats": 2},
        )

    def configure(self, **sections: dict[str, object]) -> None:
        """Change settings in luigi.cfg; one that is not there yet is added to its section."""
        file = self.folder / "luigi.cfg"
        text = file.read_text(encoding="utf-8")
        for section, settings in sections.items():
            head, _, rest = text.partition(f"[{section}]\n")
            body, bracket, tail = rest.partition("\n[")
            for name, value in settings.items():
                line = f"{name} = {value}"
                body, changed = re.subn(rf"(?m)^{name} =.*$", line.replace("\\", r"\\"), body)
                body = body if changed else f"{body}{line}\n"
            text = f"{head}[{section}]\n{body}{bracket}{tail}"
        file.write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        """Return the real `luigi` command for our tasks."""
        module = [] if "--module" in words else ["--module", "tasks"]
        return [str(Path(sys.executable).with_name("luigi")), *module, *words]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a user at a terminal, and more; tests/ can be imported from it."""
        return {**os.environ, "PYTHONPATH": str(PROJECT), **more}

    def luigi(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the real `luigi` command here to its end; its standard error is part of its output."""
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    @property
    def table(self) -> dict[str, Any]:
        """What every job on the users' table is given."""
        return {
            "cluster": ClusterConfig(contact_points=self.endpoint.contact_points, port=self.endpoint.port),
            "keyspace": KeyspaceConfig(name=self.keyspace),
            "dataset": "pipeline.datasets.users",
        }


@pytest.fixture
def make_workspace(
    tmp_path: Path, endpoint: embedded.Endpoint, cql: Session, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Workspace]]:
    """Return what makes a workspace; its keyspace is dropped when the test ends."""
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
    """Return a workspace for this test alone."""
    return make_workspace()


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


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; a wait in vain fails."""
    deadline_s = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/task_list?data={{}}", timeout=5).ok
    except requests.ConnectionError:
        return False
