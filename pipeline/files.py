"""Files that are complete or absent: written under a temporary name, then renamed."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import OutputError


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` to write to; on success it is synced and renamed to `target`.

    On any exception the temporary file is removed and `target` stays as it was. If a killed process leaves
    its temporary file behind, the next writer of the same target removes it.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(target, error) from error


def write_text(target: Path, text: str) -> None:
    """Write `text` to `target` as UTF-8, completely or not at all.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def unwritable(target: Path, error: OSError) -> OutputError:
    """Return the error to raise if `target`, or its temporary file, cannot be written."""
    target = target.with_name(_TEMPORARY.sub(r"\1", target.name))
    # Do not use error.strerror: Arrow puts its own text there.
    reason = os.strerror(error.errno) if error.errno else error
    return OutputError(f"cannot write {target}: {reason}; {_ADVICE}")


_TEMPORARY = re.compile(r"^\.(.+?)(?:\.\d+){1,2}\.tmp$")
_ADVICE = "check that the folder exists, that this user may write to it, and that the disk has room"


def _remove_leftovers(target: Path) -> None:
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        pid = leftover.name.split(".")[-2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            leftover.unlink(missing_ok=True)
