"""Starts, controls and ends a proxy."""

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
    """A running proxy: its listening addresses, in the order of the servers behind it, and its controls."""

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
        """Change the given settings before this returns. Data on its way keeps its delay.

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

    A driver connects to its contact point through the proxy, but to every other node at the address and port
    in system.peers_v2. So a proxy before several nodes listens on the addresses that they advertise: the
    `broadcast_rpc_address` of each node, and their common native port. A single node need not advertise it.

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
