"""What a server's own settings allow, as far as it shows them, against ours."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cassandra.cluster import Session

from pipeline.checks.findings import Finding, failure, ok, warning
from pipeline.cluster.system import has_system_column, read_system
from pipeline.cluster.table import pools_of_all
from pipeline.cluster.translation import translated_errors
from pipeline.errors import AccessError
from pipeline.settings import ClusterConfig, LoadConfig

Settings = Mapping[str, str]
"""The settings of one node by their names, without those that are not set."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a load wants of a server: its settings, how many processes send, whether a table is created."""

    cluster: ClusterConfig
    config: LoadConfig
    processes: int
    creates_table: bool
    has_cdc: bool
    table_count: int


def look_at_limits(session: Session, wanted: Wanted) -> Iterator[Finding]:
    """Yield what the settings of the nodes that are up mean for a load; each node has its own.

    Raises:
        ClusterError: a node does not answer.
    """
    if not has_system_column(session, _SETTINGS, "value"):
        yield warning(
            "limits",
            "this server shows no settings (Cassandra does from 4.0 on)",
            "compare them by its files",
        )
        return
    hosts = [pool.host for pool in pools_of_all(session)]
    nodes_of: dict[Finding, list[str]] = defaultdict(list)
    try:
        for host in hosts:
            with translated_errors(f"cannot read {_SETTINGS}"):
                rows = read_system(session, f"SELECT name, value FROM {_SETTINGS}", host=host)  # noqa: S608 - our own name
            settings = {row["name"]: str(row["value"]) for row in rows if row["value"] is not None}
            for look in _LOOKS:
                if found := look(settings, wanted):
                    nodes_of[found].append(str(host.address))
    except AccessError:
        yield warning(
            "limits",
            f"are not known: {wanted.cluster.user} may not read {_SETTINGS}",
            f"have it granted: GRANT SELECT ON {_SETTINGS} TO {wanted.cluster.user}",
        )
        return
    for found, nodes in nodes_of.items():
        where = "" if len(nodes) == len(hosts) else f" on {', '.join(nodes)}"
        yield Finding(
            status=found.status, subject=found.subject, found=found.found + where, advice=found.advice
        )


def bytes_of(settings: Settings, name: str) -> int | None:
    """Return a setting in bytes, None where it is not set; 4.0 has it in KiB or MiB under another name."""
    for end, unit in _OLD_UNITS.items():
        if (text := settings.get(f"{name}{end}", "")).isdecimal():
            return int(text) * unit
    found = re.fullmatch(r"(\d+)(B|KiB|MiB|GiB)", settings.get(name, ""))
    return int(found[1]) * _UNITS[found[2]] if found else None


def _batch(settings: Settings, wanted: Wanted) -> Finding | None:
    ours = wanted.config.batch_size_bytes
    warned, failed = (bytes_of(settings, f"batch_size_{end}_threshold") for end in ("warn", "fail"))
    if wanted.config.method != "batch" or warned is None or failed is None:
        return None
    found = f"batch_size_bytes is {ours}, the server warns from {warned} and refuses from {failed} bytes"
    if ours > failed:
        return failure("limit batch", found, f"lower batch_size_bytes to {warned}")
    if ours > warned:
        return warning("limit batch", found, f"lower batch_size_bytes to {warned}, or raise the server's")
    return ok("limit batch", found)


def _in_flight(settings: Settings, wanted: Wanted) -> Finding | None:
    most = bytes_of(settings, "native_transport_max_request_data_in_flight_per_ip")
    if most is None:
        most = _number(settings, "native_transport_max_concurrent_requests_in_bytes_per_ip")
    if most is None or wanted.config.method != "batch":
        return None
    config = wanted.config
    ours = config.pool_size * config.batch_size_bytes * wanted.processes
    found = f"{ours >> 10} KiB of batches at most, the server takes {most >> 10} KiB of a client"
    if ours > most:
        return warning("limit in flight", found, "lower pool_size, processes or batch_size_bytes")
    return ok("limit in flight", found)


def _rate(settings: Settings, _: Wanted) -> Finding | None:
    if settings.get("native_transport_rate_limiting_enabled") != "true":
        return None
    most = settings.get("native_transport_max_requests_per_second", "?")
    return warning(
        "limit rate", f"a node takes {most} requests/s", "a load is slowed to it; rows_per_s can be set below"
    )


def _levels(settings: Settings, wanted: Wanted) -> Finding | None:
    level, subject = wanted.cluster.consistency_level, "limit consistency"
    for kind in ("write", "read"):
        for end, say in (("disallowed", failure), ("warned", warning)):
            name = f"{kind}_consistency_levels_{end}"
            if level in re.findall(r"\w+", settings.get(name, "")):
                return say(subject, f"{name} of the server has {level}", "change consistency_level")
    return None


def _timestamps(settings: Settings, wanted: Wanted) -> Finding | None:
    if settings.get("user_timestamps_enabled") != "false" or wanted.config.method != "create":
        return None
    return failure(
        "limit timestamps", "user_timestamps_enabled of the server is false", "use method batch or prepared"
    )


def _pages(settings: Settings, _: Wanted) -> Finding | None:
    most = _number(settings, "page_size_fail_threshold")
    if most is None or most < 0:
        return None
    return ok("limit pages", f"{most} rows a page; the scan of a verification keeps to it")


def _tables(settings: Settings, wanted: Wanted) -> Finding | None:
    most = _number(settings, "tables_fail_threshold")
    if most is None or most < 0 or not wanted.creates_table:
        return None
    found = f"{wanted.table_count} tables, the server refuses more than {most}, and one must be created"
    advice = "have an administrator create it, or raise tables_fail_threshold of the server"
    return failure("limit tables", found, advice) if wanted.table_count >= most else ok("limit tables", found)


def _cdc(settings: Settings, wanted: Wanted) -> Finding | None:
    if not wanted.has_cdc or settings.get("cdc_block_writes") == "false":
        return None
    space = settings.get("cdc_total_space") or f"{settings.get('cdc_total_space_in_mb', '?')}MiB"
    return warning(
        "limit cdc",
        f"the table has cdc on, and a node stops writes once {space} of cdc_raw are full",
        "see that cdc_raw is consumed as fast as the load writes",
    )


def _number(settings: Settings, name: str) -> int | None:
    text = settings.get(name, "")
    return int(text) if re.fullmatch(r"-?\d+", text) else None


_LOOKS: tuple[Callable[[Settings, Wanted], Finding | None], ...] = (
    _batch,
    _in_flight,
    _rate,
    _levels,
    _timestamps,
    _pages,
    _tables,
    _cdc,
)
_SETTINGS = "system_views.settings"
_OLD_UNITS = {"_in_kb": 1 << 10, "_in_mb": 1 << 20}
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
