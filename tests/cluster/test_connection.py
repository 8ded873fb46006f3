"""The connection in a process patched by gevent, through a relay that encrypts or breaks the stream."""

import os
import subprocess
import sys
import textwrap

import pytest

from pipeline.cluster.busy_polling import BusyPollingConnection
from pipeline.cluster.connection import GreenletConnection
from pipeline.embedded import Endpoint
from tests.harness.authority import Authority
from tests.harness.workspace import PROJECT

CONNECTIONS = [GreenletConnection, BusyPollingConnection]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the files of a certificate authority, of the relay's certificate and of its key."""
    authority = Authority(tmp_path_factory.mktemp("relay"), "authority")
    return [str(authority.file), *map(str, authority.issue("relay"))]


def run_script(
    endpoint: Endpoint,
    what: str,
    *certificate: str,
    connection: type[GreenletConnection] = GreenletConnection,
) -> str:
    """Run the script below in a process of its own; return its output."""
    words = [what, endpoint.contact_points[0], str(endpoint.port), connection.__name__, *certificate]
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT, *words],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    ).stdout


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("what", ["reset", "closed"])
def test_a_broken_connection_fails_every_request(
    endpoint: Endpoint,
    certificate: list[str],
    what: str,
    *,
    connection: type[GreenletConnection],
    encrypted: bool,
) -> None:
    """When a connection breaks, all its requests in flight fail at once, not at their timeout."""
    output = run_script(endpoint, what, *(certificate if encrypted else []), connection=connection)
    assert output.split() == ["NoHostAvailable"] * 150


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("connection", CONNECTIONS)
def test_frames_of_megabytes_pass(
    endpoint: Endpoint, certificate: list[str], *, connection: type[GreenletConnection], encrypted: bool
) -> None:
    """Small and large values, written and read side by side, encrypted or not, come back unchanged."""
    output = run_script(endpoint, "large", *(certificate if encrypted else []), connection=connection)
    assert output.split() == ["True"] * 24


def test_a_connection_broken_while_it_is_opened_fails(endpoint: Endpoint) -> None:
    """A server that closes a new connection is reported as unreachable at once, not after a timeout."""
    assert run_script(endpoint, "refused").split() == ["UnreachableError"]


def test_a_closed_session_leaves_no_greenlet(endpoint: Endpoint) -> None:
    """After a session is closed none of its greenlets runs, and the process can end."""
    assert run_script(endpoint, "ended").split() == ["0"]


def test_a_frame_sent_at_once_waits_for_those_before_it() -> None:
    """Frames arrive in the order in which they were pushed, although the socket's buffer is full."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", _SLOW_READER]
    output = subprocess.run(
        command, env=env, stdout=subprocess.PIPE, text=True, check=True, timeout=60
    ).stdout
    assert output.split() == ["True", "True"]


_SLOW_READER = textwrap.dedent("""
    from gevent import monkey

    monkey.patch_all()

    import socket

    import gevent
    from cassandra.connection import DefaultEndPoint

    from pipeline.cluster.busy_polling import BusyPollingConnection, busy_polling

    OPTIONS = bytes([4, 0, 0, 0, 5, 0, 0, 0, 0])  # what every connection sends first

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection = BusyPollingConnection(
        DefaultEndPoint(*listener.getsockname()),
        protocol_version=4,
        sockopts=[(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)],
    )
    far, _ = listener.accept()
    frames = [bytes([number]) * (300_000 if number % 3 == 0 else 9) for number in range(200)]
    received = bytearray()

    def read():
        while len(received) < len(OPTIONS) + sum(map(len, frames)):
            received.extend(far.recv(20_000))
            gevent.sleep(0.001)

    reader = gevent.spawn(read)
    at_once = 0
    for frame in frames:
        busy_polling().extend()
        gevent.sleep(0.002)
        at_once += busy_polling().has_time
        connection.push(frame)
    reader.join()
    print(at_once > 0, received == b"".join([OPTIONS, *frames]))
""")

_SCRIPT = textwrap.dedent("""
    from gevent import monkey

    monkey.patch_all()

    import contextlib
    import gc
    import os
    import socket
    import ssl
    import struct
    import sys

    import gevent
    from gevent.event import Event

    from pipeline.settings import ClusterConfig, TlsConfig
    from pipeline.errors import ClusterError
    from pipeline.cluster.connection import GreenletConnection
    from pipeline.cluster.session import open_session
    from pipeline.cluster.busy_polling import BusyPollingConnection

    what, host, port, connection, *certificate = sys.argv[1:]
    server_address = host, int(port)
    listener = socket.create_server(("127.0.0.1", 0))
    holding, held = Event(), Event()  # requests are not to be relayed; one was not
    clients = []

    def relay():
        while True:
            client = listener.accept()[0]
            if certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*certificate[1:])
                client = context.wrap_socket(client, server_side=True)
            clients.append(client)
            server = socket.create_connection(server_address)
            gevent.spawn(copy, client, server, holding)
            gevent.spawn(copy, server, client, Event())

    def copy(source, sink, hold):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if hold.is_set():
                    held.set()
                else:
                    sink.sendall(data)

    def hang_up(*, reset):
        listener.close()
        for client in clients:
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    def refuse():
        clients.append(listener.accept()[0])
        clients[0].recv(1)
        hang_up(reset=True)

    def error_of(request):
        try:
            request.result()
        except Exception as error:
            return type(error).__name__

    def break_off(session):
        holding.set()
        requests = [session.execute_async("SELECT key FROM system.local") for _ in range(150)]
        held.wait()
        hang_up(reset=what == "reset")
        print(*map(error_of, requests))

    def write_and_read(session):
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        session.execute(f"CREATE KEYSPACE t_reactor WITH replication = {replication}")
        session.execute("CREATE TABLE t_reactor.t (k int PRIMARY KEY, v blob)")
        insert = session.prepare("INSERT INTO t_reactor.t (k, v) VALUES (?, ?)")
        select = session.prepare("SELECT v FROM t_reactor.t WHERE k = ?")

        def is_the_same(key):
            value = os.urandom(2_000_000 if key % 8 == 0 else 1000 * key)
            session.execute(insert, (key, value))
            return session.execute(select, (key,)).one()["v"] == value

        tries = [gevent.spawn(is_the_same, key) for key in range(24)]
        print(*(attempt.get() for attempt in tries))
        session.execute("DROP KEYSPACE t_reactor")

    def count_greenlets():
        alive = [it for it in gc.get_objects() if isinstance(it, gevent.Greenlet) and not it.dead]
        gevent.joinall(alive, timeout=10)
        print(sum(not it.dead for it in alive))

    if what != "ended":
        gevent.spawn(refuse if what == "refused" else relay)
        host, port = listener.getsockname()
    config = ClusterConfig(
        contact_points=(host,),
        port=int(port),
        tls=TlsConfig(ca_file=certificate[0]) if certificate else None,
        connect_timeout_s=60,
        request_timeout_s=60,
    )
    with gevent.Timeout(30):
        try:
            with open_session(config, connection_class=globals()[connection]) as session:
                if what == "large":
                    write_and_read(session)
                elif what == "ended":
                    session.execute("SELECT key FROM system.local")
                else:
                    break_off(session)
        except ClusterError as error:
            print(type(error).__name__)
    if what == "ended":
        count_greenlets()
""")
