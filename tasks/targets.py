"""Targets in the cluster. A worker process asks the cluster; Luigi's process opens no session."""

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luigi

from pipeline.cluster.jobs import DescribeTable, Marker, TableDescription
from pipeline.errors import SettingError
from pipeline.settings import KeyspaceConfig
from pipeline.workers.client import run_job
from tasks.settings import cluster_config, keyspace_config


@dataclass(frozen=True)
class TableRef:
    """A reference to a table: its keyspace, and its name or its dataset; both in the load of a dataset."""

    keyspace: KeyspaceConfig
    dataset: str = ""
    table: str = ""

    @property
    def quoted(self) -> str:
        """`keyspace.table` as CQL has it, in double quotes where it needs them."""
        return ".".join(_quoted(name) for name in (self.keyspace.name, self.table))

    @property
    def as_job(self) -> dict[str, Any]:
        """The arguments that name the table in a job, which takes a dataset or a name."""
        return {
            "keyspace": self.keyspace,
            "dataset": self.dataset,
            "table": "" if self.dataset else self.table,
        }


def named_table(name: str) -> TableRef:
    """Return the table of a name. The keyspace may come first; both may be in CQL's double quotes.

    Raises:
        SettingError: it is not a valid name.
    """
    part = r'"(?:[^"]|"")+"|[^".]+'
    found = re.fullmatch(rf"(?:({part})\.)?({part})", name)
    if not found:
        raise SettingError(f"table is {name!r}; it must be a table's name, or keyspace.table")
    keyspace, table = (
        text[1:-1].replace('""', '"') if text.startswith('"') else text for text in found.groups("")
    )
    config = keyspace_config()
    return TableRef(dataclasses.replace(config, name=keyspace or config.name), table=table)


def _quoted(name: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


def loads_of(table_ref: TableRef, date: dt.date) -> Path:
    """Return the folder for the reports of a day's loads into a table, below the output folder."""
    return Path("loads", f"{table_ref.keyspace.name}.{table_ref.table}", f"{date}")


@dataclass(frozen=True)
class CassandraTarget(luigi.Target):
    """A finished load: a marker row for the current table and the current input.

    The input is identified by its content, `input_sha256`; if that is None the files are gone, and the name
    `source` identifies it. If `since_s` is given, only a marker written after that time (seconds since 1970)
    counts.
    """

    table_ref: TableRef
    date: dt.date
    source: str
    input_sha256: str | None = None
    since_s: float | None = None

    def exists(self) -> bool:
        """Ask the cluster.

        Raises:
            PipelineError: a setting is wrong, or the cluster cannot be asked.
        """
        return self.is_in(describe(self.table_ref, [self.date]))

    def is_in(self, description: TableDescription) -> bool:
        """Return whether a description of the table has this marker."""
        return self.marker_in(description) is not None

    def marker(self) -> Marker | None:
        """Return the marker, or None; raises as `exists`."""
        return self.marker_in(describe(self.table_ref, [self.date]))

    def marker_in(self, description: TableDescription) -> Marker | None:
        """Return the newest such marker in a description of the table, or None.

        A marker from before the table's last TRUNCATE does not count; both times are from the servers.
        """
        markers = [
            marker
            for marker in description.markers
            if marker.date == self.date
            and marker.table_id == description.table_id
            and marker.truncated_at is not None
            and marker.truncated_at >= description.truncated_at
            and (
                marker.input_sha256 == self.input_sha256
                if self.input_sha256
                else marker.source == self.source
            )
            and marker.finished_at_s >= (self.since_s or 0)
        ]
        return max(markers, key=lambda marker: marker.finished_at_s, default=None)


@dataclass(frozen=True)
class TableTarget(luigi.Target):
    """A dataset's table and the marker table, as their models say."""

    table_ref: TableRef

    def exists(self) -> bool:
        """Ask the cluster.

        Raises:
            PipelineError: a setting is wrong, the table is not its model's, or the cluster cannot be asked.
        """
        return describe(self.table_ref, []).table_id is not None


def describe(table_ref: TableRef, dates: Sequence[dt.date]) -> TableDescription:
    """Return the result of `DescribeTable`; without a running cluster, that of an absent table.

    Raises:
        PipelineError: a setting is wrong, or the cluster cannot be asked.
    """
    cluster = cluster_config()
    if cluster is None:
        return TableDescription()
    return run_job(DescribeTable(cluster=cluster, **table_ref.as_job, dates=tuple(dates)))
