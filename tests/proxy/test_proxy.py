import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any, cast

import psutil
import pytest
from cassandra.cluster import Cluster, NoHostAvailable, Session
from cassandra.connection import ConnectionShutdown

from pipeline.embedded import Endpoint
from pipeline.errors import SettingError, WorkerError
from pipeline.proxy.control import Address, proxy
from tests.harness.workspace import until


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Listen on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


def passes(address: Address, server: socket.socket) -> bool:
    """Tell whether bytes that are sent to a proxy's address arrive at the server."""
    with socket.create_connection(address, timeout=30) as client, server.accept()[0] as accepted:
        client.sendall(b"x")
        return accepted.recv(1) == b"x"


def test_settings_are_checked(server: socket.socket) -> None:
    """A value out of range is refused by name and changes nothing; at the start it ends the process."""
    wrongs: list[dict[str, Any]] = [
        {"fault": "rain"},
        {"round_trip_s": -1},
        {"jitter_s": 1},
        {"below": 1, "fault": "refuse"},
    ]
    with proxy([server.getsockname()]) as between:
        for wrong in wrongs:
            with pytest.raises(SettingError, match=next(iter(wrong))):
                between.set(**wrong)
        assert passes(between.addresses[0], server)
    with pytest.raises(WorkerError, match="code 1"), proxy([server.getsockname()], jitter_s=1):
        pass


def test_it_listens_where_it_is_told(server: socket.socket) -> None:
    """Several servers get an address each; nodes that advertise addresses share one port."""
    to = server.getsockname()
    with proxy([to]) as free:
        port = free.port
    listen = [("127.0.1.1", port), ("127.0.1.2", port)]
    with proxy([to, to], listen=listen) as between:
        assert between.addresses == listen
        for address in listen:
            assert passes(address, server)
        with pytest.raises(WorkerError), proxy([to], listen=listen[:1]):
            pass


def test_it_ends_with_its_parent(server: socket.socket) -> None:
    """If the parent is killed, the proxy ends too, although its standard input stays open."""
    port = server.getsockname()[1]
    program = f"""
import subprocess, sys
command = [sys.executable, "-m", "pipeline.proxy", "--listen=127.0.0.1:0", "--to=127.0.0.1:{port}"]
subprocess.run(command, check=True)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as parent:
        output = cast("IO[bytes]", parent.stdout)
        assert "listening" in json.loads(output.readline())
        parent.kill()
        assert output.read() == b""  # The stream ends when both processes that can write to it have ended.


def test_it_ends_with_its_commands(server: socket.socket) -> None:
    """The proxy ends when its standard input is closed; without commands on standard input it continues."""
    command = [
        sys.executable,
        "-m",
        "pipeline.proxy",
        "--listen=127.0.0.1:0",
        f"--to=127.0.0.1:{server.getsockname()[1]}",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.communicate()
        assert process.returncode == 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as process:
        [[_, port]] = json.loads(cast("IO[bytes]", process.stdout).readline())["listening"]
        assert passes(("127.0.0.1", port), server)
        process.terminate()


def test_a_driver_works_through_it(endpoint: Endpoint) -> None:
    """All connections of a session use the proxy, and the driver reconnects after a reset."""
    to = (endpoint.contact_points[0], endpoint.port)
    earlier = direct(to)
    with proxy([to], round_trip_s=0.01, jitter_s=0.005) as between:
        cluster = Cluster(["127.0.0.1"], port=between.port, protocol_version=4)
        try:
            session = cluster.connect()
            assert [(host.address, host.endpoint.port) for host in cluster.metadata.all_hosts()] == [
                ("127.0.0.1", between.port)
            ]
            query = "SELECT key FROM system.local"
            answers = [future.result() for future in [session.execute_async(query) for _ in range(500)]]
            assert [each.one().key for each in answers] == ["local"] * 500
            between.set(fault="reset")
            between.set(fault="none")
            until(lambda: answers_through(session, query))
            assert direct(to) <= earlier
        finally:
            cluster.shutdown()


def direct(to: Address) -> set[int]:
    """Return the local ports of this process's direct connections to an address."""
    connections = psutil.Process().net_connections("tcp")
    return {each.laddr.port for each in connections if each.raddr and tuple(each.raddr) == tuple(to)}


def answers_through(session: Session, query: str) -> bool:
    """Tell whether a session gets an answer; the driver can still be reconnecting."""
    try:
        return bool(session.execute(query).one().key == "local")
    except (NoHostAvailable, ConnectionShutdown):
        return False
