"""Output for the terminal: a progress bar, the report's table, and errors without tracebacks."""

import logging
import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import luigi
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pipeline import embedded
from pipeline.checks.findings import Finding, Status
from pipeline.checks.jobs import Row
from pipeline.errors import PipelineError, abbreviated
from pipeline.measure.article import report
from pipeline.measure.experiment.comparison import Difference
from pipeline.suggest.jobs import Suggestion
from pipeline.workers.jobs import Progress as ProgressOf
from pipeline.workers.parent import end_with_parent


def install() -> None:
    """Make Luigi log each of our errors as one message and Ctrl-C as one line, and end its forks with it."""
    logging.getLogger("luigi-interface").addFilter(_without_our_tracebacks)
    sys.excepthook = _excepthook
    os.register_at_fork(after_in_child=end_with_parent)


def progress_of(task: luigi.Task) -> ProgressOf:
    """Return a callback that shows a worker's progress on Luigi's page and as a bar on the terminal."""
    bar = _bar()
    row = None if bar is None else bar.add_task(task.task_family, total=None)
    told_s = 0.0

    def tell(done: int, total: int, what: str) -> None:
        nonlocal told_s
        if bar is not None and row is not None:
            bar.start()
            bar.update(row, completed=done, total=total, description=what)
            if done >= total:
                bar.stop()
        if done >= total or time.monotonic() - told_s >= _PAGE_INTERVAL_S:
            told_s = time.monotonic()
            task.set_progress_percentage(100 * done // max(total, 1))
            task.set_status_message(what)

    return tell


def say(task: luigi.Task, message: str) -> None:
    """Show a message on Luigi's page and as a line of its log; only while the task runs."""
    task.set_status_message(message)
    log(task, message)


def log(task: luigi.Task, message: str) -> None:
    """Show a message as a line of Luigi's log."""
    logging.getLogger("luigi-interface").info("%s: %s", task.task_family, message)


def show_report(folder: Path, spec: embedded.ClusterSpec | None) -> None:
    """Print a report's table and where its files and the server's log are."""
    console = Console()
    console.print(report.table_of(folder))
    places = {"CSV": folder / "timings.csv", "plot": folder / "timings.png", "run": folder / "run.json"}
    if spec is not None:
        places["server's log"] = embedded.status(spec.folder).nodes[0].log
    for what, place in places.items():
        console.print(f"{what}: {place}", soft_wrap=True, highlight=False, markup=False)


def show_finding(each: Finding) -> None:
    """Print a finding as a line; at a terminal in colours, what is too long for it below its beginning."""
    said = f"{each.found}; {each.advice}" if each.advice else each.found
    console = Console()
    if not console.is_terminal:
        print(f"{each.status:<8} {each.subject:<{_SUBJECT_CHARACTERS}} {said}", flush=True)  # noqa: T201 - its output
        return
    line = Table.grid(padding=(0, 1))
    line.add_column(min_width=8)
    line.add_column(min_width=_SUBJECT_CHARACTERS)
    line.add_row(Text(each.status, _COLOURS[each.status]), Text(each.subject), Text(said))
    console.print(line)


def show_first_rows(table: str, rows: Sequence[Row]) -> None:
    """Print rows as they would be loaded, a line a column."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _PLAIN_CHARACTERS)
    console.print(f"The first rows of {table} as they would be loaded:", markup=False, highlight=False)
    shown = Table("column")
    for number in range(1, len(rows) + 1):
        shown.add_column(f"row {number}", no_wrap=True, overflow="ellipsis")
    for values in zip(*rows, strict=True):
        shown.add_row(Text(values[0][0]), *(Text(abbreviated(value)) for _, value in values))
    console.print(shown)


def show_suggestion(found: Suggestion, command: str, file: Path) -> None:
    """Print a suggested table, what is doubtful of it, and the command that creates and loads it."""
    sentences = [*(f"reason: {each}" for each in found.reasons), *(f"doubt: {each}" for each in found.doubts)]
    Console().print(
        "\n".join(
            [
                found.statement,
                "",
                *sentences,
                "",
                f"The statement is in {file}; change it there.",
                "",
                command,
            ]
        ),
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def show_differences(differences: Sequence[Difference]) -> None:
    """Print the cells that two reports have in common, one a line."""
    table = Table(
        "cell", "base µs/row", "new µs/row", "ratio", "99 % interval", "g", "p, corrected", "verdict"
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for each in differences:
        table.add_row(
            str(each.cell),
            f"{each.base_us_a_row:.4g} (n = {each.base_n})",
            f"{each.new_us_a_row:.4g} (n = {each.new_n})",
            f"{each.ratio:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{each.hedges_g:.1f}",
            f"{each.adjusted_p:.2g}",
            each.verdict,
        )
    Console().print(table)


class TaskProcessContext:
    """Runs each task. In a fork of Luigi (`--workers 2`), Ctrl-C ends the fork without a traceback."""

    def __init__(self, process: object) -> None:
        del process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is KeyboardInterrupt and multiprocessing.parent_process() is not None:
            sys.exit(_EXIT_INTERRUPTED)


def _bar() -> Progress | None:
    if not sys.stderr.isatty() or multiprocessing.parent_process() is not None:
        return None
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _without_our_tracebacks(record: logging.LogRecord) -> bool:
    """Keep every record; if it has one of our errors, keep the message and drop the traceback."""
    if record.exc_info and isinstance(record.exc_info[1], PipelineError | luigi.parameter.ParameterException):
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]}", ()
        record.exc_info = record.exc_text = None
    elif "Traceback" in (text := record.getMessage()):
        record.msg, record.args = _OUR_TRACEBACK.sub(r"\1", text), ()
    return True


def _excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("interrupted: nothing is half-written; run the command again to go on\n")
    elif issubclass(kind, PipelineError | luigi.task_register.TaskClassException):
        sys.stderr.write(f"error: {error}\n")
    else:
        sys.__excepthook__(kind, error, traceback)


_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "bold red"}
_SUBJECT_CHARACTERS = 24
_PLAIN_CHARACTERS = 100
"""How wide what is no terminal is taken to be."""
_EXIT_INTERRUPTED = 128 + signal.SIGINT
_PAGE_INTERVAL_S = 1.0
_OUR_TRACEBACK = re.compile(r"Traceback .*\npipeline\.errors\.\w+: (.*)", re.DOTALL)
