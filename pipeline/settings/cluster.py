"""Where the cluster is, how to talk to it, and the keyspace that holds the tables."""

import re
from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting

CONSISTENCY_LEVELS = (
    "ONE",
    "TWO",
    "THREE",
    "QUORUM",
    "ALL",
    "LOCAL_QUORUM",
    "EACH_QUORUM",
    "LOCAL_ONE",
)
EMBEDDED_VERSIONS = ("3.11.19", "4.0.19", "4.1.10", "5.0.9", "6.0-alpha2")
PASSWORD_VARIABLE = "CASSANDRA_PASSWORD"  # noqa: S105 - the name of a variable, not a password
_TIMEOUT_MIN_S = 0.001


@dataclass(frozen=True, kw_only=True)
class TlsConfig:
    """How to encrypt the connection: paths of PEM files, and whether the host's name is checked.

    Raises:
        SettingError: no CA, or a client certificate without its key, or a key without its certificate.
    """

    ca_file: str = setting(
        "",
        name="tls_ca_file",
        doc="a PEM file of the CA that signed the servers' certificates; if set, TLS is on",
        is_path=True,
    )
    certificate_file: str = setting(
        "",
        name="tls_certificate_file",
        doc="a PEM file of a client certificate, where the servers ask for one",
        is_path=True,
    )
    key_file: str = setting(
        "", name="tls_key_file", doc="a PEM file of the client certificate's key", is_path=True
    )
    check_hostname: bool = setting(
        default=True,
        name="tls_check_hostname",
        doc="whether a server's certificate must name the host it is reached by",
    )

    def __post_init__(self) -> None:
        if not self.ca_file:
            raise SettingError(
                "tls_certificate_file or tls_key_file is set but tls_ca_file is not; name the CA"
            )
        if bool(self.certificate_file) != bool(self.key_file):
            given, absent = ("tls_certificate_file", "tls_key_file")[:: 1 if self.certificate_file else -1]
            raise SettingError(f"{given} is set but {absent} is not; a client certificate needs both")


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """Where the cluster is and how to talk to it.

    `routes` says by which proxy to reach a node, such as `("10.0.0.11:9042", "127.0.0.1:40001")`.
    The password is never in here: a process that connects reads it from the environment variable
    CASSANDRA_PASSWORD, or from `password_file`.

    Raises:
        SettingError: no way to the cluster or two, a port, timeout or consistency level out of range, or a
            password file without a user.
    """

    contact_points: tuple[str, ...] = setting(
        (), doc="hosts separated by commas; empty: the embedded Cassandra, started when it is needed"
    )
    port: int = setting(9042, doc="the CQL port of the contact points", minimum=1, maximum=65_535)
    secure_connect_bundle: str = setting(
        "",
        doc="DataStax Astra's file, in place of `contact_points`, `port` and the `tls_` settings",
        is_path=True,
    )
    datacentre: str = setting(
        "",
        doc="if set, requests stay in it, and a new keyspace is replicated there by "
        "`NetworkTopologyStrategy`",
    )
    consistency_level: str = setting(
        "LOCAL_QUORUM",
        doc="the consistency level of every read and write of rows",
        choices=CONSISTENCY_LEVELS,
    )
    user: str = setting("", doc="the user to log in as")
    password_file: str = setting(
        "",
        doc=f"a file whose first line is the password; else the environment variable `{PASSWORD_VARIABLE}` "
        "is read",
        is_path=True,
    )
    tls: TlsConfig | None = None
    connect_timeout_s: float = setting(
        10.0,
        doc="seconds until a connection attempt is given up",
        unit="seconds",
        minimum=_TIMEOUT_MIN_S,
    )
    request_timeout_s: float = setting(
        10.0, doc="seconds until a request is given up", unit="seconds", minimum=_TIMEOUT_MIN_S
    )
    routes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.secure_connect_bundle:
            if self.contact_points or self.tls:
                raise SettingError(
                    "secure_connect_bundle is set, and contact_points or tls_ca_file too; leave those empty"
                )
            if self.routes:
                raise SettingError("a proxy cannot stand before the nodes of a secure_connect_bundle")
        elif not self.contact_points:
            raise SettingError("contact_points is empty; name at least one host of the cluster")
        if not all(self.contact_points):
            given = ",".join(self.contact_points)
            raise SettingError(f"contact_points is {given!r}; it has an empty name, remove a comma")
        check_settings(self)
        if self.password_file and not self.user:
            raise SettingError(f"password_file is {self.password_file!r} but user is not set; name the user")


@dataclass(frozen=True, kw_only=True)
class KeyspaceConfig:
    """The keyspace that holds the tables, and whether this project may create and drop in it.

    Raises:
        SettingError: a name that Cassandra does not take, or a replication factor below 1.
    """

    name: str = setting("test", name="keyspace", doc="the keyspace of the tables; created if absent")
    replication_factor: int = setting(
        1, doc="copies of each row in a keyspace that is created; one that exists keeps its own", minimum=1
    )
    manage_schema: bool = setting(
        default=True,
        doc="`false`: nothing is created or dropped; what is missing is an error with the CQL to run",
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,48}", self.name):
            raise SettingError(f"keyspace is {self.name!r}; it must be 1 to 48 of A-Z, a-z, 0-9 and _")
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class EmbeddedConfig:
    """The Cassandra that is started when no contact point is named.

    Raises:
        SettingError: a value is out of range.
    """

    version: str = setting(
        "5.0.9",
        doc="the version of Cassandra, to try loads against what you run; "
        "4.1 and older run on Java 11, which the first start installs",
        choices=EMBEDDED_VERSIONS,
    )
    nodes: int = setting(1, doc="how many nodes, on 127.0.0.1, 127.0.0.2, …", minimum=1)
    heap: str = setting("1G", doc="each node's Java heap")
    port: int = setting(0, doc="the CQL port; `0`: 9042 if it is free, else another", minimum=0)

    def __post_init__(self) -> None:
        check_settings(self)
