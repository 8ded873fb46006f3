import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.proxy.control import Address, Proxy, proxy

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def echo() -> Iterator[Address]:
    """Run a server that sends back what it receives, and closes its side after the client."""

    def serve_one(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(MIB):
                    client.sendall(data)
            except OSError:
                return  # The client, or a fault, has reset the connection.

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve_one, args=[client], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


@pytest.fixture(scope="module")
def late(echo: Address) -> Iterator[Proxy]:
    """Run a proxy with jitter, before the echo server."""
    with proxy([echo], round_trip_s=0.01, jitter_s=0.01) as between:
        yield between


@pytest.fixture
def between(echo: Address) -> Iterator[Proxy]:
    """Run a separate proxy before the echo server."""
    with proxy([echo]) as between:
        yield between


@contextlib.contextmanager
def connected(between: Proxy) -> Iterator[socket.socket]:
    """Connect through a proxy; the test fails if an answer does not arrive in time."""
    with socket.create_connection(between.addresses[0], timeout=30) as client:
        yield client


def exchange(client: socket.socket, data: bytes) -> bytes:
    """Send everything and close the sending side; return everything that comes back."""

    def send() -> None:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    back = bytearray()
    while read := client.recv(MIB):
        back += read
    sender.join()
    return bytes(back)


def answer(client: socket.socket, data: bytes) -> bytes:
    """Send and return an answer of the same size."""
    client.sendall(data)
    return received(client, len(data))


def received(client: socket.socket, size_bytes: int) -> bytes:
    """Return the next bytes, fewer if the stream ends earlier."""
    back = b""
    while len(back) < size_bytes and (read := client.recv(size_bytes - len(back))):
        back += read
    return back


def is_silent(client: socket.socket) -> bool:
    """Tell whether a connection is open and no byte arrives for some time."""
    client.settimeout(0.2)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    return False


@given(chunks=st.lists(st.binary(min_size=1, max_size=3000), max_size=20))
@settings(max_examples=30, deadline=None)
def test_bytes_pass_unchanged(late: Proxy, chunks: list[bytes]) -> None:
    """Any bytes, in any pieces, arrive unchanged, and so does the end of the stream."""
    with connected(late) as client:
        for chunk in chunks:
            client.sendall(chunk)
        assert exchange(client, b"") == b"".join(chunks)


def test_megabytes_pass_in_order(late: Proxy) -> None:
    """With any jitter, many chunks stay in order, on several connections at once."""
    data = b"".join(number.to_bytes(4) for number in range(2 * MIB))
    with connected(late) as client, connected(late) as other:
        assert exchange(client, data) == data
        assert exchange(other, data[: 2 * MIB]) == data[: 2 * MIB]


def test_many_requests_are_in_flight(late: Proxy) -> None:
    """A client that reads nothing before it has sent 5,000 messages gets every answer."""
    messages = [number.to_bytes(64) for number in range(5000)]
    with connected(late) as client:
        for message in messages:
            client.sendall(message)
        assert received(client, 64 * 5000) == b"".join(messages)


def test_one_who_reads_nothing_slows_the_sender(between: Proxy) -> None:
    """If the receiver does not read, the sender is blocked; memory is limited and nothing is lost."""
    with connected(between) as client:
        client.settimeout(1)
        sent_bytes = 0
        with contextlib.suppress(TimeoutError):
            while sent_bytes < 256 * MIB:
                sent_bytes += client.send(bytes(MIB))
        assert sent_bytes < 256 * MIB
        client.settimeout(30)
        client.shutdown(socket.SHUT_WR)
        assert sum(len(data) for data in iter(lambda: client.recv(MIB), b"")) == sent_bytes


def test_drop(between: Proxy) -> None:
    """Nothing arrives and the connection stays open; connections opened after the fault work."""
    with connected(between) as client:
        assert answer(client, b"before") == b"before"
        between.set(fault="drop")
        client.sendall(b"lost")
        with connected(between) as newer:
            newer.sendall(b"lost")
            assert is_silent(newer)
            between.set(fault="none")
            assert is_silent(client)
        with connected(between) as sound:
            assert answer(sound, b"after") == b"after"


def test_truncate(between: Proxy) -> None:
    """Half of the next chunk arrives, then the end of the stream."""
    with connected(between) as client:
        assert answer(client, b"before") == b"before"
        between.set(fault="truncate")
        between.set(fault="none")
        client.sendall(b"12345678")
        assert client.recv(100) == b""
    with connected(between) as sound:
        assert answer(sound, b"after") == b"after"


def test_truncate_lets_half_through() -> None:
    """The server gets the first half of the client's bytes, then the end, and so does the client."""
    with socket.create_server(("127.0.0.1", 0)) as server, proxy([server.getsockname()]) as between:
        server.settimeout(30)
        with connected(between) as client, server.accept()[0] as accepted:
            accepted.settimeout(30)
            between.set(fault="truncate")
            client.sendall(b"12345678")
            assert received(accepted, 100) == b"1234"
            assert client.recv(100) == b""


def test_reset(between: Proxy) -> None:
    """Connections are reset at once, new ones too, until the fault is over."""
    with connected(between) as client:
        assert answer(client, b"before") == b"before"
        between.set(fault="reset")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionResetError), connected(between) as newer:
        newer.recv(1)
    between.set(fault="none")
    with connected(between) as sound:
        assert answer(sound, b"after") == b"after"


def test_refuse(between: Proxy) -> None:
    """New connections are refused, open ones continue, and the port is open again afterwards."""
    with connected(between) as client:
        between.set(fault="refuse")
        with pytest.raises(ConnectionRefusedError), connected(between):
            pass
        assert answer(client, b"still") == b"still"
        between.set(fault="none", round_trip_s=0.001)
        with connected(between) as sound:
            assert answer(sound, b"after") == b"after"


def test_only_a_process_and_its_children_are_cut_off(between: Proxy) -> None:
    """A fault below a process is one of its connections and its children's, not of others."""
    program = f"""
import os, socket
if os.fork():
    os.wait()
else:
    one = socket.create_connection({between.addresses[0]})
    one.sendall(b"1")
    print(one.recv(1), flush=True)
    for _ in range(2):
        try:
            one.recv(1)
        except ConnectionResetError:
            print("reset", flush=True)
        one = socket.create_connection({between.addresses[0]})
"""
    with (
        connected(between) as mine,
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout
        assert other.stdout.readline() == "b'1'\n"
        between.set(fault="reset", below=other.pid)
        assert other.communicate(timeout=30)[0] == "reset\n" * 2
        assert answer(mine, b"1") == b"1"
        with connected(between) as new:
            assert answer(new, b"2") == b"2"


def test_a_server_that_is_gone_resets_its_clients() -> None:
    """If the server is gone, clients are reset, and the proxy continues."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nowhere = gone.getsockname()
    with proxy([nowhere]) as before_nothing:
        for _ in range(2):
            with pytest.raises(ConnectionResetError), connected(before_nothing) as client:
                client.recv(1)
