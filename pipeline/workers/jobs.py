"""A job for a worker process: a value that says what to do, with the type of its result.

Each folder declares its jobs in its module `jobs`, which is light: `handler` imports the code that carries a
job out, so that a process can ask for a job without it. `pipeline.worker` imports all of these modules.
"""

import abc
from collections.abc import Callable
from typing import Any, Generic, TypeVar, get_args

R = TypeVar("R")
Progress = Callable[[int, int, str], None]
"""Called with the amount done, the total, and the unit."""
Handler = Callable[[Progress], R]
"""Runs a job and returns its result."""


class Job(abc.ABC, Generic[R]):
    """A job for a worker. A job and its result are frozen dataclasses with values that JSON has."""

    @abc.abstractmethod
    def handler(self) -> Handler[R]:
        """Import and return the function that runs this job.

        Raises (when it is called):
            PipelineError: the job failed; each kind says why.
        """


def result_type(job: type[Job[Any]]) -> type:
    """Return the type of a job's result: the type argument of `Job` in its class statement."""
    [base] = job.__orig_bases__  # type: ignore[attr-defined]  # what PEP 560 keeps of a generic base
    [found] = get_args(base)
    kind: type = found
    return kind
