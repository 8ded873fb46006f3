"""What failed, why, where to look and how to go on: the last that a run says."""

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import luigi

from pipeline.errors import BadRowsError, PipelineError, RowFileError, SettingError
from tasks.seen.subjects import Subject, subject_of


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A task that failed, or could not begin."""

    ended: str
    why: str
    where: tuple[str, ...]
    how: str
    subject: Subject

    def text(self, log: str = "") -> str:
        """Return it for people, the log file among the places to look at."""
        places = (*self.where, *([log] if log else ()))
        return "\n".join(
            [
                self.ended,
                f"  why:    {self.why}",
                *(f"  look:   {place}" for place in places),
                f"  go on:  {self.how}",
            ]
        )

    def facts(self) -> dict[str, object]:
        """Return it for machines, beside what its line has anyway."""
        return {"why": self.why, "look": list(self.where), "go_on": self.how}


class Failures:
    """The failures of a run, of its forks too: they share a file that nobody else sees."""

    def __init__(self) -> None:
        self._file = _shared_file()

    def add(self, task: luigi.Task, failure: Failure) -> None:
        """Note a failure; a task that failed before has this one now."""
        self._write({"task_id": task.task_id, "failure": asdict(failure)})

    def forget(self, task: luigi.Task) -> None:
        """Note that a task has succeeded after all."""
        self._write({"task_id": task.task_id, "failure": None})

    def left(self) -> list[Failure]:
        """Return what is left of all processes, in the order in which it was noted."""
        size_bytes = os.fstat(self._file).st_size
        by_task: dict[str, Failure] = {}
        for line in os.pread(self._file, size_bytes, 0).splitlines():
            noted = json.loads(line)
            by_task.pop(noted["task_id"], None)
            if found := noted["failure"]:
                by_task[noted["task_id"]] = Failure(
                    **{**found, "where": tuple(found["where"]), "subject": Subject(**found["subject"])}
                )
        return list(by_task.values())

    def _write(self, noted: dict[str, object]) -> None:
        # The offset is shared with the forks, so each write is behind the last one.
        os.write(self._file, json.dumps(noted).encode() + b"\n")


def _shared_file() -> int:
    """Return a file without a name; on Linux one that needs no folder that can be written."""
    if sys.platform == "linux":
        return os.memfd_create("failures")
    file, name = tempfile.mkstemp()
    Path(name).unlink()
    return file


def failed(task: luigi.Task, error: BaseException, began_at_s: float) -> Failure:
    """Return the failure of a task that began at a time."""
    is_ours = isinstance(error, PipelineError | luigi.parameter.ParameterException)
    return Failure(
        ended="failed",
        why=str(error) if is_ours else f"{type(error).__name__}: {error}",
        where=_files_of(task, began_at_s),
        how=_how_after(task, error),
        subject=subject_of(task),
    )


def missing(task: luigi.Task, source: str) -> Failure:
    """Return that the input of a task is not there."""
    return Failure(
        ended="did not run",
        why=f"its input is not there: {source}",
        where=(),
        how="run the same command again when it is there",
        subject=subject_of(task),
    )


def unknown(task: luigi.Task, why: str) -> Failure:
    """Return that it could not be told whether a task is done."""
    return Failure(
        ended="did not run",
        why=why or "it cannot be told whether it is done",
        where=(),
        how=_AFTER_CORRECTION,
        subject=subject_of(task),
    )


def _files_of(task: luigi.Task, began_at_s: float) -> tuple[str, ...]:
    """Return the files that the task has written since it began and that say what is wrong."""
    files = getattr(task, "files_of_failure", ())
    return tuple(str(file) for file in files if file.exists() and file.stat().st_mtime >= began_at_s)


def _how_after(task: luigi.Task, error: BaseException) -> str:
    if not isinstance(error, PipelineError | luigi.parameter.ParameterException):
        return "the log has the traceback; once the cause is gone, run the same command again"
    if isinstance(error, BadRowsError | RowFileError | SettingError):
        return _AFTER_CORRECTION
    if getattr(task, "dry_run", None) is False:
        return "run the same command again: rows that are settled are not sent again"
    return "run the same command again: tasks that are done are not done again"


_AFTER_CORRECTION = "correct that, then run the same command again"
