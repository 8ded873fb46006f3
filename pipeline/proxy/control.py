"""The proxy as seen by its user: start it, change its settings, end it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from pipeline.errors import SettingError, WorkerError

Address = tuple[str, int]
"""A host's address and a port."""


class Proxy:
    """A running proxy: where it listens, in the order of the servers behind it, and its settings."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        answer = self._read_answer()
        self.addresses: list[Address] = [(host, port) for host, port in answer["listening"]]

    @property
    def port(self) -> int:
        """The port of the first address."""
        return self.addresses[0][1]

    def set(
        self,
        *,
        fault: str | None = None,
        round_trip_s: float | None = None,
        jitter_s: float | None = None,
        below: int | None = None,
    ) -> None:
        """Change the given settings; they apply when this returns. Data in transit keeps its delay.

        Raises:
            SettingError: a value is out of range.
            WorkerError: the process has ended.
        """
        given = {"fault": fault, "round_trip_s": round_trip_s, "jitter_s": jitter_s, "below": below}
        line = json.dumps({name: value for name, value in given.items() if value is not None})
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", self._process.stdin).write(f"{line}\n".encode())
        answer = self._read_answer()
        if "error" in answer:
            raise SettingError(answer["error"])

    def _read_answer(self) -> dict[str, Any]:
        line = cast("IO[bytes]", self._process.stdout).readline()
        if not line:
            code = self._process.wait()
            raise WorkerError(
                f"proxy process {self._process.pid} ended with code {code}; see its output above"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.contextmanager
def proxy(
    to: Sequence[Address],
    *,
    listen: Sequence[Address] | None = None,
    round_trip_s: float = 0.0,
    jitter_s: float = 0.0,
) -> Iterator[Proxy]:
    """Run a proxy in front of the servers at `to` during the block, by default on free ports of 127.0.0.1.

    A driver connects to its contact point through the proxy, but to every other node at the address and port
    that this node advertises in system.peers_v2. So a proxy in front of several nodes has to listen on what
    they advertise: the `broadcast_rpc_address` of each, and their common native port. A single node need not
    advertise the proxy.

    Raises:
        WorkerError: the process ended before it listened.
    """
    listen_at = listen or [("127.0.0.1", 0)] * len(to)
    command = [
        sys.executable,
        "-m",
        "pipeline.proxy",
        f"--round-trip-s={round_trip_s}",
        f"--jitter-s={jitter_s}",
    ]
    command += [f"--listen={host}:{port}" for host, port in listen_at]
    command += [f"--to={host}:{port}" for host, port in to]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Proxy(process)
        finally:
            process.terminate()
