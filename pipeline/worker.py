"""The child process that runs gevent: `python -m pipeline.worker PARENT IDLE_S`. It reads jobs, a line each.

A line is a time of the monotonic clock, or `inf`, at which the process ends if the job is not done; a space;
the job as JSON. Each line that it writes is an object with one key: `progress` ([done, total, what]), and,
once per job, `result` or `error` ([its type in pipeline.errors, its message], for too many bad rows also
those). Standard error goes to the parent's log. The process ends when its parent ends, and when it has waited
for another job for `IDLE_S` seconds.
"""

import importlib.metadata

from gevent import monkey

# gevent looks for plugins of itself 25 times, and reads each time what all installed packages declare.
_entry_points, importlib.metadata.entry_points = importlib.metadata.entry_points, lambda **_: ()  # type: ignore[assignment]
monkey.patch_all()
importlib.metadata.entry_points = _entry_points

import gc  # noqa: E402 - nothing else comes before the patch
import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import TextIO  # noqa: E402

import gevent  # noqa: E402

import pipeline.checks.jobs  # noqa: E402
import pipeline.cluster.jobs  # noqa: E402
import pipeline.datasets.jobs  # noqa: E402
import pipeline.load.dryrun.jobs  # noqa: E402
import pipeline.load.jobs  # noqa: E402
import pipeline.measure.jobs  # noqa: E402
import pipeline.rowfiles.jobs  # noqa: E402
import pipeline.runs.ledger.jobs  # noqa: E402
import pipeline.suggest.jobs  # noqa: E402
import pipeline.verify.jobs  # noqa: E402, F401 - only imported classes of jobs can be read
from pipeline.errors import BadRowsError, PipelineError  # noqa: E402
from pipeline.workers.codec import job_from_json, to_json_values  # noqa: E402
from pipeline.workers.parent import end_with_parent  # noqa: E402


def main() -> None:
    """Carry out the jobs on standard input, one per line, until it ends."""
    parent, idle_s = sys.argv[1:]
    _set_signal_handlers(int(parent))
    os.environ["CQLENG_ALLOW_SCHEMA_MANAGEMENT"] = "1"  # else cqlengine warns; a job says what it may create
    lines = _take_standard_output()

    def write_line(kind: str, value: object) -> None:
        print(json.dumps({kind: value}), file=lines, flush=True)

    for line in sys.stdin:
        signal.signal(signal.SIGTERM, _exit_cleanly)
        deadline_s, _, text = line.partition(" ")
        _end_in(float(deadline_s) - time.monotonic())
        last: tuple[str, object]
        try:
            job = job_from_json(text)
            run = job.handler()
            gc.freeze()  # collections while rows are written skip the imported objects
            result = run(lambda done, total, what: write_line("progress", [done, total, what]))
            last = ("result", to_json_values(result))
        except BadRowsError as error:
            last = ("error", [type(error).__name__, str(error), error.bad])
        except PipelineError as error:
            last = ("error", [type(error).__name__, str(error)])
        finally:
            # Every `finally` of the job has run: from here on, SIGTERM may end the process at once, without a
            # traceback.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _end_in(float(idle_s))
        write_line(*last)


def _set_signal_handlers(parent: int) -> None:
    """Receive SIGTERM when the parent ends, for whatever reason; ignore SIGINT, which the parent handles."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _exit_cleanly)
    end_with_parent()
    if os.getppid() != parent:
        sys.exit(_EXIT_TERMINATED)


def _end_in(left_s: float) -> None:
    """End this process after so many seconds, or not at all, in place of the time that was set before.

    SIGALRM has its default action. So it also ends a process that was stopped at that time, before it
    continues with anything else.
    """
    signal.setitimer(signal.ITIMER_REAL, 0 if left_s == math.inf else max(_AT_ONCE_S, left_s))


def _exit_cleanly(*_: object) -> None:
    """Exit through every `finally`, which removes scratch tables and temporary files, within a time limit."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    left_s = signal.getitimer(signal.ITIMER_REAL)[0]
    signal.setitimer(signal.ITIMER_REAL, min(left_s or _CLEANUP_MAX_S, _CLEANUP_MAX_S))
    if gevent.getcurrent() is gevent.get_hub().parent:
        sys.exit(_EXIT_TERMINATED)
    # SystemExit here would first end the current greenlet, such as the one that reads the driver's responses.
    gevent.spawn(sys.exit, _EXIT_TERMINATED)


def _take_standard_output() -> TextIO:
    """Return standard output for the protocol only; all other prints go to standard error."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return lines


_EXIT_TERMINATED = 128 + signal.SIGTERM
_CLEANUP_MAX_S = 15
_AT_ONCE_S = 0.001

if __name__ == "__main__":
    main()
