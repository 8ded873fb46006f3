import importlib
import inspect
import ssl
import sys

import pytest
from cassandra import ConsistencyLevel, Unavailable
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ErrorMessage

from pipeline.cluster.translation import is_transient, translated_errors
from pipeline.errors import AccessError, ClusterError, RequestError, SchemaError, UnreachableError

NEVER_SEEN = {
    "cassandra.DependencyException": "raised while the driver is imported, before there is a session",
    "cassandra.cluster.QueryExhausted": "for paging by hand, which nothing here does",
    "cassandra.cluster.UserTypeDoesNotExist": "for registering user types, of which there are none",
    "cassandra.metadata.NoMurmur3": "the driver's own: it catches it itself",
    "cassandra.pool.NoConnectionsAvailable": "the driver's own: it reaches us inside NoHostAvailable",
    "cassandra.segment.CrcException": "the driver's own: it becomes CrcMismatchException",
    "cassandra.cqlengine.operators.QueryOperatorException": "for wrong queries in our own code",
    "cassandra.cqlengine.statements.StatementException": "for wrong queries in our own code",
    "cassandra.query.TraceUnavailable": "for traces, which nothing here asks for",
    "cassandra.cqlengine.models.UndefinedKeyspaceWarning": "a warning",
}
KINDS = {
    "cassandra.AuthenticationFailed": AccessError,
    "cassandra.Unauthorized": AccessError,
    "cassandra.protocol.BadCredentials": AccessError,
    "cassandra.protocol.UnauthorizedErrorMessage": AccessError,
    "cassandra.UnresolvableContactPoints": UnreachableError,
    "cassandra.cluster.NoHostAvailable": UnreachableError,
    "cassandra.InvalidRequest": SchemaError,
    "cassandra.AlreadyExists": SchemaError,
    "cassandra.protocol.SyntaxException": SchemaError,
    "cassandra.protocol.ConfigurationException": SchemaError,
    "cassandra.cqlengine.ValidationError": SchemaError,
    "cassandra.OperationTimedOut": RequestError,
    "cassandra.Unavailable": RequestError,
    "cassandra.WriteTimeout": RequestError,
    "cassandra.ReadFailure": RequestError,
    "cassandra.protocol.OverloadedErrorMessage": RequestError,
    "cassandra.protocol.IsBootstrappingErrorMessage": RequestError,
    "cassandra.protocol.ServerError": RequestError,
    "cassandra.connection.ConnectionShutdown": RequestError,
}


def name_of(kind: type[BaseException]) -> str:
    """Return the full name of an exception class of the driver."""
    return f"{kind.__module__}.{kind.__qualname__}"


def defined_by_the_driver() -> dict[str, type[BaseException]]:
    """Return every exception class that is defined in the modules of the driver that our jobs load."""
    for folder in ("cluster", "load", "verify", "measure"):
        importlib.import_module(f"pipeline.{folder}.handlers")
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "cassandra"]
    kinds = [kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)]
    return {
        name_of(kind): kind
        for kind in kinds
        if issubclass(kind, BaseException) and kind.__module__.split(".")[0] == "cassandra"
    }


def an_error(kind: type[BaseException]) -> BaseException:
    """Return an instance of an exception class, whatever arguments its constructor needs."""
    error = kind.__new__(kind, "said the driver")
    if isinstance(error, NoHostAvailable):
        error.errors = {}
    if isinstance(error, Unavailable):
        error.consistency, error.required_replicas, error.alive_replicas = ConsistencyLevel.QUORUM, 2, 1
    if isinstance(error, ErrorMessage):
        error.code, error.message, error.info = 0, "said the server", None
    return error


@pytest.mark.parametrize("name", sorted(defined_by_the_driver().keys() - NEVER_SEEN.keys()))
def test_each_error_of_the_driver_becomes_one_of_ours(name: str) -> None:
    """Each error of the driver is raised as a ClusterError that says what failed, chained to the original."""
    error = an_error(defined_by_the_driver()[name])
    with pytest.raises(ClusterError, match=r"^cannot do it: .") as ours, translated_errors("cannot do it"):
        raise error
    assert ours.value.__cause__ is error
    assert ours.value.is_transient is is_transient(error)
    assert type(ours.value) is not ClusterError
    if name in KINDS:
        assert type(ours.value) is KINDS[name]


def test_those_left_out_are_still_the_drivers() -> None:
    """The list of errors that are not translated, and the list of kinds, name only errors that exist."""
    assert (NEVER_SEEN.keys() | KINDS.keys()) <= defined_by_the_driver().keys()


def test_each_host_says_why() -> None:
    """If no host can be reached, the message holds the reason of each host."""
    refused = ConnectionRefusedError(111, "Tried connecting to a list. Last error: Connection refused")
    error = NoHostAvailable("none", {"10.0.0.1:9042": refused, "10.0.0.2:9042": OSError("it fell over")})
    with (
        pytest.raises(
            UnreachableError,
            match=r"^cannot: 10\.0\.0\.1:9042: Connection refused; 10\.0\.0\.2:9042: it fell over; check",
        ),
        translated_errors("cannot"),
    ):
        raise error


def test_one_refused_certificate_is_enough() -> None:
    """If a host's certificate is refused, this is the error that is reported, not an unreachable host."""
    refused = ssl.SSLCertVerificationError("no good")
    refused.verify_message = "self-signed certificate"
    error = NoHostAvailable("none", {"10.0.0.1:9042": OSError("gone"), "10.0.0.2:9042": refused})
    with (
        pytest.raises(AccessError, match="certificate is refused: self-signed certificate; check contact_"),
        translated_errors("cannot"),
    ):
        raise error


def test_a_node_that_lets_no_session_in_may_do_so_later() -> None:
    """If the driver names hosts without a reason, the step is retried, then reported as unreachable."""
    error = NoHostAvailable("Unable to connect to any servers", ["10.0.0.1"])
    with (
        pytest.raises(UnreachableError, match=r"^cannot: no host is up; check") as ours,
        translated_errors("cannot"),
    ):
        raise error
    assert ours.value.is_transient


def test_errors_that_are_not_the_drivers_pass() -> None:
    """An error of our own code is not reported as an error of the cluster."""
    with pytest.raises(ZeroDivisionError), translated_errors("cannot"):
        raise ZeroDivisionError
