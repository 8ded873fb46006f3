"""What worker processes write to standard error goes to the log, a line a warning."""

import logging
import subprocess
import threading
from typing import IO, cast
from weakref import WeakKeyDictionary


def listen(worker: subprocess.Popen[bytes]) -> None:
    """Log what a worker writes to its standard error from now on, and wait until it has ended."""
    listener = threading.Thread(target=_log_lines, args=(worker,), daemon=True)
    _listeners[worker] = listener
    listener.start()


def wait_for_last_line(worker: subprocess.Popen[bytes]) -> None:
    """Wait until all that a worker wrote before it ended is in the log."""
    if listener := _listeners.get(worker):
        # A process that the worker has started may still have its standard error.
        listener.join(_LAST_LINE_S)


def _log_lines(worker: subprocess.Popen[bytes]) -> None:
    with cast("IO[bytes]", worker.stderr) as stderr:
        for line in stderr:
            if text := line.decode(errors="replace").rstrip():
                _log.warning("%s", text)
    worker.wait()  # else one that ended while it had no job would stay in the list of processes


_log = logging.getLogger(__name__)
_listeners: WeakKeyDictionary[subprocess.Popen[bytes], threading.Thread] = WeakKeyDictionary()
_LAST_LINE_S = 2.0
