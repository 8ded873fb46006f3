"""What Luigi says of tasks becomes lines at a terminal, and the failures of the end."""

import atexit
import logging
import multiprocessing
import os
import re
import time

import luigi
from luigi import Event

from pipeline.errors import PipelineError
from tasks.seen.failures import Failure, Failures, failed, missing, unknown
from tasks.seen.lines import OURS
from tasks.seen.logs import logs
from tasks.seen.subjects import subject_of


class Events:
    """Notes how tasks begin and end, and says at the end of the process what failed."""

    def __init__(self) -> None:
        self._failures = Failures()
        self._began_at_s: dict[str, float] = {}
        self._last_reason = ""
        self._process = os.getpid()

    def install(self) -> None:
        """Have Luigi and Python call the functions below."""
        for event, note in {
            Event.START: self.begin,
            Event.SUCCESS: self.succeed,
            Event.FAILURE: self.fail,
            Event.PROCESS_FAILURE: self.lose,
            Event.BROKEN_TASK: self.refuse,
            Event.DEPENDENCY_MISSING: self.miss,
            Event.DEPENDENCY_PRESENT: self.pass_over,
        }.items():
            luigi.Task.event_handler(event)(note)
        logging.getLogger("luigi-interface").addFilter(self.keep_message)
        atexit.register(self.say_end)

    def begin(self, task: luigi.Task) -> None:
        """Note when a task begins."""
        self._began_at_s[task.task_id] = time.time()
        if logs.screen:
            logs.screen.begin(task)

    def succeed(self, task: luigi.Task) -> None:
        """Show the line of a task that is done."""
        self._failures.forget(task)
        if logs.screen:
            logs.screen.end(task, is_done=True)

    def fail(self, task: luigi.Task, error: BaseException) -> None:
        """Note why a task failed, and show its line."""
        self._failures.add(task, failed(task, error, self._began_at_s.get(task.task_id, 0.0)))
        if logs.screen:
            logs.screen.end(task, is_done=False)

    def lose(self, task: luigi.Task, error: str) -> None:
        """Note that the process of a task has ended."""
        self.fail(task, RuntimeError(error))

    def refuse(self, task: luigi.Task, error: BaseException) -> None:
        """Note why a task cannot be scheduled."""
        self._failures.add(task, unknown(task, self._last_reason or str(error)))

    def miss(self, task: luigi.Task) -> None:
        """Note that an input is not there, or that it cannot be told whether a task is done."""
        if not isinstance(task, luigi.ExternalTask):
            self._failures.add(task, unknown(task, self._last_reason))
            return
        waiting = list(getattr(task, "awaited_by", {}).values()) or [task]
        for each in waiting:
            self._failures.add(each, missing(each, getattr(each, "source", task.task_id)))

    def pass_over(self, task: luigi.Task) -> None:
        """Show that a task is done already."""
        if logs.screen:
            logs.screen.show_done_before(task)

    def keep_message(self, record: logging.LogRecord) -> bool:
        """Keep every record; if it has one of our errors, keep the message and drop the traceback.

        The message is noted as well: of a task whose state is unknown, Luigi tells it to its log alone.
        """
        if record.exc_info and isinstance(
            record.exc_info[1], PipelineError | luigi.parameter.ParameterException
        ):
            record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]}", ()
            record.exc_info = record.exc_text = None
        elif "Traceback" in (text := record.getMessage()):
            record.msg, record.args = _OUR_TRACEBACK.sub(r"\1", text), ()
            found = _OUR_TRACEBACK.search(text)
            self._last_reason = found[1].strip() if found else text.strip().rpartition("\n")[2]
        return True

    def say_end(self) -> None:
        """Say what failed, below everything else; at a terminal also where the log is."""
        if os.getpid() != self._process or multiprocessing.parent_process() is not None:
            return
        failures = self._failures.left()
        screen, file = logs.screen, logs.file
        for failure in failures[:_MOST_SHOWN]:
            self._say(failure)
        if len(failures) > _MOST_SHOWN:
            OURS.error("%d more tasks failed: the lines above say why", len(failures) - _MOST_SHOWN)
        if screen and file and not failures and OURS.isEnabledFor(logging.INFO):
            screen.say(f"  log: {file}")

    def _say(self, failure: Failure) -> None:
        about = failure.subject
        said = f"{failure.ended}: {failure.why}" if logs.is_json else failure.text()
        OURS.error(
            "%s: %s",
            about.task,
            said,
            extra={"subject": about, "said": said, "facts": failure.facts(), "is_unseen": True},
        )
        if logs.screen:
            ended, _, rest = failure.text(str(logs.file or "")).partition("\n")
            logs.screen.say(" ".join(filter(None, (about.task, about.place, ended))), "bold red")
            logs.screen.say(rest)


def note_result(task: luigi.Task, result: str) -> None:
    """Note what the line of a task says once it has ended."""
    if logs.screen:
        logs.screen.note_result(task, result)


def log(task: luigi.Task, message: str, *, level: int = logging.INFO, is_unseen: bool = False) -> None:
    """Write a line about a task; one that is unseen is not for the terminal."""
    OURS.log(
        level,
        "%s: %s",
        task.task_family,
        message,
        extra={"subject": subject_of(task), "said": message, "is_unseen": is_unseen},
    )


_MOST_SHOWN = 5
_OUR_TRACEBACK = re.compile(r"Traceback .*\npipeline\.errors\.\w+: (.*)", re.DOTALL)
