"""What a worker of Dask or Spark does: a child process of it carries out one job after another.

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
from typing import Any

from pipeline.errors import SettingError, WorkerError
from pipeline.workers.client import Messages, output_of, worker_with

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

    The answer is an object: `worker` names this one, and one of `result`, `error` and `lost` is there, with
    the first two `progress`, the last that the job told. `lost` says why the job has no result: its process
    has ended for certain. If `is_wanted` is no longer true, the job is ended.
    """
    name = worker or f"{socket.gethostname()}, process {os.getpid()}"
    if own_version() != driver_version:
        message = f"it has {PACKAGE} {own_version()}, and here it is {driver_version}; install the same there"
        return json.dumps({"worker": name, "progress": None, "error": [SettingError.__name__, message]})
    try:
        with worker_with(job, deadline_s=deadline_s, idle_s=_IDLE_S) as child:
            answer = _answer_of(child, time.monotonic() + deadline_s, is_wanted)
    except WorkerError as error:
        answer = {"lost": str(error)}
    return json.dumps({"worker": name, **answer})


def _answer_of(
    child: subprocess.Popen[bytes], ends_s: float, is_wanted: Callable[[], bool]
) -> dict[str, Any]:
    progress: list[Any] | None = None
    messages = Messages(child)
    with selectors.DefaultSelector() as selector:
        selector.register(output_of(child), selectors.EVENT_READ)
        while is_wanted():
            if time.monotonic() > ends_s:
                child.kill()
                raise WorkerError("it was not done within its deadline")
            if not selector.select(_TICK_S):
                continue
            for kind, value in messages.read():
                if kind != "progress":
                    return {"progress": progress, kind: value}
                progress = value
    raise WorkerError("it was cancelled")


_TICK_S = 0.5
_IDLE_S = 10.0
"""How long a child waits for another job before it ends: the machine is not only ours."""
