"""The end of a load that is a run: its line is written into the ledger by the session that ends the load."""

import time
from dataclasses import replace
from pathlib import Path

from cassandra.cluster import Session

from pipeline.load.handlers import finish
from pipeline.load.jobs import FinishedRun, FinishRun, RowCounts
from pipeline.runs.ledger.handlers import record
from pipeline.runs.summary import LOADED, seconds_since
from pipeline.workers.jobs import Progress


def finish_run(job: FinishRun, progress: Progress) -> FinishedRun:
    """Finish a load, then write its line into the ledger: whatever becomes of that, the load is finished."""
    began_s = time.perf_counter()
    run, warning = job.run, ""

    def write(session: Session, counts: RowCounts) -> None:
        nonlocal run, warning
        run = replace(
            run,
            outcome=LOADED,
            rows_read=counts.read,
            rows_sent=counts.sent,
            rows_acknowledged=counts.acknowledged,
            rows_bad=counts.bad,
            step_seconds={**run.step_seconds, "finish": time.perf_counter() - began_s},
            seconds=seconds_since(run.started_at_s),
        )
        manage_schema = job.finish.plan.load.keyspace.manage_schema
        try:
            warning = record(session, run, folder=Path(job.folder), manage_schema=manage_schema)
        except Exception as error:  # noqa: BLE001 - the load is finished
            warning = f"the run has no line in the ledger of the cluster: {error}"

    counts = finish(job.finish, progress, then=write)
    return FinishedRun(counts=counts, run=run, warning=warning)
