"""What is noted of the run of a load or a verification while it runs."""

import functools
import time
from typing import Any

import luigi

from pipeline.runs.summary import RunSummary, new_run_id


class RunNotes:
    """The beginning of a run, the seconds of its steps, and what is known of it so far.

    `told` is the run as the ledger has it already, if it has.
    """

    def __init__(self) -> None:
        self.started_at_s = time.time()
        self.run_id = new_run_id(self.started_at_s)
        self.step_seconds: dict[str, float] = {}
        self.known: dict[str, Any] = {}
        self.told: RunSummary | None = None
        self._step_began_s = time.perf_counter()

    def step(self, name: str, **known: object) -> None:
        """Note that a step has ended, which began when the one before it ended, and what is known since."""
        now_s = time.perf_counter()
        self.step_seconds[name] = now_s - self._step_began_s
        self._step_began_s = now_s
        self.known.update(known)


def begin_notes(task: luigi.Task) -> None:
    """Begin to note the run of a task anew: a task that failed may run again in the same process."""
    task.__dict__[_NOTES] = RunNotes()


def notes_of(task: luigi.Task) -> RunNotes:
    """Return the notes of the run of a task."""
    if _NOTES not in task.__dict__:
        begin_notes(task)
    notes: RunNotes = task.__dict__[_NOTES]
    return notes


def run_id_of(task: luigi.Task) -> str:
    """Return the id of the run of a task; of a task that is no run, that of this process."""
    notes: RunNotes | None = task.__dict__.get(_NOTES)
    return notes.run_id if notes else process_run_id()


@functools.cache
def process_run_id() -> str:
    """Return the id of what this process does outside of runs; forks that begin later have the same."""
    return new_run_id(time.time())


_NOTES = "_notes_of_run"
