"""Sessions on the cluster, and the one seam that turns the driver's errors into ours."""

import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cassandra import (
    AuthenticationFailed,
    ConsistencyLevel,
    DriverException,
    OperationTimedOut,
    RequestExecutionException,
    RequestValidationException,
    Unauthorized,
    Unavailable,
    UnresolvableContactPoints,
)
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.connection import ConnectionBusy, ConnectionException, ProtocolError
from cassandra.cqlengine import CQLEngineException, connection
from cassandra.policies import DCAwareRoundRobinPolicy, RoundRobinPolicy, TokenAwarePolicy
from cassandra.protocol import (
    BadCredentials,
    ErrorMessage,
    InternalError,
    NotSupportedError,
    UnauthorizedErrorMessage,
)
from cassandra.protocol import RequestValidationException as ValidationMessage
from cassandra.query import dict_factory

from pipeline.config import ClusterConfig, TlsConfig
from pipeline.errors import (
    AccessError,
    ClusterError,
    RequestError,
    SchemaError,
    SettingError,
    UnreachableError,
)
from pipeline.reactor import PollingConnection

PASSWORD_VARIABLE = "CASSANDRA_PASSWORD"  # noqa: S105 - the name of a variable, not a password
PROTOCOL_VERSION = 4
"""Version 5 loses requests under pipelining: see docs/decisions/0003-protocol-v4.md."""


@contextlib.contextmanager
def open_session(config: ClusterConfig) -> Iterator[Session]:
    """Connect, and close when the block ends. Rows are dicts; cqlengine models use the same session.

    Only for a process that is patched by gevent; never before a fork.

    Raises:
        UnreachableError: no contact point answers as a Cassandra, or none is in the datacentre named.
        AccessError: the user, the password or a certificate is refused.
        SettingError: the password or a TLS file cannot be read.
    """
    with translated_errors(f"cannot connect to {_hosts(config)}"):
        cluster = _cluster(config)
    try:
        with translated_errors(f"cannot connect to {_hosts(config)}"):
            try:
                session = cluster.connect()
            except NoHostAvailable as error:
                _require_datacentre(cluster, config, error)
                raise
            connection.register_connection(_CONNECTION, session=session, default=True)
        yield session
    finally:
        cluster.shutdown()
        connection._connections.pop(_CONNECTION, None)  # noqa: SLF001 - its unregister shuts down a second time


@contextlib.contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Raise the driver's errors of this block as ours, each message beginning with `what`.

    Raises:
        ClusterError: one of its kinds, chained to the driver's error.
    """
    try:
        yield
    except _DRIVER_ERRORS as error:
        raise _translated(what, error) from error


def _cluster(config: ClusterConfig) -> Cluster:
    return Cluster(
        contact_points=list(config.contact_points),
        port=config.port,
        protocol_version=PROTOCOL_VERSION,
        connection_class=PollingConnection,
        auth_provider=PlainTextAuthProvider(config.user, _password(config)) if config.user else None,
        ssl_context=_ssl_context(config.tls) if config.tls else None,
        connect_timeout=config.connect_timeout_s,
        control_connection_timeout=config.connect_timeout_s,
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


def _translated(what: str, error: BaseException) -> ClusterError:
    if isinstance(error, NoHostAvailable):
        return _no_host(what, error)
    kind, say = next(
        (kind, say) for driver_error, kind, say in _TRANSLATIONS if isinstance(error, driver_error)
    )
    return kind(f"{what}: {say(error)}")


def _no_host(what: str, error: NoHostAvailable) -> ClusterError:
    """Each host's own error says more than the driver's sum of them; one refusal of a password is enough."""
    reasons = list(error.errors.items()) if isinstance(error.errors, dict) else []
    for _, reason in reasons:
        if isinstance(reason, AuthenticationFailed | ssl.SSLError):
            return _translated(what, reason)
        if _BAD_CERTIFICATE in str(reason):
            said = str(reason).partition(_BAD_CERTIFICATE)[2].strip("] ")
            return AccessError(f"{what}: {_certificate_refused(said)}")
    said = "; ".join(f"{host}: {_reason(reason)}" for host, reason in reasons) or "no host is up"
    return UnreachableError(
        f"{what}: {said}; check contact_points, port and the tls_ settings, and that Cassandra runs there"
    )


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
        # Not the error's own text: that of a wrong encoding shows a byte of the password.
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


def _ssl_context(tls: TlsConfig) -> ssl.SSLContext:
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
    return ", ".join(f"{host}:{config.port}" for host in config.contact_points)


def _reason(error: BaseException) -> str:
    if isinstance(error, OperationTimedOut):
        return "no answer in time"
    if isinstance(error, OSError):
        return str(error).rpartition("Last error: ")[2]
    if isinstance(error, ProtocolError):
        return f"what answers is no Cassandra that the driver knows ({_first_line(error)})"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _certificate_refused(reason: str) -> str:
    return f"the server's certificate is refused: {reason}; check contact_points and tls_ca_file"


_BAD_CERTIFICATE = "CERTIFICATE_VERIFY_FAILED"
"""In the driver's OSError of a socket that was not connected, where an SSLCertVerificationError was meant."""

_Kinds = type[BaseException] | tuple[type[BaseException], ...]
_TRANSLATIONS: tuple[tuple[_Kinds, type[ClusterError], Callable[[Any], str]], ...] = (
    (
        (AuthenticationFailed, BadCredentials),
        AccessError,
        lambda error: f"user or password refused ({error}); check user and {PASSWORD_VARIABLE}",
    ),
    (
        (Unauthorized, UnauthorizedErrorMessage),
        AccessError,
        lambda error: f"not allowed: {_first_line(error)}; ask for that right, or see manage_schema",
    ),
    (
        ssl.SSLCertVerificationError,
        AccessError,
        lambda error: _certificate_refused(error.verify_message),
    ),
    (
        ssl.SSLError,
        AccessError,
        lambda error: (
            f"no TLS connection: {error.reason or error}; "
            "check tls_ca_file, tls_certificate_file and tls_key_file"
        ),
    ),
    (
        UnresolvableContactPoints,
        UnreachableError,
        lambda _: "the name does not resolve; check contact_points",
    ),
    (
        Unavailable,
        RequestError,
        lambda error: (
            f"{ConsistencyLevel.value_to_name[error.consistency]} needs {error.required_replicas} replicas, "
            f"{error.alive_replicas} alive; start nodes, or lower replication_factor or consistency_level"
        ),
    ),
    ((RequestValidationException, ValidationMessage, CQLEngineException), SchemaError, _first_line),
    (
        Exception,
        RequestError,
        lambda error: f"{type(error).__name__}: {_first_line(error)}; try again, or raise request_timeout_s",
    ),
)
"""The driver's error, ours, and what to say of it; the first that fits."""

_CONNECTION = "pipeline"
_DRIVER_ERRORS = (
    DriverException,
    RequestExecutionException,
    RequestValidationException,
    NoHostAvailable,
    ConnectionBusy,
    ConnectionException,
    ProtocolError,
    ErrorMessage,
    InternalError,
    NotSupportedError,
    CQLEngineException,
    ssl.SSLError,
)
