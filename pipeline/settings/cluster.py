"""Where the cluster is, how to talk to it, and the keyspace that holds the tables."""

import re
from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import require_at_least, require_one_of

CONSISTENCY_LEVELS = (
    "ANY",
    "ONE",
    "TWO",
    "THREE",
    "QUORUM",
    "ALL",
    "LOCAL_QUORUM",
    "EACH_QUORUM",
    "LOCAL_ONE",
)
PASSWORD_VARIABLE = "CASSANDRA_PASSWORD"  # noqa: S105 - the name of a variable, not a password


@dataclass(frozen=True, kw_only=True)
class TlsConfig:
    """How to encrypt the connection: paths of PEM files, and whether the host's name is checked.

    Raises:
        SettingError: a client certificate without its key, or a key without its certificate.
    """

    ca_file: str
    certificate_file: str = ""
    key_file: str = ""
    check_hostname: bool = True

    def __post_init__(self) -> None:
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
        SettingError: no contact point, a port, timeout or consistency level out of range, or a
            password file without a user.
    """

    contact_points: tuple[str, ...]
    port: int = 9042
    datacentre: str = ""
    consistency_level: str = "LOCAL_QUORUM"
    user: str = ""
    password_file: str = ""
    tls: TlsConfig | None = None
    connect_timeout_s: float = 10.0
    request_timeout_s: float = 10.0
    routes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.contact_points:
            raise SettingError("contact_points is empty; name at least one host of the cluster")
        if not all(self.contact_points):
            given = ",".join(self.contact_points)
            raise SettingError(f"contact_points is {given!r}; it has an empty name, remove a comma")
        require_at_least("port", self.port, 1)
        if self.port > _PORT_MAX:
            raise SettingError(f"port is {self.port}; the highest is {_PORT_MAX}")
        require_one_of("consistency_level", self.consistency_level, CONSISTENCY_LEVELS)
        require_at_least("connect_timeout_s", self.connect_timeout_s, _TIMEOUT_MIN_S)
        require_at_least("request_timeout_s", self.request_timeout_s, _TIMEOUT_MIN_S)
        if self.password_file and not self.user:
            raise SettingError(f"password_file is {self.password_file!r} but user is not set; name the user")


@dataclass(frozen=True, kw_only=True)
class KeyspaceConfig:
    """The keyspace that holds the tables, and whether this project may create and drop in it.

    Raises:
        SettingError: a name that Cassandra does not take, or a replication factor below 1.
    """

    name: str = "test"
    replication_factor: int = 1
    manage_schema: bool = True

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,48}", self.name):
            raise SettingError(f"keyspace is {self.name!r}; it must be 1 to 48 of A-Z, a-z, 0-9 and _")
        require_at_least("replication_factor", self.replication_factor, 1)


_PORT_MAX = 65_535
_TIMEOUT_MIN_S = 0.001
