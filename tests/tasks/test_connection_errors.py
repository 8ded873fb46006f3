import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

from tests.harness.refusals import SCHEDULING_ERROR, Refusals


def test_an_unreachable_host_is_named(refusals: Refusals) -> None:
    """If no server listens, the message names host and port, the error and what to check."""
    with socket.socket() as holder:
        # Bound but not listening: nobody else can take the port, and connections are refused.
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        refusals.configure(cassandra={"port": port})
        refusals.refused(
            "SetupKeyspace",
            code=SCHEDULING_ERROR,
            message=rf"cannot connect to 127\.0\.0\.1:{port}: .*Connection refused; check contact_points",
        )


def test_a_host_that_never_answers_is_given_up(refusals: Refusals) -> None:
    """A host that accepts and does not answer is given up after connect_timeout_s; the message names it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        refusals.configure(cassandra={"port": port, "connect_timeout_s": 0.5})
        refusals.refused(
            "SetupKeyspace",
            code=SCHEDULING_ERROR,
            message=rf"cannot connect to 127\.0\.0\.1:{port}: .*no answer in time; check contact_points",
        )


def test_a_web_server_is_no_cassandra(refusals: Refusals) -> None:
    """A real HTTP server in Cassandra's place is recognised, and named."""
    with _web_server() as port:
        refusals.configure(cassandra={"port": port, "connect_timeout_s": 5})
        refusals.refused(
            "SetupKeyspace",
            code=SCHEDULING_ERROR,
            message=rf"cannot connect to 127\.0\.0\.1:{port}: .*not a Cassandra that the driver supports",
        )


def test_an_unresolvable_name_is_refused(refusals: Refusals) -> None:
    """A contact point that does not resolve is named."""
    refusals.configure(cassandra={"contact_points": "no-such-host.invalid"})
    refusals.refused(
        "SetupKeyspace",
        code=SCHEDULING_ERROR,
        message=r"cannot connect to no-such-host\.invalid:\d+: the name does not resolve; check contact",
    )


def test_a_wrong_datacentre_is_refused_with_those_there_are(refusals: Refusals) -> None:
    """A datacentre that does not exist is refused, before a keyspace is created for it."""
    refusals.configure(cassandra={"datacentre": "dc9"})
    refusals.refused(
        "SetupKeyspace",
        code=SCHEDULING_ERROR,
        message="no node in datacentre 'dc9'; the cluster has datacenter1; correct the setting datacentre",
    )


@contextlib.contextmanager
def _web_server() -> Iterator[int]:
    """Yield the port of an HTTP server that answers the first bytes it receives, as web front ends do."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.connection.recv(1)
            self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
            self.close_connection = True
            self.send_error(http.HTTPStatus.BAD_REQUEST)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
