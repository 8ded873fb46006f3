"""Messages of a worker process reach the caller, however the pipe divides them."""

import subprocess
import sys

import pytest

from pipeline.errors import WorkerError
from pipeline.workers.client import Messages

SCRIPT = """
import sys
sys.stdout.write('{"progress": [1, 2, "rows"]}\\n{"progress": [2, 2, "rows"]}\\n{"result": "')
sys.stdout.flush()
sys.stdout.write("x" * (3 << 20) + '"}\\n')
"""


def test_every_message_arrives_whole() -> None:
    """Several lines at once, and one of 3 MiB in pieces, are one message each; an early end is an error."""
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as worker:
        messages = Messages(worker)
        received: list[tuple[str, object]] = []
        while len(received) < 3:
            received += messages.read()
        assert received[:2] == [("progress", [1, 2, "rows"]), ("progress", [2, 2, "rows"])]
        assert received[2] == ("result", "x" * (3 << 20))
        with pytest.raises(WorkerError, match="before it had a result"):
            messages.read()
