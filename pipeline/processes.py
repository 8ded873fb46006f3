"""Worker processes: start them, relay their progress, merge their results, and never leave one behind."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import IO, cast

from pipeline import errors
from pipeline.errors import PipelineError, WorkerError
from pipeline.jobs import Job, Progress, Result
from pipeline.wire import job_to_json


def run_job(job: Job, progress: Progress | None = None) -> Result:
    """Carry out one job in a worker process of its own and return its result.

    Raises:
        PipelineError: the one that the step raised.
        WorkerError: the process ended without a result.
    """
    return run_jobs([job], progress)[0]


def run_jobs(jobs: Sequence[Job], progress: Progress | None = None) -> list[Result]:
    """Carry out jobs side by side, one process each, and return their results in order.

    Progress is told as their sum. When one fails, or this process is interrupted, the others are ended.

    Raises:
        PipelineError: the first that a step raised.
        WorkerError: a process ended without a result.
    """
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        workers = [stack.enter_context(_worker(job)) for job in jobs]
        for at, (_, lines) in enumerate(workers):
            selector.register(lines, selectors.EVENT_READ, at)
        done = dict.fromkeys(range(len(jobs)), 0)
        results: dict[int, Result] = {}
        while selector.get_map():
            for key, _ in selector.select():
                at = key.data
                process, lines = workers[at]
                line = lines.readline()
                if not line:
                    selector.unregister(lines)
                    if at not in results:
                        raise _ended_early(process)
                    continue
                [(kind, said)] = json.loads(line).items()
                if kind == "error":
                    raise _as_error(*said)
                if kind == "result":
                    results[at] = said
                elif progress:
                    done[at] = said[0]
                    progress(sum(done.values()), *said[1:])
        return [results[at] for at in range(len(jobs))]


@contextlib.contextmanager
def _worker(job: Job) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    command = [sys.executable, "-m", "pipeline.worker", str(os.getpid())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    with cast("IO[bytes]", process.stdout) as lines:
        try:
            with contextlib.suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as pipe:
                pipe.write(job_to_json(job).encode())
            yield process, lines
        except BaseException:
            process.terminate()
            raise
        finally:
            try:
                process.wait(_LAST_WORDS_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _ended_early(worker: subprocess.Popen[bytes]) -> WorkerError:
    code = worker.wait()
    how = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
    return WorkerError(f"worker process {worker.pid} {how} before it had a result; its output above says why")


def _as_error(kind: str, message: str) -> PipelineError:
    error: PipelineError = getattr(errors, kind)(message)
    return error


_LAST_WORDS_S = 20
