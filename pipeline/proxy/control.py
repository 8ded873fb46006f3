"""The proxy as its user holds it: started, told what to do to what passes, ended."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from pipeline.errors import SettingError, WorkerError

Address = tuple[str, int]
"""A host's address, and a port."""


class Proxy:
    """A proxy that runs: where it listens, in the order of what stands behind it, and its controls."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        said = self._hear()
        self.addresses: list[Address] = [(host, port) for host, port in said["listening"]]

    @property
    def port(self) -> int:
        """The port of the first address."""
        return self.addresses[0][1]

    def set(
        self, *, fault: str | None = None, round_trip_s: float | None = None, jitter_s: float | None = None
    ) -> None:
        """Change what is given; it holds when this returns. What is on its way keeps the delay it has.

        Raises:
            SettingError: a value is out of range.
            WorkerError: the process has ended.
        """
        given = {"fault": fault, "round_trip_s": round_trip_s, "jitter_s": jitter_s}
        line = json.dumps({name: value for name, value in given.items() if value is not None})
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", self._process.stdin).write(f"{line}\n".encode())
        said = self._hear()
        if "error" in said:
            raise SettingError(said["error"])

    def _hear(self) -> dict[str, Any]:
        line = cast("IO[bytes]", self._process.stdout).readline()
        if not line:
            code = self._process.wait()
            raise WorkerError(
                f"proxy process {self._process.pid} ended with code {code}; see its output above"
            )
        said: dict[str, Any] = json.loads(line)
        return said


@contextlib.contextmanager
def proxy(
    to: Sequence[Address],
    *,
    listen: Sequence[Address] | None = None,
    round_trip_s: float = 0.0,
    jitter_s: float = 0.0,
) -> Iterator[Proxy]:
    """Run a proxy before the servers at `to` while the block runs, by default on free ports of 127.0.0.1.

    A driver reaches its contact point through it, but every other node where that node advertises itself in
    system.peers_v2, by address and port. So a proxy before several nodes listens on what they advertise: the
    `broadcast_rpc_address` of each, and the native port of them all. A single node need not advertise it.

    Raises:
        WorkerError: the process ended before it listened.
    """
    where = listen or [("127.0.0.1", 0)] * len(to)
    command = [
        sys.executable,
        "-m",
        "pipeline.proxy",
        f"--round-trip-s={round_trip_s}",
        f"--jitter-s={jitter_s}",
    ]
    command += [f"--listen={host}:{port}" for host, port in where]
    command += [f"--to={host}:{port}" for host, port in to]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Proxy(process)
        finally:
            process.terminate()
