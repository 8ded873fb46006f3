"""Local servers that note what they are sent: one of HTTP, one of SMTP."""

import contextlib
import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass(frozen=True)
class Sent:
    """A request that was sent."""

    method: str
    path: str
    text: str


@contextlib.contextmanager
def listening(status: int = 200, location: str = "") -> Iterator[tuple[str, list[Sent]]]:
    """Serve HTTP while the block runs; yield the address, host:port, and what was sent so far."""
    got: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size_bytes = int(self.headers.get("Content-Length", 0))
            got.append(Sent(self.command, self.path, self.rfile.read(size_bytes).decode()))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        do_PUT = do_POST = do_GET = answer  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def receiving_mail() -> Iterator[tuple[int, list[EmailMessage]]]:
    """Serve SMTP on loopback while the block runs; yield the port and the messages so far."""
    got: list[EmailMessage] = []

    class Handler:
        async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802, ANN401 - aiosmtpd's names and types
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            got.append(message)
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, got
    finally:
        controller.stop()
