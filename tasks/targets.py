"""Targets in the cluster, each asked for through one short-lived worker: Luigi itself opens no session."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import luigi

from pipeline.jobs import DescribeTable, Result
from pipeline.processes import run_job
from tasks.settings import cluster_config, keyspace_config


@dataclass(frozen=True)
class CassandraTarget(luigi.Target):
    """A finished load: a marker row of the table as it is now, and of the input as it is now.

    Where `input_sha256` is None the input is gone, and its name, `source`, stands for it. Where `since_s`
    is given, only a marker written after that moment (seconds since the epoch) counts.
    """

    dataset: str
    date: dt.date
    source: str
    input_sha256: str | None = None
    since_s: float | None = None

    def exists(self) -> bool:
        """Ask the cluster.

        Raises:
            PipelineError: a setting is wrong, or the cluster cannot be asked.
        """
        return self.is_in(describe(self.dataset, [self.date]))

    def is_in(self, description: Result) -> bool:
        """Say whether a description of the table holds this marker."""
        return any(
            marker["source"] == self.source
            and marker["date"] == self.date.isoformat()
            and marker["table_id"] == description["table_id"]
            and self.input_sha256 in {None, marker["input_sha256"]}
            and marker["finished_at_s"] >= (self.since_s or 0)
            for marker in description["markers"]
        )


@dataclass(frozen=True)
class TableTarget(luigi.Target):
    """A dataset's table and the marker table, as their models say."""

    dataset: str

    def exists(self) -> bool:
        """Ask the cluster.

        Raises:
            PipelineError: a setting is wrong, the table is not its model's, or the cluster cannot be asked.
        """
        return describe(self.dataset, [])["table_id"] is not None


def describe(dataset: str, dates: Sequence[dt.date]) -> Result:
    """Return what `DescribeTable` gives; where the embedded cluster does not run, there is nothing.

    Raises:
        PipelineError: a setting is wrong, or the cluster cannot be asked.
    """
    cluster = cluster_config()
    if cluster is None:
        return {"table_id": None, "markers": []}
    return run_job(
        DescribeTable(cluster=cluster, keyspace=keyspace_config(), dataset=dataset, dates=tuple(dates))
    )
