"""Which log of events a load has: a file in its folder of journals, or rows in its cluster."""

from pathlib import Path

from cassandra.cluster import Session

from pipeline.load.eventlogs.cluster import ClusterLog
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.eventlogs.protocol import EventLog
from pipeline.load.jobs import LoadPlan


def log_named(session: Session, plan: LoadPlan, name: str) -> EventLog:
    """Return the log of the journal of a name."""
    load = plan.load
    if load.config.journal == "file":
        return FileLog(Path(load.checkpoints) / f"{name}.journal")
    return ClusterLog(
        session,
        plan.table.keyspace,
        plan.table.name,
        name,
        datacentre=load.cluster.datacentre,
        keeps_values=load.config.journal_values,
        budget_s=load.config.retry_budget_s,
    )


def log_at(session: Session, plan: LoadPlan, place: str) -> EventLog:
    """Return the log at a place, as `EventLog.place` says it."""
    return log_named(session, plan, Path(place.rpartition(" ")[2]).stem)
