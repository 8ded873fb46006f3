"""The output folder: whether this user may write there, and whether there is room."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.checks.findings import Finding, failure, ok, warning


def look_at_folder(folder: Path, input_bytes: int) -> Iterator[Finding]:
    """Yield whether the output folder can be written, and whether its disk has room; nothing is written.

    `input_bytes` is the size of the largest input: as much as that may be written of it as bad rows.
    """
    subject = f"folder {folder}"
    try:
        place = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
        if fault := _fault_of(place):
            yield failure(subject, fault, "change its owner or its rights, or set folder in [output]")
            return
        free = shutil.disk_usage(place).free
    except OSError as error:
        yield failure(subject, f"cannot be looked at: {error}", "change its owner or its rights")
        return
    found = f"can be written, {size_of(free)} are free"
    if free < _LEAST_BYTES:
        yield failure(subject, found, "make room: a load writes its journal there")
    elif free < input_bytes:
        yield warning(subject, f"{found}, the input has {size_of(input_bytes)}", "bad rows may need as much")
    else:
        yield ok(subject, found)


def _fault_of(place: Path) -> str:
    """Return why this user cannot write into a folder, or into one that another run has made in it."""
    if not place.is_dir():
        return f"{place} is not a folder"
    for each in (place, *(place / name for name in _MADE_BY_LOADS)):
        if each.exists() and not os.access(each, os.W_OK | os.X_OK, effective_ids=True):
            return f"{each} cannot be written by this user"
    return ""


def size_of(count: int) -> str:
    """Return a number of bytes in the unit that a person reads it in."""
    number, units = float(count), list(_UNITS)
    while number >= _STEP and units[1:]:
        number /= _STEP
        del units[0]
    return f"{number:.0f} B" if units[0] == "B" else f"{number:.1f} {units[0]}"


_LEAST_BYTES = 10 << 20
"""Room for journals, which have a line for each split, and for reports."""
_MADE_BY_LOADS = ("checkpoints", "loads", "rows")
_STEP = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
