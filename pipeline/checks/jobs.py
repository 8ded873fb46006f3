"""The jobs that look at a cluster, and at what a load into a table needs."""

from dataclasses import dataclass
from functools import partial

from pipeline.checks.findings import Finding
from pipeline.rowfiles.jobs import FileToRead
from pipeline.settings import ClusterConfig, ColumnsConfig, KeyspaceConfig, LoadConfig, ValuesConfig
from pipeline.workers.jobs import Handler, Job

Row = tuple[tuple[str, str], ...]
"""A row as it would be loaded: the name of each column, and its value as CQL has it."""


@dataclass(frozen=True, kw_only=True)
class CheckedCluster:
    """What was found on the way to a cluster and of its nodes; `is_open` if a session could be opened."""

    findings: tuple[Finding, ...]
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class CheckCluster(Job[CheckedCluster]):
    """Look at the names, the connections and certificates, the login, and every node."""

    cluster: ClusterConfig

    def handler(self) -> Handler[CheckedCluster]:
        """Look at it."""
        from pipeline.checks.handlers import check_cluster  # noqa: PLC0415 - it needs gevent and the driver

        return partial(check_cluster, self)


@dataclass(frozen=True, kw_only=True)
class CheckedTable:
    """What was found of a table and of its input, and the first rows as they would be loaded."""

    findings: tuple[Finding, ...]
    first_rows: tuple[Row, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckTable(Job[CheckedTable]):
    """Look at a keyspace and at what loads into one of its tables need.

    `cluster` is None if there is no connection: then only the files are looked at. Without a `table`, only
    the keyspace is looked at. `processes` is how many send at the same time.
    """

    cluster: ClusterConfig | None
    keyspace: KeyspaceConfig
    table: str
    config: LoadConfig
    files: tuple[FileToRead, ...] = ()
    columns: ColumnsConfig
    values: ValuesConfig
    processes: int = 1

    def handler(self) -> Handler[CheckedTable]:
        """Look at them."""
        from pipeline.checks.handlers import check_table  # noqa: PLC0415 - it needs gevent and the driver

        return partial(check_table, self)
