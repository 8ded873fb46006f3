"""A job for a worker process: a value that says what to do, and the type of what that gives back.

Each folder declares its jobs in its module `jobs`, which is light: `handler` imports the code that carries a
job out, so that a process can ask for a job without it. `pipeline.worker` imports all of these modules.
"""

import abc
from collections.abc import Callable
from typing import Any, Generic, TypeVar, get_args

R = TypeVar("R")
Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, and of what."""
Handler = Callable[[Progress], R]
"""Carries a job out and returns its result."""


class Job(abc.ABC, Generic[R]):
    """What a worker is to do. A job and its result are frozen dataclasses that JSON can carry."""

    @abc.abstractmethod
    def handler(self) -> Handler[R]:
        """Import what carries this job out, and return it.

        Raises (when it is called):
            PipelineError: the job failed; each kind says why.
        """


def result_type(job: type[Job[Any]]) -> type:
    """Return the type of what a job gives back: the argument of the base that its class names."""
    [base] = job.__orig_bases__  # type: ignore[attr-defined]  # what PEP 560 keeps of a generic base
    [found] = get_args(base)
    kind: type = found
    return kind
