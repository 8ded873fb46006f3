"""A `luigi` command that runs in the background."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from faults.outcome import ScenarioError


class RunningLoad:
    """A `luigi` command that runs in a process group of its own, with its output in the file `log`."""

    def __init__(
        self, command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]
    ) -> None:
        with log.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._log = log

    @property
    def output(self) -> str:
        """Its output so far, with standard error; empty if the log is a device."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.is_file() else ""

    @property
    def has_ended(self) -> bool:
        """Whether the command has ended."""
        return self.process.poll() is not None

    def wait(self) -> int:
        """Wait for the end; return the exit code.

        Raises:
            ScenarioError: it does not end in time.
        """
        try:
            return self.process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ScenarioError(
                f"the load had not ended after {_TIMEOUT_S:g} s:\n{self.output[-3000:]}"
            ) from error

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds.

        Raises:
            ScenarioError: the command ends before.
        """
        while not condition():
            if self.has_ended:
                raise ScenarioError(f"the load ended too early:\n{self.output[-3000:]}")
            time.sleep(_POLL_S)

    def children(self) -> list[psutil.Process]:
        """Return all descendants of the process.

        Raises:
            psutil.NoSuchProcess: it has ended.
        """
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes among the descendants; none after the end."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [process for process in self.children() if _is_worker(process)]
        return []

    def kill(self) -> None:
        """Kill the process group by SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _is_worker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return "pipeline.worker" in process.cmdline()
    return False


_TIMEOUT_S = 400.0
_POLL_S = 0.02
