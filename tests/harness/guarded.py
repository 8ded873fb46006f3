"""A server that requires a certificate and a password, and relays before it at other addresses."""

import contextlib
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import RoundRobinPolicy

from pipeline import embedded
from tests.harness.authority import Authority

PASSWORD = f"päss {uuid.uuid4().hex}"


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """A server that requires a certificate and a password: its endpoint, and the credentials."""

    endpoint: embedded.Endpoint
    authority: Authority
    certificate_file: Path
    key_file: Path
    cql: Session


@contextlib.contextmanager
def guard(folder: Path, **settings: object) -> Iterator[Guarded]:
    """Start a server with the roles `loader`, which may create, and `reader`, which may not.

    `settings` are added to those of the server.
    """
    authority = Authority(folder, "authority")
    certificate_file, key_file = authority.issue("server")
    parameters = {
        "private_key": key_file.read_text(encoding="ascii") + certificate_file.read_text(encoding="ascii"),
        "trusted_certificates": authority.file.read_text(encoding="ascii"),
    }
    spec = embedded.ClusterSpec(
        folder=folder / "cassandra",
        heap="512M",
        overrides={
            **settings,
            "authenticator": "PasswordAuthenticator",
            "authorizer": "CassandraAuthorizer",
            "client_encryption_options": {
                "enabled": True,
                "require_client_auth": True,
                "ssl_context_factory": {
                    "class_name": "org.apache.cassandra.security.PEMBasedSslContextFactory",
                    "parameters": parameters,
                },
            },
        },
    )
    endpoint = embedded.start(spec)
    try:
        client_certificate, client_key = authority.issue("client")
        context = ssl.create_default_context(cafile=str(authority.file))
        context.load_cert_chain(client_certificate, client_key)
        with _superuser(endpoint, context) as cql:
            for role in ("loader", "reader"):
                cql.execute(f"CREATE ROLE {role} WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
            cql.execute("GRANT CREATE ON ALL KEYSPACES TO loader")
            yield Guarded(
                endpoint=endpoint,
                authority=authority,
                certificate_file=client_certificate,
                key_file=client_key,
                cql=cql,
            )
    finally:
        embedded.stop(spec.folder)


@contextlib.contextmanager
def _superuser(endpoint: embedded.Endpoint, context: ssl.SSLContext) -> Iterator[Session]:
    """Connect as the default superuser, which exists a few seconds after the first start of a cluster."""
    while True:
        cluster = Cluster(
            list(endpoint.contact_points),
            port=endpoint.port,
            protocol_version=4,
            connect_timeout=60,
            control_connection_timeout=60,
            ssl_context=context,
            auth_provider=PlainTextAuthProvider("cassandra", "cassandra"),
            execution_profiles={
                EXEC_PROFILE_DEFAULT: ExecutionProfile(load_balancing_policy=RoundRobinPolicy())
            },
        )
        try:
            session = cluster.connect()
        except NoHostAvailable as error:
            cluster.shutdown()
            if not any("credentials" in str(reason) for reason in error.errors.values()):
                raise
            time.sleep(0.2)
            continue
        try:
            yield session
        finally:
            cluster.shutdown()
        return


@contextlib.contextmanager
def relay(
    address: tuple[str, int], endpoint: embedded.Endpoint, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Yield the port of a relay at `address` to the server, with a certificate of its own."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(address))

        def copy(source: socket.socket, sink: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(1 << 16):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client = stack.enter_context(listener.accept()[0])
                    if context:
                        with contextlib.suppress(ssl.SSLError):
                            client = stack.enter_context(context.wrap_socket(client, server_side=True))
                    server = stack.enter_context(
                        socket.create_connection((endpoint.contact_points[0], endpoint.port))
                    )
                    for pair in ((client, server), (server, client)):
                        threading.Thread(target=copy, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
