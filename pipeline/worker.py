"""The worker process, in which gevent runs: `python -m pipeline.worker`, JSON lines in and out, a job a line.

Each line out is an object with one key: `progress` ([done, total, what]), and, once a job, `result` or
`error` ([its type in pipeline.errors, its message]). Standard error is the parent's. The process ends
when its parent ends.
"""

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402 - nothing comes before the patch
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from typing import TextIO  # noqa: E402

import gevent  # noqa: E402

import pipeline.cluster.jobs  # noqa: E402
import pipeline.datasets.jobs  # noqa: E402
import pipeline.load.jobs  # noqa: E402
import pipeline.measure.jobs  # noqa: E402
import pipeline.verify.jobs  # noqa: E402, F401 - a job is known by its class, once that is there
from pipeline.errors import PipelineError  # noqa: E402
from pipeline.workers.codec import job_from_json, to_json_values  # noqa: E402
from pipeline.workers.parent import end_with_parent  # noqa: E402


def main() -> None:
    """Run the jobs from standard input, one a line, until it ends."""
    parent = int(sys.argv[1])
    _end_with(parent)
    os.environ["CQLENG_ALLOW_SCHEMA_MANAGEMENT"] = "1"  # the job decides what may be created
    lines = _take_standard_output()

    def say(kind: str, what: object) -> None:
        print(json.dumps({kind: what}), file=lines, flush=True)

    for line in sys.stdin:
        signal.signal(signal.SIGTERM, _end)
        last: tuple[str, object]
        try:
            job = job_from_json(line)
            run = job.handler()
            gc.freeze()  # imported objects live for ever; the collector need not scan them during a load
            result = run(lambda done, total, what: say("progress", [done, total, what]))
            last = ("result", to_json_values(result))
        except PipelineError as error:
            last = ("error", [type(error).__name__, str(error)])
        finally:
            # Every `finally` of the job has run: from here on SIGTERM ends the process without a traceback.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        say(*last)


def _end_with(parent: int) -> None:
    """Get SIGTERM when the parent ends, however it ends. Ignore SIGINT: the parent forwards it as SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    end_with_parent()
    if os.getppid() != parent:
        sys.exit(_EXIT_TERMINATED)


def _end(*_: object) -> None:
    """Exit through every `finally`, which removes scratch tables and temporary files; within a time limit."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(_LAST_WORDS_S)
    if gevent.getcurrent() is gevent.get_hub().parent:
        sys.exit(_EXIT_TERMINATED)
    # Raised here, it could end another greenlet first, such as the one that reads the driver's responses.
    gevent.spawn(sys.exit, _EXIT_TERMINATED)


def _take_standard_output() -> TextIO:
    """Reserve standard output for the protocol; other output goes to standard error."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return lines


_EXIT_TERMINATED = 128 + signal.SIGTERM
_LAST_WORDS_S = 15

if __name__ == "__main__":
    main()
