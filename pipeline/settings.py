"""Settings as values: frozen, checked when built, and without any secret in them."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable

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
METHODS = ("create", "prepared", "batch")
NULLS = ("unset", "write")
PASSWORD_VARIABLE = "CASSANDRA_PASSWORD"  # noqa: S105 - the name of a variable, not a password


def require_one_of(name: str, value: str, allowed: "Iterable[str]") -> None:
    """Return if `value` is one of `allowed`.

    Raises:
        SettingError: it is not.
    """
    if value not in allowed:
        raise SettingError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")


def require_at_least(name: str, value: float, minimum: float) -> None:
    """Return if `value` is a number not below `minimum`.

    Raises:
        SettingError: it is below, infinite, or not a number.
    """
    if value == math.inf:
        raise SettingError(f"{name} is {value}; it must be finite")
    if not value >= minimum:
        raise SettingError(f"{name} is {value}; it must be at least {minimum}")


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


@dataclass(frozen=True, kw_only=True)
class LoadConfig:
    """How a load writes its rows, and what it puts up with.

    `batch_size_bytes` is the most that a batch of several rows has, as the server counts for its thresholds;
    the default is its stock `batch_size_warn_threshold`.
    `nulls` says what becomes of an empty field: the cell stays as it is (`unset`), or is deleted (`write`).
    `timestamp_us`, in microseconds since 1970, is the first row's write timestamp; 0 stands for the moment
    the load begins. `rows_per_s` 0 is no cap. `ttl_s` None leaves the rows' time to live to the table, and 0
    is none. `max_bad_rows` is a number or a percentage.

    Raises:
        SettingError: a value is out of range.
    """

    method: str = "batch"
    pool_size: int = 100
    batch_size_bytes: int = 5120
    nulls: str = "unset"
    ttl_s: int | None = None
    timestamp_us: int = 0
    rows_per_s: float = 0.0
    max_bad_rows: str = "0"
    retry_budget_s: float = 300.0

    def __post_init__(self) -> None:
        require_one_of("method", self.method, METHODS)
        require_one_of("nulls", self.nulls, NULLS)
        require_at_least("pool_size", self.pool_size, 1)
        require_at_least("batch_size_bytes", self.batch_size_bytes, 1)
        if self.ttl_s is not None:
            require_at_least("ttl_s", self.ttl_s, 0)
            if self.ttl_s > _TTL_MAX_S:
                raise SettingError(f"ttl_s is {self.ttl_s}; Cassandra's most is {_TTL_MAX_S}, 20 years")
            if self.method == "create" and self.ttl_s == 0:
                raise SettingError(
                    "method create cannot write ttl_s = 0; leave it empty, or use method batch or prepared"
                )
        require_at_least("timestamp_us", self.timestamp_us, 0)
        require_at_least("rows_per_s", self.rows_per_s, 0)
        require_at_least("retry_budget_s", self.retry_budget_s, 0)
        if self.method == "create" and self.nulls == "write":
            raise SettingError(
                "method create leaves nulls unset; nulls = write needs method batch or prepared"
            )


_PORT_MAX = 65_535
_TTL_MAX_S = 630_720_000
_TIMEOUT_MIN_S = 0.001
