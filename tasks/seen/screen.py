"""A terminal: one line a task, short warnings, and the bar below them."""

import logging
import time

import luigi
from rich.console import Console
from rich.text import Text

from tasks.seen.bar import Bar, BytesDone
from tasks.seen.lines import OURS, message_of, subject_in
from tasks.seen.subjects import subject_of


class Screen(logging.Handler):
    """Shows our lines and everybody's warnings; the rest is in the log file."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False)
        self._bar = Bar(self._console)
        self._began_s: dict[str, float] = {}
        self._results: dict[str, str] = {}
        self._warned: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record if it is for people: a note as it is, a warning once and on one line."""
        if getattr(record, "is_unseen", False) or _is_told_at_the_end(record):
            return
        said = message_of(record)
        whose = f"  {subject_in(record).task}: " if record.name == OURS.name else "  warning: "
        if record.levelno < logging.WARNING:
            if record.name == OURS.name:
                self._print(whose + said)
        elif record.levelno >= logging.ERROR and record.name in _OF_LUIGI:
            self._print(_with_error(said, record), style="red")
        elif (line := whose + said.strip().partition("\n")[0]) not in self._warned:
            self._warned.add(line)
            self._print(line, style="yellow", is_cut=True)

    def begin(self, task: luigi.Task) -> None:
        """Note when a task begins."""
        self._began_s[task.task_id] = time.monotonic()

    def show_progress(
        self, task: luigi.Task, done: int, total: int, what: str, bytes_done: BytesDone | None
    ) -> None:
        """Show how much of a task is done."""
        if self._bar:
            self._bar.show(task.task_family, done, total, what, bytes_done)

    def note_result(self, task: luigi.Task, result: str) -> None:
        """Note what the line of a task will say."""
        self._results[task.task_id] = result

    def end(self, task: luigi.Task, *, is_done: bool) -> None:
        """Show the line of a task that has ended, and no bar any more."""
        self.stop_bar()
        seconds = time.monotonic() - self._began_s.get(task.task_id, time.monotonic())
        result = self._results.pop(task.task_id, "") if is_done else "failed: see the end"
        self._line(task, f"{seconds:8.1f} s  {result or 'done'}", is_done=is_done)

    def show_done_before(self, task: luigi.Task) -> None:
        """Show the line of a task that has nothing to do."""
        self._line(task, f"{'':8}    done already", is_done=None)

    def stop_bar(self) -> None:
        """Remove the bar."""
        if self._bar:
            self._bar.stop()

    def say(self, text: str, style: str = "") -> None:
        """Show text below everything else."""
        self.stop_bar()
        self._print(text, style=style)

    def _line(self, task: luigi.Task, said: str, *, is_done: bool | None) -> None:
        if OURS.isEnabledFor(logging.INFO):
            sign, colour = _SIGNS[is_done]
            line = f"{sign} {task.task_family:<{_FAMILY_CHARACTERS}} {subject_of(task).place}"
            text = Text(f"{line} {said}")
            text.stylize(colour, 0, 1)
            self._console.print(text, soft_wrap=True)

    def _print(self, said: str, *, style: str = "", is_cut: bool = False) -> None:
        self._console.print(
            Text(said, style), soft_wrap=not is_cut, no_wrap=is_cut, overflow="ellipsis" if is_cut else None
        )


def _is_told_at_the_end(record: logging.LogRecord) -> bool:
    """Return whether Luigi logs the failure of a task, or an input that is not there."""
    return record.funcName in _FAILURES_OF_TASKS or str(record.msg).startswith(_MISSING)


def _with_error(said: str, record: logging.LogRecord) -> str:
    """Return a message with the error that it has, if it is not one of ours; the log has the traceback."""
    error = record.exc_info[1] if record.exc_info else None
    return f"{said}: {type(error).__name__}: {error}" if error else said


_SIGNS = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("-", "dim")}
_FAMILY_CHARACTERS = 15
_OF_LUIGI = {"luigi", "luigi-interface"}
_FAILURES_OF_TASKS = {"_handle_run_exception", "_log_complete_error", "_log_dependency_error"}
"""The functions of Luigi that log the failures of tasks."""

_MISSING = "Data for %s does not exist"
