"""What a worker process says reaches who asked it, however the pipe cuts it."""

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
    """Several lines at once, and one of 3 MiB in pieces, are each one message; an early end is told."""
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as worker:
        messages = Messages(worker)
        said: list[tuple[str, object]] = []
        while len(said) < 3:
            said += messages.read()
        assert said[:2] == [("progress", [1, 2, "rows"]), ("progress", [2, 2, "rows"])]
        assert said[2] == ("result", "x" * (3 << 20))
        with pytest.raises(WorkerError, match="before it had a result"):
            messages.read()
