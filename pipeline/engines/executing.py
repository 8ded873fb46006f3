"""What a worker of Dask or Spark does: it starts a child process that carries out one job, and waits for it.

gevent stays in the child. The worker imports this module by name, so the package must be installed there.
"""

import json
import os
import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from pipeline.errors import SettingError, WorkerError
from pipeline.workers.client import Messages, end_worker, output_of, start_worker

PACKAGE = "luigi-cassandra-load"


def own_version() -> str:
    """Return the version of this package as it is installed here."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "unknown, not installed by pip"


def carry_out(
    job: str,
    deadline_s: float,
    driver_version: str,
    *,
    worker: str = "",
    is_wanted: Callable[[], bool] = lambda: True,
) -> str:
    """Carry out a job within a deadline, and return its answer; both are JSON.

    The answer is an object: `worker` names this one, `progress` is the last that the job told, and one of
    `result`, `error` and `lost` is there. `lost` says why the job has no result: its process has ended for
    certain. If `is_wanted` is no longer true, the job is ended.
    """
    name = worker or f"{socket.gethostname()}, process {os.getpid()}"
    if own_version() != driver_version:
        message = f"it has {PACKAGE} {own_version()}, and here it is {driver_version}; install the same there"
        return json.dumps({"worker": name, "progress": None, "error": [SettingError.__name__, message]})
    child = start_worker(deadline_s)
    try:
        with_progress = _answer_of(child, job, time.monotonic() + deadline_s, is_wanted)
    finally:
        end_worker(child)
    return json.dumps({"worker": name, **with_progress})


def _answer_of(
    child: subprocess.Popen[bytes], job: str, ends_s: float, is_wanted: Callable[[], bool]
) -> dict[str, Any]:
    progress: list[Any] | None = None
    stdin = cast("Any", child.stdin)
    messages = Messages(child)
    with selectors.DefaultSelector() as selector:
        selector.register(output_of(child), selectors.EVENT_READ)
        try:
            stdin.write(job.encode() + b"\n")
            while is_wanted():
                if time.monotonic() > ends_s:
                    child.kill()
                    child.wait()
                    return {"progress": progress, "lost": "it was not done within its deadline"}
                if not selector.select(_TICK_S):
                    continue
                for kind, value in messages.read():
                    if kind != "progress":
                        return {"progress": progress, kind: value}
                    progress = value
        except (WorkerError, BrokenPipeError) as error:
            child.wait()
            return {"progress": progress, "lost": str(error)}
    return {"progress": progress, "lost": "it was cancelled"}


_TICK_S = 0.5
