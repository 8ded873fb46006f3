"""Targets in the cluster, each asked for through one short-lived worker: Luigi itself opens no session."""

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
    """A table: a keyspace, and in it the table of a dataset's module, or one by its name."""

    keyspace: KeyspaceConfig
    dataset: str = ""
    table: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return self.table or self.dataset.rpartition(".")[2]

    @property
    def as_job(self) -> dict[str, Any]:
        """What a job on the table is given of it."""
        return {"keyspace": self.keyspace, "dataset": self.dataset, "table": self.table}


def named_table(name: str) -> TableRef:
    """Return the table of that name, which may begin with its keyspace; each may stand in CQL's quotes.

    Raises:
        SettingError: it is no such name.
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


def loads_of(table_ref: TableRef, date: dt.date) -> Path:
    """Return the folder for what a day's loads into a table say, below the folder for output."""
    return Path("loads", f"{table_ref.keyspace.name}.{table_ref.label}", f"{date}")


@dataclass(frozen=True)
class CassandraTarget(luigi.Target):
    """A finished load: a marker row of the table as it is now, and of the input as it is now.

    The input is known by its content, `input_sha256`; where that is None it is gone, and its name, `source`,
    stands for it. Where `since_s` is given, only a marker written after that moment (seconds since the epoch)
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
        """Say whether a description of the table holds this marker."""
        return self.marker_in(description) is not None

    def marker(self) -> Marker | None:
        """Return the marker, None where there is none; raise as `exists`."""
        return self.marker_in(describe(self.table_ref, [self.date]))

    def marker_in(self, description: TableDescription) -> Marker | None:
        """Return the newest such marker of a description of the table, None where there is none.

        A marker that a later TRUNCATE of the table has made void is none: both moments are the servers'.
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
    """Return what `DescribeTable` gives; where the embedded cluster does not run, there is nothing.

    Raises:
        PipelineError: a setting is wrong, or the cluster cannot be asked.
    """
    cluster = cluster_config()
    if cluster is None:
        return TableDescription()
    return run_job(DescribeTable(cluster=cluster, **table_ref.as_job, dates=tuple(dates)))
