"""Sessions on the cluster."""

import contextlib
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.connection import Connection, DefaultEndPoint, DefaultEndPointFactory, EndPoint
from cassandra.cqlengine import connection
from cassandra.policies import (
    ConstantReconnectionPolicy,
    DCAwareRoundRobinPolicy,
    RoundRobinPolicy,
    TokenAwarePolicy,
)
from cassandra.query import dict_factory

from pipeline import driver
from pipeline.cluster.connection import GreenletConnection
from pipeline.cluster.translation import translated_errors
from pipeline.cql.types import PROTOCOL_VERSION
from pipeline.errors import SettingError, UnreachableError
from pipeline.settings import PASSWORD_VARIABLE, ClusterConfig, TlsConfig


@contextlib.contextmanager
def open_session(
    config: ClusterConfig, *, connection_class: type[Connection] | None = GreenletConnection
) -> Iterator[Session]:
    """Connect, and close when the block ends. Rows are dicts; cqlengine models use the same session.

    Never call this before a fork. A process that gevent has not patched gives another connection class, or
    None for the driver's default.

    Raises:
        UnreachableError: no contact point answers as a Cassandra node, or none is in the named datacentre.
        AccessError: the user, the password or a certificate is refused.
        SettingError: the password or a TLS file cannot be read.
    """
    with translated_errors(f"cannot connect to {_hosts(config)}"):
        try:
            cluster = _cluster(config, connection_class)
        except (ValueError, KeyError) as error:
            if not config.secure_connect_bundle:
                raise
            raise SettingError(
                f"secure_connect_bundle {config.secure_connect_bundle} is damaged: {error}; download it again"
            ) from error
    try:
        with translated_errors(f"cannot connect to {_hosts(config)}"):
            try:
                session = cluster.connect()
            except NoHostAvailable as error:
                _require_datacentre(cluster, config, error)
                raise
            # A guardrail may limit the rows of a page, even if the result has only one row.
            session.default_fetch_size = None
            connection.register_connection(_CONNECTION, session=session, default=True)
        yield session
    finally:
        cluster.shutdown()
        driver.forget_session(_CONNECTION)


def _cluster(config: ClusterConfig, connection_class: type[Connection] | None) -> Cluster:
    return Cluster(
        **_way_to(config),
        protocol_version=PROTOCOL_VERSION,
        connection_class=connection_class,
        auth_provider=PlainTextAuthProvider(config.user, _password(config)) if config.user else None,
        connect_timeout=config.connect_timeout_s,
        control_connection_timeout=config.connect_timeout_s,
        # The driver's default policy waits up to ten minutes before it tries to reach a node again.
        reconnection_policy=ConstantReconnectionPolicy(_RECONNECT_S, None),
        execution_profiles={
            EXEC_PROFILE_DEFAULT: ExecutionProfile(
                load_balancing_policy=TokenAwarePolicy(
                    DCAwareRoundRobinPolicy(config.datacentre) if config.datacentre else RoundRobinPolicy()
                ),
                consistency_level=ConsistencyLevel.name_to_value[config.consistency_level],
                request_timeout=config.request_timeout_s,
                row_factory=dict_factory,
            )
        },
    )


def _way_to(config: ClusterConfig) -> dict[str, Any]:
    """Return the driver's arguments that say where the nodes are, and how to encrypt."""
    if config.secure_connect_bundle:
        if not Path(config.secure_connect_bundle).is_file():
            raise SettingError(
                f"secure_connect_bundle {config.secure_connect_bundle} is not a file; download it from Astra"
            )
        return {
            "cloud": {
                "secure_connect_bundle": config.secure_connect_bundle,
                "connect_timeout": config.connect_timeout_s,
                "use_default_tempdir": True,
            }
        }
    return {
        "contact_points": _endpoints(config) if config.routes else list(config.contact_points),
        "port": config.port,
        "endpoint_factory": _RoutedFactory(dict(config.routes)) if config.routes else None,
        "ssl_context": ssl_context(config.tls) if config.tls else None,
    }


def has_murmur3_tokens(session: Session) -> bool:
    """Tell whether rows are placed by Murmur3Partitioner, whose tokens this project computes itself."""
    return (session.cluster.metadata.partitioner or "").endswith("Murmur3Partitioner")


class _RoutedEndPoint(DefaultEndPoint):
    """A node with its own address and name, and with another address to connect to."""

    def __init__(self, address: str, port: int, route: str) -> None:
        super().__init__(address, port)
        self._route = route

    def resolve(self) -> tuple[str, int]:
        """Return the host and port to connect to."""
        return _split(self._route)


class _RoutedFactory(DefaultEndPointFactory):
    """Creates the endpoints of nodes, with the route of each node that has one."""

    def __init__(self, routes: Mapping[str, str]) -> None:
        super().__init__()
        self._routes = routes

    def create(self, row: Mapping[str, object]) -> EndPoint:
        """Return the endpoint of a node, from its row in the system tables."""
        found = super().create(row)
        route = self._routes.get(f"{found.address}:{found.port}")
        return _RoutedEndPoint(found.address, found.port, route) if route else found


def _endpoints(config: ClusterConfig) -> list[EndPoint]:
    return [_RoutedEndPoint(*_split(node), route) for node, route in config.routes]


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _require_datacentre(cluster: Cluster, config: ClusterConfig, error: NoHostAvailable) -> None:
    datacentres = sorted({host.datacenter for host in cluster.metadata.all_hosts() if host.datacenter})
    if config.datacentre and datacentres and config.datacentre not in datacentres:
        raise UnreachableError(
            f"cannot connect to {_hosts(config)}: no node in datacentre {config.datacentre!r}; "
            f"the cluster has {', '.join(datacentres)}; correct the setting datacentre"
        ) from error


def _password(config: ClusterConfig) -> str:
    if not config.password_file:
        if password := os.environ.get(PASSWORD_VARIABLE):
            return password
        raise SettingError(
            f"user is {config.user!r} but there is no password; set {PASSWORD_VARIABLE} or password_file"
        )
    try:
        text = Path(config.password_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # Do not use the error's own text: for a wrong encoding, it shows a byte of the password.
        reason = (error.strerror or "it cannot be opened") if isinstance(error, OSError) else "not UTF-8"
        raise SettingError(
            f"cannot read password_file {config.password_file}: {reason}; "
            "name a file that this user may read, with the password as its first line"
        ) from None
    if password := text.partition("\n")[0].removesuffix("\r"):
        return password
    raise SettingError(
        f"password_file {config.password_file}: its first line is empty; write the password there"
    )


def ssl_context(tls: TlsConfig) -> ssl.SSLContext:
    """Return how connections are encrypted.

    Raises:
        SettingError: a file cannot be read, or is not PEM.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.check_hostname = tls.check_hostname
        if tls.certificate_file:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        files = [file for file in (tls.ca_file, tls.certificate_file, tls.key_file) if file]
        raise SettingError(
            f"cannot use the TLS files {', '.join(files)}: {error}; they must be PEM"
        ) from error
    return context


def _hosts(config: ClusterConfig) -> str:
    hosts = ", ".join(f"{host}:{config.port}" for host in config.contact_points)
    return hosts or f"the cluster of {config.secure_connect_bundle}"


_CONNECTION = "pipeline"
_RECONNECT_S = 1.0
