"""What a line of the log is about: a task, its table, its date, and the id of its run."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import luigi
from luigi.cmdline_parser import CmdlineParser

from pipeline.errors import PipelineError
from tasks.notes import process_run_id, run_id_of


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a line is about. The table and the date are empty where there is none."""

    task: str = ""
    table: str = ""
    date: str = ""
    run_id: str

    @property
    def place(self) -> str:
        """The table and the date, for people."""
        return " ".join(filter(None, (self.table, self.date)))

    def fields(self) -> dict[str, str]:
        """Return all of it by its names."""
        return asdict(self)


def subject_of(task: luigi.Task) -> Subject:
    """Return what lines of a task are about; what the task does not say, the command's task does."""
    of_command = _now.of_command
    own = _known.get(task.task_id)
    if own is None:
        own = _known[task.task_id] = _described(task)
    return replace(
        own,
        table=own.table or of_command.table if of_command else own.table,
        date=own.date or of_command.date if of_command else own.date,
        run_id=run_id_of(task),
    )


def subject_now() -> Subject:
    """Return what a line is about that is written now: the task that runs, else that of the command."""
    if _now.task:
        return subject_of(_now.task)
    return _now.of_command or Subject(run_id=process_run_id())


def note_command() -> None:
    """Note the task that the command line names, if Luigi has read it: all other tasks are for it."""
    command = CmdlineParser.get_instance()
    if command is not None:
        _now.of_command = _described(command.get_task_obj())


@contextlib.contextmanager
def running(task: luigi.Task) -> Iterator[None]:
    """Let lines be about a task while the block runs."""
    _now.task = task
    try:
        yield
    finally:
        _now.task = None


def _described(task: luigi.Task) -> Subject:
    table = getattr(task, "table", "")
    # A setting may be wrong, which the task itself says.
    with contextlib.suppress(PipelineError):
        ref = getattr(task, "table_ref", None)
        table = f"{ref.keyspace.name}.{ref.table}" if ref else table
    return Subject(
        task=task.task_family,
        table=str(table),
        date=str(getattr(task, "date", "")),
        run_id=process_run_id(),
    )


class _Now:
    """What goes on in this process, for all of its threads: Luigi runs one task at a time in a process."""

    task: luigi.Task | None = None
    of_command: Subject | None = None


_now = _Now()
_known: dict[str, Subject] = {}
