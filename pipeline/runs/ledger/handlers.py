"""The handlers of the jobs on the ledger in the cluster."""

from pathlib import Path

from cassandra.cluster import Session

from pipeline.cluster.session import open_session
from pipeline.errors import ClusterError, PipelineError
from pipeline.runs.ledger.jobs import LedgerLines, ReadLedger, Recorded, RecordRun
from pipeline.runs.ledger.table import read_ledger, write_line
from pipeline.runs.ledger.waiting import keep_waiting, waiting_lines
from pipeline.runs.summary import RunSummary
from pipeline.workers.jobs import Progress


def record_run(job: RecordRun, _: Progress) -> Recorded:
    """Write the line of a run, or keep it in the output folder where the cluster does not take it.

    Raises:
        OutputError: it cannot be kept.
    """
    folder = Path(job.folder)
    try:
        with open_session(job.cluster) as session:
            return Recorded(
                warning=record(session, job.run, folder=folder, manage_schema=job.keyspace.manage_schema)
            )
    except ClusterError as error:
        return Recorded(warning=_kept(folder, job.run, error))


def record(session: Session, run: RunSummary, *, folder: Path, manage_schema: bool) -> str:
    """Write the line of a run, then those that wait in the output folder; return what is left to do, if any.

    A line that the cluster does not take is kept in the folder.

    Raises:
        OutputError: it cannot be kept.
    """
    try:
        write_line(session, run, manage_schema=manage_schema)
    except ClusterError as error:
        return _kept(folder, run, error)
    try:
        return _send_waiting(session, folder, manage_schema=manage_schema)
    except PipelineError as error:
        return str(error)


def read_lines(job: ReadLedger, _: Progress) -> LedgerLines:
    """Return the runs of the ledgers; raise as `read_ledger` does."""
    with open_session(job.cluster) as session:
        return LedgerLines(
            runs=tuple(
                run
                for keyspace, tables in job.tables
                for run in read_ledger(session, keyspace, tables, job.since)
            )
        )


def _kept(folder: Path, run: RunSummary, error: ClusterError) -> str:
    file = keep_waiting(folder, run)
    return f"the run's line in the ledger is kept in {file}, and follows with a later run: {error}"


def _send_waiting(session: Session, folder: Path, *, manage_schema: bool) -> str:
    """Send the lines that wait; return what is left to do, if any: a keyspace may be of another cluster."""
    left = ""
    for file, run in waiting_lines(folder):
        try:
            write_line(session, run, manage_schema=manage_schema)
        except ClusterError as error:
            left = f"{file}, a line of the ledger, still waits: {error}"
            if error.is_transient:
                break
        else:
            file.unlink(missing_ok=True)
    return left
