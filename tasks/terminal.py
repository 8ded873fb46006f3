"""What tasks say while they run, on the terminal, in the log and on Luigi's page."""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import luigi

from pipeline.errors import PipelineError
from pipeline.workers.jobs import Progress
from pipeline.workers.parent import end_with_parent
from tasks.seen.events import Events, log, note_result
from tasks.seen.lines import json_line
from tasks.seen.logs import config_or_default, is_terminal, logs
from tasks.seen.subjects import running

if TYPE_CHECKING:
    from tasks.seen.bar import BytesDone


def install() -> None:
    """Make Luigi's lines ours, each of our errors one message and Ctrl-C one line; end its forks with it."""
    logs.install()
    Events().install()
    sys.excepthook = _excepthook
    os.register_at_fork(after_in_child=end_with_parent)


def progress_of(task: luigi.Task, bytes_done: "BytesDone | None" = None) -> Progress:
    """Return a callback that shows a worker's progress on Luigi's page and as a bar on the terminal.

    `bytes_done` is for the megabytes per second.
    """
    screen = None if multiprocessing.parent_process() else logs.screen
    told_s = 0.0

    def tell(done: int, total: int, what: str) -> None:
        nonlocal told_s
        if screen:
            screen.show_progress(task, done, total, what, bytes_done)
        if done >= total or time.monotonic() - told_s >= _PAGE_INTERVAL_S:
            told_s = time.monotonic()
            task.set_progress_percentage(100 * done // max(total, 1))
            task.set_status_message(what)

    return tell


def say(task: luigi.Task, message: str) -> None:
    """Show a message on Luigi's page and as a line of its log; only while the task runs."""
    task.set_status_message(message)
    log(task, message)


def conclude(task: luigi.Task, result: str, *files: Path) -> None:
    """Show what a task has done, on its line, and on Luigi's page with the files that it has written.

    Only while the task runs, as the last that it says.
    """
    task.set_progress_percentage(100)
    task.set_status_message("; ".join([result, *map(str, files)]))
    note_result(task, result)
    log(task, result, is_unseen=True)


class TaskProcessContext:
    """Runs each task. In a fork of Luigi (`--workers 2`), Ctrl-C ends the fork without a traceback."""

    def __init__(self, process: Any) -> None:  # noqa: ANN401 - Luigi's classes have no types
        self._running = running(process.task)

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, traceback)
        if logs.screen:
            logs.screen.stop_bar()
        if kind is KeyboardInterrupt and multiprocessing.parent_process() is not None:
            sys.exit(_EXIT_INTERRUPTED)


def _excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        said = "interrupted: nothing is half-written; run the command again to go on"
    elif issubclass(kind, PipelineError | luigi.task_register.TaskClassException):
        said = f"error: {error}"
    else:
        said = ""
    if not is_terminal() and _is_json():
        with_traceback = None if said else error
        said = json_line(said or "uncaught exception", logging.ERROR, "luigi-interface", with_traceback)
    if said:
        sys.stderr.write(f"{said}\n")
    else:
        sys.__excepthook__(kind, error, traceback)


def _is_json() -> bool:
    """Return whether lines are JSON; what ends the process may be that this cannot be told."""
    with contextlib.suppress(Exception):
        return config_or_default().log_format == "json"
    return False


__all__ = ["TaskProcessContext", "conclude", "install", "log", "progress_of", "say"]
_EXIT_INTERRUPTED = 128 + signal.SIGINT
_PAGE_INTERVAL_S = 1.0
