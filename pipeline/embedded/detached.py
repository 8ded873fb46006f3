"""A process that outlives the process that started it, and that a later run finds again.

Its record, a small file, contains its process id and its start time in clock ticks since boot. Only both
together identify a process: the system may have reused the id. Nothing here searches for names.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.errors import EmbeddedError

# The inner shell writes its own id and start time to the record, which is its standard output, and only then
# becomes the command. So the record is complete before the command runs, even if its starter is killed.
_RECORD_THEN_RUN = 'echo "$$ $(cut -d " " -f 22 "/proc/$$/stat")" && exec "$@" >console.log 2>&1'
# The outer shell exits at once, so init is the parent of the process, and it never becomes our zombie.
_RUN_IN_BACKGROUND = 'sh -c "$0" sh "$@" &'
_KILLED_WITHIN_S = 30.0


def launch(command: Sequence[str], *, record: Path, environment: Mapping[str, str]) -> None:
    """Start `command` in the folder of `record`, in a session of its own; its output goes to `console.log`.

    Returns when the record is complete; `find` tells whether the process still runs.

    Raises:
        EmbeddedError: the record cannot be written, or there is no shell.
    """
    try:
        with record.open("w", encoding="ascii") as output:
            # The shells inherit the lock with the open file. It ends when the last of them has closed the
            # file, so a reader that waits for the lock sees the complete record.
            fcntl.flock(output, fcntl.LOCK_EX)
            subprocess.run(
                ["/bin/sh", "-c", _RUN_IN_BACKGROUND, _RECORD_THEN_RUN, *command],
                cwd=record.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                start_new_session=True,
                check=True,
            )
        _read(record)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(f"cannot start {command[0]} in {record.parent}: {error}") from error


def find(record: Path) -> int | None:
    """Return the id of the recorded process if that same process runs, else None."""
    pid, start_ticks = _read(record)
    return pid if pid and _start_ticks(pid) == start_ticks else None


def terminate(record: Path) -> None:
    """Ask the recorded process to end, if it runs; `reap` waits for it.

    Raises:
        EmbeddedError: the process belongs to another user.
    """
    with _open_handle(record) as process:
        if process is not None:
            _signal(process, signal.SIGTERM, record)


def reap(record: Path, *, grace_s: float) -> None:
    """Wait `grace_s` seconds for the recorded process to end, kill it if it still runs, remove the record.

    Raises:
        EmbeddedError: the process belongs to another user, or does not end after SIGKILL.
    """
    with _open_handle(record) as process:
        if process is not None and not _ends(process, grace_s):
            _signal(process, signal.SIGKILL, record)
            if not _ends(process, _KILLED_WITHIN_S):
                raise EmbeddedError(f"process {find(record)} of {record} does not end, not even when killed")
    record.unlink(missing_ok=True)


@contextlib.contextmanager
def _open_handle(record: Path) -> Iterator[int | None]:
    """Yield a handle of the recorded process, valid even if its id is reused; None if it does not run."""
    pid, start_ticks = _read(record)
    handle = None
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid) if pid else None
    try:
        # Compare with the handle open, so that the handle is of the process that was compared.
        yield handle if handle is not None and _start_ticks(pid) == start_ticks else None
    finally:
        if handle is not None:
            os.close(handle)


def _signal(process: int, number: signal.Signals, record: Path) -> None:
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise EmbeddedError(
            f"the process of {record} belongs to another user; stop it as that user"
        ) from error


def _ends(process: int, within_s: float) -> bool:
    # select() refuses descriptors above 1023, which a busy pipeline may have.
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(within_s * 1000))


def _read(record: Path) -> tuple[int, int]:
    """Return the recorded process id and start time, two zeros if there is no complete record."""
    try:
        with record.open(encoding="ascii") as lines:
            fcntl.flock(lines, fcntl.LOCK_SH)
            pid, start_ticks = lines.read().split()
            return int(pid), int(start_ticks)
    except (FileNotFoundError, ValueError):
        return 0, 0


def _start_ticks(pid: int) -> int | None:
    """Return when the process started, None if it does not exist or is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Field 2, the name in parentheses, may itself hold spaces and parentheses; field 3 follows the last one.
    state, *fields = text.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else int(fields[18])
