"""What a load needs of an engine, and what an engine must know of jobs that it may give to another worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pipeline.workers.jobs import Job, Progress

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Again:
    """A job to give to another worker; `waits`: not before the first one's deadline has passed once more."""

    job: Job[Any]
    waits: bool = False


class Retry(Protocol):
    """What to do before a job is given to another worker."""

    def __call__(self, job: Any, *, is_ended: bool) -> Again:  # noqa: ANN401 - a job of any kind
        """Return the job for the other worker. `is_ended`: the first worker has ended for certain."""


def same_job(job: Any, *, is_ended: bool) -> Again:  # noqa: ANN401 - a job of any kind
    """Give a job to another worker as it is: it changes nothing that another attempt could."""
    del is_ended
    return Again(job=job)


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """How many seconds a worker may take for a job, and what to do before another one gets it.

    A worker that has a job for longer than the deadline is ended for certain, also if it was stopped
    meanwhile. The next worker has twice as long: all of them may be slow.
    """

    deadline_s: float
    again: Retry


class Engine(Protocol):
    """Carries out jobs.

    `worker_count` is how many it carries out at a time. `is_elsewhere`: its workers may be on other machines,
    so that paths must be absolute, and this machine's disk is not theirs.
    """

    name: str
    worker_count: int
    is_elsewhere: bool

    def carry_out(self, jobs: Sequence[Job[R]], attempts: Attempts, progress: Progress | None) -> list[R]:
        """Carry out jobs, the first ones first, and return their results in order.

        `progress` gets the sum of what the jobs have done. If one fails, or this process is interrupted, all
        are ended.

        Raises:
            PipelineError: the first one that a job raised.
            WorkerError: a job had no result, by as many workers as may try.
        """
