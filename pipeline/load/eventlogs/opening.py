"""Which log of events a load has: a file in its folder of journals, or rows in its cluster."""

from pathlib import Path

from pipeline.load.eventlogs.file import FileLog
from pipeline.load.eventlogs.protocol import EventLog
from pipeline.load.jobs import Load


def log_named(load: Load, name: str) -> EventLog:
    """Return the log of the journal of a name."""
    return FileLog(Path(load.checkpoints) / f"{name}.journal")


def log_at(place: str) -> EventLog:
    """Return the log at a place, as `EventLog.place` says it."""
    return FileLog(Path(place))
