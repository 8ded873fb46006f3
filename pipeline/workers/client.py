"""Worker processes: start them, pass on their progress, collect their results, and end all of them."""

import atexit
import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeVar, cast

from pipeline import errors
from pipeline.errors import PipelineError, WorkerError
from pipeline.workers.codec import job_to_json, result_from_json_values
from pipeline.workers.jobs import Job, Progress
from pipeline.workers.stderr import listen, wait_for_last_line

R = TypeVar("R")


def run_job(job: Job[R], progress: Progress | None = None) -> R:
    """Carry out one job in a worker process and return its result.

    Raises:
        PipelineError: the one that the job raised.
        WorkerError: the process ended without a result.
    """
    return run_jobs([job], progress)[0]


def run_jobs(
    jobs: Sequence[Job[R]], progress: Progress | None = None, *, at_once: int | None = None
) -> list[R]:
    """Carry out jobs in parallel, one process each, and return their results in order.

    At most `at_once` run at a time, in order; without it, all do. `progress` gets the sum of what the jobs
    have done. If one fails, or this process is interrupted, all are ended.

    Raises:
        PipelineError: the first one that a job raised.
        WorkerError: a process ended without a result.
    """
    waiting = deque(range(len(jobs)))
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:

        def begin() -> None:
            at = waiting.popleft()
            own = contextlib.ExitStack()
            stack.push(own)
            worker = own.enter_context(worker_with(job_to_json(jobs[at])))
            selector.register(output_of(worker), selectors.EVENT_READ, (at, Messages(worker), own))

        for _ in range(min(len(jobs), at_once or len(jobs))):
            begin()
        done = dict.fromkeys(range(len(jobs)), 0)
        results: dict[int, R] = {}
        while len(results) < len(jobs):
            for key, _ in selector.select():
                at, messages, own = key.data
                for kind, value in messages.read():
                    if kind == "error":
                        raise as_error(*value)
                    if kind == "result":
                        results[at] = result_from_json_values(jobs[at], value)
                        selector.unregister(key.fileobj)
                        own.close()
                        if waiting:
                            begin()
                    elif progress:
                        done[at] = value[0]
                        progress(sum(done.values()), *value[1:])
        return [results[at] for at in range(len(jobs))]


class Messages:
    """The messages of a worker, one per line. A read may return part of a line, or several lines."""

    def __init__(self, worker: subprocess.Popen[bytes]) -> None:
        self._worker = worker
        self._unread = b""

    def read(self) -> list[tuple[str, Any]]:
        """Wait for more, and return the messages that are complete now: the kind and the value of each.

        Raises:
            WorkerError: the worker has ended.
        """
        more = os.read(output_of(self._worker).fileno(), _READ_BYTES)
        if not more:
            raise _ended_early(self._worker)
        *lines, self._unread = (self._unread + more).split(b"\n")
        return [message for line in lines for message in json.loads(line).items()]


@contextlib.contextmanager
def worker_with(
    job: str, *, deadline_s: float = math.inf, idle_s: float = math.inf
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a worker that has received the job; after the block it waits for the next job.

    It ends with this process, when the job takes longer than `deadline_s`, and when no other job comes for
    `idle_s` (of the first one). If the block raises, it has ended for certain when this returns.
    """
    worker = _waiting_worker() or _start_worker(idle_s)
    try:
        line = f"{time.monotonic() + deadline_s} {job}\n"
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", worker.stdin).write(line.encode())
        yield worker
    except BaseException:
        _end_worker(worker)
        raise
    _waiting.append((os.getpid(), worker))


def _waiting_worker() -> subprocess.Popen[bytes] | None:
    """Return a worker of an earlier job if one still runs, because starting one takes half a second."""
    while True:
        try:
            owner, worker = _waiting.pop()
        except IndexError:  # also if another thread took the last one
            return None
        # After a fork, the workers of the parent process are not ours.
        if owner != os.getpid():
            continue
        if not _has_ended(worker):
            return worker
        _reap(worker)


def _has_ended(worker: subprocess.Popen[bytes]) -> bool:
    """Return whether a worker that waits for a job has ended: nothing but the end is left in its output.

    `poll` does not know it while another thread waits for the process.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(output_of(worker), selectors.EVENT_READ)
        return bool(selector.select(0))


def _start_worker(idle_s: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline.worker", str(os.getpid()), str(idle_s)]
    # Ctrl-C reaches the whole process group. A worker that does not ignore it yet would print a traceback.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    listen(worker)
    return worker


def output_of(worker: subprocess.Popen[bytes]) -> IO[bytes]:
    """Return where a worker's messages arrive."""
    return cast("IO[bytes]", worker.stdout)


def _end_worker(worker: subprocess.Popen[bytes]) -> None:
    """End a worker, whatever it does: through its `finally` blocks if it can, else at once."""
    worker.terminate()
    _reap(worker)


def _reap(worker: subprocess.Popen[bytes]) -> None:
    for pipe in (worker.stdin, worker.stdout):
        cast("IO[bytes]", pipe).close()
    try:
        worker.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    wait_for_last_line(worker)


def end_waiting() -> None:
    """End the workers that wait for a job."""
    while worker := _waiting_worker():
        _reap(worker)


def _ended_early(worker: subprocess.Popen[bytes]) -> WorkerError:
    code = worker.wait()
    wait_for_last_line(worker)
    how = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
    return WorkerError(f"worker process {worker.pid} {how} before it had a result; its output above says why")


def as_error(kind: str, message: str, *bad: Sequence[object]) -> PipelineError:
    """Return the error that a worker reports by the name of its class, its message and, perhaps, bad rows."""
    error: PipelineError = getattr(errors, kind)(message, *bad)
    return error


_GRACE_S = 20
_READ_BYTES = 1 << 20
_waiting: list[tuple[int, subprocess.Popen[bytes]]] = []
atexit.register(end_waiting)
