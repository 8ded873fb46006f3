"""The way to the contact points: their names, their ports, their certificates."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

from pipeline.checks.findings import Finding, failure, ok, warning
from pipeline.cluster.session import ssl_context
from pipeline.cluster.translation import translated
from pipeline.errors import AccessError, PipelineError
from pipeline.settings import ClusterConfig, TlsConfig


def look_at_network(cluster: ClusterConfig) -> Iterator[Finding]:
    """Yield what is found on the way to each contact point.

    One that cannot be reached is a warning if another one can: a load needs one of them.
    """
    addresses = {host: _addresses(host, cluster.port) for host in cluster.contact_points}
    for host, found in addresses.items():
        if isinstance(found, OSError):
            is_one_of_several = any(not isinstance(each, OSError) for each in addresses.values())
            say = warning if is_one_of_several else failure
            yield say(
                f"name {host}", f"does not resolve: {found.strerror}", "check contact_points and the DNS"
            )
        elif not _is_address(host):
            yield ok(f"name {host}", ", ".join(found))
    reached = {
        (host, address): _reached(address, cluster)
        for host, found in addresses.items()
        if not isinstance(found, OSError)
        for address in found
    }
    for (host, address), reason in reached.items():
        subject = f"port {address}:{cluster.port}"
        if reason:
            say = warning if "" in reached.values() else failure
            yield say(
                subject, reason, "check contact_points, port and firewalls, and that Cassandra runs there"
            )
            continue
        yield ok(subject, "is open")
        if cluster.tls:
            yield from _look_at_certificate(host, address, cluster, cluster.tls)


def expiry_of(subject: str, expires_s: float, now_s: float) -> Finding:
    """Return what is found of the end of a certificate; times are in seconds since 1970."""
    days = (expires_s - now_s) / _DAY_S
    found = f"valid for {days:.0f} days, until {time.strftime('%Y-%m-%d %H:%M', time.gmtime(expires_s))} UTC"
    if days < _SOON_DAYS:
        return warning(subject, found, "renew the server's certificate")
    return ok(subject, found)


def _look_at_certificate(
    host: str, address: str, cluster: ClusterConfig, tls: TlsConfig
) -> Iterator[Finding]:
    where = f"{host}:{cluster.port}"
    try:
        certificate = _certificate(host, address, cluster, tls, checks_name=False)
    except PipelineError as error:
        yield failure(f"TLS {where}", str(error))
        return
    issuer = ", ".join(value for part in certificate["issuer"] for _, value in part)
    yield ok(f"TLS {where}", f"signed by {issuer}, which tls_ca_file has")
    yield expiry_of(
        f"TLS expiry {where}", ssl.cert_time_to_seconds(str(certificate["notAfter"])), time.time()
    )
    subject = f"TLS name {where}"
    if not tls.check_hostname:
        yield ok(subject, "is not looked at: tls_check_hostname is false")
        return
    try:
        _certificate(host, address, cluster, tls, checks_name=True)
    except PipelineError as error:
        yield failure(subject, str(error))
    else:
        yield ok(subject, f"the certificate names {host}")


def _certificate(
    host: str, address: str, cluster: ClusterConfig, tls: TlsConfig, *, checks_name: bool
) -> dict[str, Any]:
    """Return the server's certificate, whose chain is checked.

    Raises:
        AccessError: it is refused, or there is no TLS there.
        SettingError: a TLS file cannot be read.
    """
    context = ssl_context(tls)
    context.check_hostname = checks_name
    try:
        with (
            socket.create_connection((address, cluster.port), cluster.connect_timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return dict(secured.getpeercert() or {})
    except ssl.SSLError as error:
        raise translated(f"no TLS with {host}:{cluster.port}", error) from error
    except OSError as error:
        raise AccessError(
            f"no TLS with {host}:{cluster.port}: {error}; see client_encryption_options of the server"
        ) from error


def _addresses(host: str, port: int) -> list[str] | OSError:
    """Return the addresses of a host, or why there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _reached(address: str, cluster: ClusterConfig) -> str:
    """Return why a port cannot be connected to; an empty text if it can."""
    try:
        socket.create_connection((address, cluster.port), cluster.connect_timeout_s).close()
    except TimeoutError:
        return f"no answer in {cluster.connect_timeout_s:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_DAY_S = 24 * 3600
_SOON_DAYS = 30
"""A month is time enough for whoever has to sign a certificate."""
