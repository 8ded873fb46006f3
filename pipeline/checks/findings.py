"""What was looked at, and what was found."""

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pipeline.errors import PipelineError


class Status(enum.StrEnum):
    """How a look turned out."""

    OK = "ok"
    """A load can rely on it."""
    WARNING = "warning"
    """A load may work, or it cannot be known; a person should look at it."""
    FAILURE = "failure"
    """A load would fail, or write what nobody wants."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One look: how it turned out, what was looked at, what was found, and what to do about it."""

    status: Status
    subject: str
    found: str
    advice: str = ""


def ok(subject: str, found: str) -> Finding:
    """Return the finding that something is as a load needs it."""
    return Finding(status=Status.OK, subject=subject, found=found)


def warning(subject: str, found: str, advice: str = "") -> Finding:
    """Return the finding that a person should look at something."""
    return Finding(status=Status.WARNING, subject=subject, found=found, advice=advice)


def failure(subject: str, found: str, advice: str = "") -> Finding:
    """Return the finding that a load would fail."""
    return Finding(status=Status.FAILURE, subject=subject, found=found, advice=advice)


def looked_at(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what a look finds; an error of ours becomes a failure, so that other looks follow."""
    try:
        yield from look()
    except PipelineError as error:
        yield failure(subject, str(error))
