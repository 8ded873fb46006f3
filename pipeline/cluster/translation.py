"""The one translation of the driver's errors into ours: what each means, and what to do about it."""

import contextlib
import ssl
from collections.abc import Callable, Iterator
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
    WriteFailure,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionException, ProtocolError
from cassandra.cqlengine import CQLEngineException, ValidationError
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import (
    BadCredentials,
    ErrorMessage,
    InternalError,
    NotSupportedError,
    UnauthorizedErrorMessage,
)
from cassandra.protocol import RequestValidationException as ValidationMessage

from pipeline.cluster.refusals import Decision, RefusalKind, decision_of
from pipeline.cql.types import PROTOCOL_VERSION
from pipeline.errors import (
    AccessError,
    ClusterError,
    RequestError,
    SchemaError,
    SettingRefusedError,
    UnreachableError,
)
from pipeline.settings import PASSWORD_VARIABLE


@contextlib.contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Raise the driver's errors in this block as ours; each message begins with `what`.

    Raises:
        ClusterError: one of its subclasses, chained to the driver's error.
    """
    try:
        yield
    except _DRIVER_ERRORS as error:
        raise translated(what, error) from error


def is_transient(error: BaseException) -> bool:
    """Tell whether the same request may succeed later: the cluster is busy, or a node is down."""
    if decision := decision_of(error):
        return decision.kind is RefusalKind.TRANSIENT
    return isinstance(error, _TRANSIENT) or (
        isinstance(error, NoHostAvailable) and not any(_is_final(reason) for _, reason in _reasons(error))
    )


def is_refusal(error: BaseException) -> bool:
    """Tell whether the request can never succeed, because of its rows or its table, which may be dropped."""
    decision = decision_of(error)
    if decision is None:
        return isinstance(error, ValidationError)
    return decision.code == _INVALID and decision.kind in {RefusalKind.ROW, RefusalKind.TABLE}


def is_of(error: BaseException, kind: RefusalKind) -> bool:
    """Tell whether an error is a server's error of this kind."""
    decision = decision_of(error)
    return decision is not None and decision.kind is kind


def is_from_server(error: BaseException) -> bool:
    """Tell whether the error is from a server, not from the driver."""
    return decision_of(error) is not None


def is_too_large_page(error: BaseException) -> bool:
    """Tell whether a guardrail of the server refuses the number of rows a page."""
    return "Guardrail page_size violated" in str(error)


def may_be_the_rows(error: BaseException) -> bool:
    """Tell whether a request may fail each time because of its rows: a replica failed to write them."""
    return isinstance(error, WriteFailure)


def translated(what: str, error: BaseException) -> ClusterError:
    """Return one of the driver's errors as ours; its message begins with `what`."""
    kind, message = _translation(what, error)
    return kind(message, is_transient=is_transient(error))


def _translation(what: str, error: BaseException) -> tuple[type[ClusterError], str]:
    if isinstance(error, NoHostAvailable):
        return _no_host(what, error)
    decision = decision_of(error)
    if decision and decision.code in _CODES_WITH_ADVICE:
        return _ERROR_TYPES[decision.kind], f"{what}: {reason_of(error, decision)}"
    kind, message_of = next(
        (kind, message_of)
        for driver_error, kind, message_of in _TRANSLATIONS
        if isinstance(error, driver_error)
    )
    return kind, f"{what}: {message_of(error)}"


def reason_of(error: BaseException, decision: Decision | None = None) -> str:
    """Return the reason in one line: the error's message, and what helps if that is known."""
    decision = decision or decision_of(error)
    message = _first_line(error)
    if decision and (decision.says or decision.code != _INVALID):
        return f"{message}; {decision.advice}"
    return message


def _no_host(what: str, error: NoHostAvailable) -> tuple[type[ClusterError], str]:
    """Use each host's own error, not the driver's summary; one refused password or certificate is enough."""
    reasons = _reasons(error)
    for _, reason in reasons:
        if isinstance(reason, AuthenticationFailed | ssl.SSLError):
            return _translation(what, reason)
        if _BAD_CERTIFICATE in str(reason):
            certificate_error = str(reason).partition(_BAD_CERTIFICATE)[2].strip("] ")
            return AccessError, f"{what}: {_certificate_refused(certificate_error)}"
    versions = [reason for _, reason in reasons if _OTHER_VERSION in str(reason).lower()]
    if versions:
        return UnreachableError, (
            f"{what}: {_first_line(versions[0])}; this project speaks version {PROTOCOL_VERSION}: set "
            "native_transport_allow_older_protocols of the server to true, or use Cassandra 3.0 or later"
        )
    errors = "; ".join(f"{host}: {_reason(reason)}" for host, reason in reasons) or "no host is up"
    return (
        UnreachableError,
        f"{what}: {errors}; check contact_points, port and the tls_ settings, and that Cassandra runs there",
    )


def _reasons(error: NoHostAvailable) -> list[tuple[object, BaseException]]:
    """Return each host's error; an empty list if no host is up, or if the driver lists only their names."""
    return list(error.errors.items()) if isinstance(error.errors, dict) else []


def _reason(error: BaseException) -> str:
    if isinstance(error, OperationTimedOut):
        return "no answer in time"
    if isinstance(error, OSError):
        return str(error).rpartition("Last error: ")[2]
    if isinstance(error, ProtocolError):
        return f"the server there is not a Cassandra that the driver supports ({_first_line(error)})"
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _certificate_refused(reason: str) -> str:
    return f"the server's certificate is refused: {reason}; check contact_points and tls_ca_file"


_OTHER_VERSION = "protocol version"
"""Part of a server's refusal of a version of the protocol, in one of its spellings."""

_BAD_CERTIFICATE = "CERTIFICATE_VERIFY_FAILED"
"""Part of the OSError that the driver raises in place of an SSLCertVerificationError."""

_DriverErrors = type[BaseException] | tuple[type[BaseException], ...]
_TRANSLATIONS: tuple[tuple[_DriverErrors, type[ClusterError], Callable[[Any], str]], ...] = (
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
"""The driver's error, our error, and what makes its message; the first that matches applies."""


def _is_final(error: BaseException) -> bool:
    return isinstance(error, AuthenticationFailed | ssl.SSLError | UnauthorizedErrorMessage)


_TRANSIENT = (
    OperationTimedOut,
    ConnectionException,
    ConnectionBusy,
    NoConnectionsAvailable,
    OSError,
)
"""Transient errors of the driver itself; for those of a server, the table of decisions applies."""
_INVALID = 0x2200
_CODES_WITH_ADVICE = {0x000A, 0x1400, 0x1500, 0x1600, _INVALID}
"""The codes whose decision says what to do; for the others, `_TRANSLATIONS` does."""
_ERROR_TYPES: dict[RefusalKind, type[ClusterError]] = {
    RefusalKind.TRANSIENT: RequestError,
    RefusalKind.SETTING: SettingRefusedError,
    RefusalKind.TABLE: SchemaError,
    RefusalKind.ROW: SchemaError,
}
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
