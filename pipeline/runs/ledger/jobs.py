"""The jobs on the ledger in the cluster."""

from dataclasses import dataclass
from datetime import date
from functools import partial

from pipeline.runs.summary import RunSummary
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a person should know of the ledger; empty if every line is in the cluster."""

    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordRun(Job[Recorded]):
    """Write the line of a run, and those that wait in the output `folder`."""

    cluster: ClusterConfig
    keyspace: KeyspaceConfig
    folder: str
    run: RunSummary

    def handler(self) -> Handler[Recorded]:
        """Import and return `record_run`."""
        from pipeline.runs.ledger.handlers import record_run  # noqa: PLC0415 - it needs the driver

        return partial(record_run, self)


@dataclass(frozen=True, kw_only=True)
class LedgerLines:
    """Runs of the ledger."""

    runs: tuple[RunSummary, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadLedger(Job[LedgerLines]):
    """Read the lines of some tables, for batches of a day or later; of a keyspace without tables, all."""

    cluster: ClusterConfig
    tables: tuple[tuple[str, tuple[str, ...]], ...]
    since: date

    def handler(self) -> Handler[LedgerLines]:
        """Import and return `read_lines`."""
        from pipeline.runs.ledger.handlers import read_lines  # noqa: PLC0415 - it needs the driver

        return partial(read_lines, self)
