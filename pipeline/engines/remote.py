"""Jobs by workers of another system: who gets which, what is done when a worker is lost, and the results.

A result is the answer of one attempt, known by the attempt's key. So none counts twice, whatever the other
system repeats.
"""

import abc
import json
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from pipeline.engines.protocol import Attempts, Engine
from pipeline.errors import RequestError, SettingError, UnreachableError, WorkerError, abbreviated
from pipeline.workers.client import as_error
from pipeline.workers.codec import job_to_json, result_from_json_values
from pipeline.workers.jobs import Job, Progress

R = TypeVar("R")
Answer = str | BaseException
"""What `pipeline.engines.executing.carry_out` returned, or why the other system has no answer."""


class Workers(abc.ABC):
    """The workers of another system. `name` names them in messages."""

    name: str

    @abc.abstractmethod
    def slots(self) -> Mapping[str, int]:
        """Return how many jobs each worker, or all of them together, can carry out at a time now."""

    @abc.abstractmethod
    def start(
        self, key: str, job: str, deadline_s: float, place: str, done: Callable[[Answer], None]
    ) -> None:
        """Have a job carried out in one of the slots of `place`; call `done` once, from any thread."""

    @abc.abstractmethod
    def cancel(self, keys: Iterable[str]) -> None:
        """End jobs, as far as their workers can be reached."""


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """A job that is to be carried out. `tries` counts the workers that had it."""

    number: int
    job: Job[Any]
    deadline_s: float
    tries: int = 0
    due_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Running:
    attempt: _Attempt
    place: str
    overdue_s: float


class RemoteEngine(Engine):
    """An engine whose workers may be on other machines."""

    is_elsewhere = True

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.name = workers.name
        self.worker_count = sum(workers.slots().values())
        if not self.worker_count:
            raise WorkerError(f"{self.name} has no workers; start some, then run the task again")

    def carry_out(self, jobs: Sequence[Job[R]], attempts: Attempts, progress: Progress | None) -> list[R]:
        """Carry out jobs, and return their results in order; each by one worker after another, if need be."""
        round_ = _Round[R](self._workers, jobs, attempts, progress, self.worker_count)
        try:
            return round_.results()
        finally:
            self._workers.cancel(round_.running)


@dataclass
class _Round(Generic[R]):
    """Some jobs that are carried out together. `running` and `lost` are by the key of the attempt.

    At most `at_once` jobs run at a time, also if workers have joined: a load divides its caps among those
    that it has counted. An attempt is lost if it is overdue: its worker may be stopped, or cut off, and its
    slot is not used again before it answers. A worker that does not reach the cluster gets no more jobs.
    """

    workers: Workers
    jobs: Sequence[Job[R]]
    attempts: Attempts
    progress: Progress | None
    at_once: int
    running: dict[str, _Running] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiting = deque(
            _Attempt(number=number, job=job, deadline_s=self.attempts.deadline_s)
            for number, job in enumerate(self.jobs)
        )
        self._answers = SimpleQueue[tuple[str, Answer]]()
        self._results: dict[int, R] = {}
        self._done = 0
        self._idle_since_s = time.monotonic()
        self._cut_off: set[str] = set()

    def results(self) -> list[R]:
        """Return the result of each job."""
        while len(self._results) < len(self.jobs):
            self._start_due()
            try:
                key, answer = self._answers.get(timeout=_TICK_S)
            except Empty:
                self._give_up_overdue()
            else:
                self._take(key, answer)
        return [self._results[number] for number in range(len(self.jobs))]

    def _start_due(self) -> None:
        """Start the first jobs that are due, as many as there are free slots."""
        slots = self.workers.slots()
        self._give_up_those_at_gone(slots)
        busy = Counter(each.place for each in self.running.values()) + Counter(self.lost.values())
        usable = [place for place in slots if place not in self._cut_off]
        free = deque(place for place in usable for _ in range(slots[place] - busy[place]))
        now_s = time.monotonic()
        room = min(len(free), self.at_once - len(self.running))
        for attempt in [each for each in self._waiting if each.due_s <= now_s][:room]:
            self._waiting.remove(attempt)
            self._start(attempt, free.popleft())
        if self.running or any(attempt.due_s > now_s for attempt in self._waiting):
            self._idle_since_s = now_s
        elif now_s - self._idle_since_s > self.attempts.deadline_s:
            raise WorkerError(
                f"no worker of {self.workers.name} is free: {len(self.lost)} did not answer within "
                f"{self.attempts.deadline_s:.0f} s, {len(self._cut_off)} did not reach the cluster; look "
                "after them, then run the task again: it goes on"
            )

    def _start(self, attempt: _Attempt, place: str) -> None:
        key = f"job-{attempt.number}-{uuid.uuid4().hex}"
        overdue_s = time.monotonic() + attempt.deadline_s + _MARGIN_S
        self.running[key] = _Running(attempt=attempt, place=place, overdue_s=overdue_s)
        self.workers.start(
            key,
            job_to_json(attempt.job),
            attempt.deadline_s,
            place,
            lambda answer: self._answers.put((key, answer)),
        )

    def _give_up_overdue(self) -> None:
        now_s = time.monotonic()
        for key in [key for key, each in self.running.items() if each.overdue_s < now_s]:
            running = self.running.pop(key)
            self.lost[key] = running.place
            self._try_again(running.attempt, "did not answer within the deadline", is_ended=False)

    def _give_up_those_at_gone(self, slots: Mapping[str, int]) -> None:
        for key in [key for key, each in self.running.items() if each.place not in slots]:
            running = self.running.pop(key)
            self.workers.cancel([key])
            self._try_again(running.attempt, f"worker {running.place} is gone", is_ended=False)

    def _take(self, key: str, answer: Answer) -> None:
        """Take an answer. That of an attempt that was lost says only that its worker is there again."""
        self.lost.pop(key, None)
        running = self.running.pop(key, None)
        if running is None:
            return
        if isinstance(answer, BaseException):
            self._require_package(answer)
            self._try_again(running.attempt, _reason_of(answer), is_ended=False)
            return
        said = json.loads(answer)
        if "error" in said:
            kind, message, *more = said["error"]
            error = as_error(kind, f"worker {said['worker']}: {message}", *more)
            if not isinstance(error, UnreachableError | RequestError):
                raise error
            self._cut_off.add(running.place)
            if not self._has_others():
                raise error
            self._try_again(running.attempt, str(error), is_ended=True)
            return
        if "lost" in said:
            self._try_again(running.attempt, f"worker {said['worker']}: {said['lost']}", is_ended=True)
            return
        number = running.attempt.number
        self._results[number] = result_from_json_values(self.jobs[number], said["result"])
        if self.progress and said["progress"]:
            done, *of = said["progress"]
            self._done += done
            self.progress(self._done, *of)

    def _has_others(self) -> bool:
        """Return whether another worker may reach a cluster that one did not within its retry budget.

        If a second worker does not either, it is the cluster.
        """
        return len(self._cut_off) == 1 and bool(self.workers.slots().keys() - self._cut_off)

    def _try_again(self, attempt: _Attempt, reason: str, *, is_ended: bool) -> None:
        if attempt.tries + 1 >= _MOST_TRIES:
            raise WorkerError(
                f"{_MOST_TRIES} workers of {self.workers.name} had job {attempt.number} without a result, "
                f"the last: {reason}; look into the worker's log, then run the task again: it goes on behind "
                "what is done"
            )
        again = self.attempts.again(attempt.job, is_ended=is_ended)
        self._waiting.appendleft(
            _Attempt(
                number=attempt.number,
                job=again.job,
                tries=attempt.tries + 1,
                deadline_s=2 * attempt.deadline_s,
                due_s=time.monotonic() + (attempt.deadline_s if again.waits else 0),
            )
        )

    def _require_package(self, error: BaseException) -> None:
        if "No module named 'pipeline" in str(error):
            raise SettingError(
                f"a worker of {self.workers.name} does not have this package: {error}; install the same "
                "version of it there as here"
            ) from error


def _reason_of(error: BaseException) -> str:
    """Return what an error of the other system says, without the frames of a Java exception."""
    lines = [line for line in str(error).splitlines() if not line.lstrip().startswith(("at ", "..."))]
    return abbreviated(f"{type(error).__name__}: {' '.join(lines)}", _REASON_CHARACTERS)


_TICK_S = 2.0
_MARGIN_S = 20.0
"""How long an attempt may wait for its worker, and its answer be on the way."""

_MOST_TRIES = 4
_REASON_CHARACTERS = 600
