"""Lines for machines and for files: each with its time, its level, and what it is about."""

import datetime as dt
import io
import json
import logging
from typing import TextIO

from tasks.seen.subjects import Subject, subject_now

OURS = logging.getLogger("luigi-interface.tasks")
"""The logger of our lines: it follows the level and the handlers of Luigi's."""


class TextLines(logging.Formatter):
    """One line a message: time, level, table, date, run id, task; a message of several lines keeps them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        about = subject_in(record)
        words = (
            time_of(record),
            record.levelname,
            about.table or _NONE,
            about.date or _NONE,
            about.run_id,
            f"{about.task or _NONE}: {message_of(record)}",
        )
        return "\n".join(filter(None, (" ".join(words), traceback_of(record))))


class JsonLines(logging.Formatter):
    """One JSON object a message, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        traceback = traceback_of(record)
        said = {
            "time": time_of(record),
            "level": record.levelname,
            **subject_in(record).fields(),
            "logger": record.name,
            "message": message_of(record).strip("\n"),
            **getattr(record, "facts", {}),
            **({"traceback": traceback} if traceback else {}),
        }
        return json.dumps(said, ensure_ascii=False)


class JsonOutput(io.TextIOBase):
    """A standard output on which each print is a line of JSON: tables, findings, what libraries print."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._unfinished = ""

    def write(self, text: str) -> int:
        """Write what is complete; a print that has several lines is one message."""
        self._unfinished += text
        if self._unfinished.endswith("\n"):
            said, self._unfinished = self._unfinished.strip("\n"), ""
            if said:
                self._output.write(json_line(said, logging.INFO, "stdout") + "\n")
        return len(text)

    def flush(self) -> None:
        """Pass on what is written."""
        self._output.flush()


def json_line(message: str, level: int, logger: str, error: BaseException | None = None) -> str:
    """Return a line of JSON for a message that no logger has."""
    record = logging.LogRecord(logger, level, "", 0, message, (), None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return JsonLines().format(record)


def subject_in(record: logging.LogRecord) -> Subject:
    """Return what a record is about: what it says itself, or what is going on now."""
    found: Subject | None = getattr(record, "subject", None)
    return found or subject_now()


def message_of(record: logging.LogRecord) -> str:
    """Return the message of a record, without the task in front."""
    return getattr(record, "said", None) or record.getMessage()


def time_of(record: logging.LogRecord) -> str:
    """Return the time of a record, with the machine's offset from UTC."""
    return dt.datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


def traceback_of(record: logging.LogRecord) -> str:
    """Return the traceback of a record's exception; empty if it has none."""
    if record.exc_info and record.exc_info[0] is not None:
        return logging.Formatter().formatException(record.exc_info)
    return ""


_NONE = "-"
