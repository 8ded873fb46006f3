"""What Luigi says of the tasks that load and verify becomes a line in the ledger, metrics and news."""

from typing import Any

import luigi
from luigi import Event

from pipeline.errors import PipelineError
from pipeline.runs.summary import FAILED, MISSING, RunSummary
from pipeline.runs.wording import told_of
from tasks.inputs import RowFiles
from tasks.load import LoadTask
from tasks.notes import begin_notes, notes_of
from tasks.runs import record, summary_of, tell
from tasks.settings import output_folder
from tasks.verify import Verify


def install() -> None:
    """Have Luigi call the functions below."""
    for task in (LoadTask, Verify):
        task.event_handler(Event.START)(note_begin)
        task.event_handler(Event.SUCCESS)(tell_success)
        task.event_handler(Event.FAILURE)(tell_failure)
        task.event_handler(Event.DEPENDENCY_MISSING)(tell_unknown)
    RowFiles.event_handler(Event.DEPENDENCY_MISSING)(tell_missing)


def note_begin(task: luigi.Task) -> None:
    """Note when a run begins."""
    begin_notes(task)


def tell_success(task: luigi.Task) -> None:
    """Tell of a run that loaded or verified; a dry run, or one that found nothing to do, is not told."""
    if run := notes_of(task).told:
        tell(task, run)


def tell_failure(task: luigi.Task, error: BaseException) -> None:
    """Tell of a run that failed; one that was ended from outside is not told, it goes on with the next."""
    load = _load_of(task)
    if isinstance(error, Exception) and not load.dry_run:
        _tell(task, load, summary_of(task, load, FAILED, error=told_of(error)))


def tell_unknown(task: luigi.Task) -> None:
    """Tell of a load or verification of which Luigi could not find out whether it is done."""
    load, told = _load_of(task), "it could not be told whether it is done; the log of the run says why"
    begin_notes(task)
    try:
        # Luigi says that this failed, and keeps the reason to its log.
        task.complete()
    except PipelineError as error:
        told = told_of(error)
    _tell(task, load, summary_of(task, load, FAILED, error=told))


def tell_missing(files: RowFiles) -> None:
    """Tell of a load whose input is not there: once, however often somebody looks for it."""
    from pipeline.runs.lastruns import read_last_runs  # noqa: PLC0415 - only this needs it

    for load in files.awaited_by.values():
        if isinstance(load, LoadTask) and not load.dry_run:
            run = summary_of(load, load, MISSING, error=f"the input is not there: {load.source}")
            if not read_last_runs(output_folder(), run.keyspace, run.table).says(run):
                _tell(load, load, run)


def _tell(task: luigi.Task, load: LoadTask, run: RunSummary) -> None:
    record(load, run)
    tell(task, run)


def _load_of(task: Any) -> Any:  # noqa: ANN401 - Luigi's attributes have no types
    return task if isinstance(task, LoadTask) else task.clone(task.load)
