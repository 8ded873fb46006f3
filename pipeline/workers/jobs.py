"""A job for a worker process: a value that says what to do, and the type of its result.

Each folder declares its jobs in its module `jobs`, which is quick to import: `handler` imports the code that
carries out a job, so a process can send a job without that code. `pipeline.worker` imports all of these
modules.
"""

import abc
from collections.abc import Callable
from typing import Any, Generic, TypeVar, get_args

R = TypeVar("R")
Progress = Callable[[int, int, str], None]
"""Called with how much is done, how much there is, and what is counted."""
Handler = Callable[[Progress], R]
"""Carries out a job and returns its result."""


class Job(abc.ABC, Generic[R]):
    """What a worker has to do. A job and its result are frozen dataclasses that JSON can represent."""

    @abc.abstractmethod
    def handler(self) -> Handler[R]:
        """Import and return the function that carries out this job.

        Raises (when it is called):
            PipelineError: the job failed; each kind says why.
        """


def result_type(job: type[Job[Any]]) -> type:
    """Return the type of a job's result: the type argument of its base class."""
    [base] = job.__orig_bases__  # type: ignore[attr-defined]  # PEP 560 keeps the generic base there
    [found] = get_args(base)
    kind: type = found
    return kind
