"""Which row files an input means: a file's path, a folder or a glob."""

import glob
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import RowFileError
from pipeline.rowfiles.formats import ENDINGS, has_format, require_format
from pipeline.rowfiles.opening import printable, reading, require_regular


def find_files(pattern: str) -> tuple[Path, ...]:
    """Return the row files that a file's path, a folder or a glob means, sorted by path.

    In a folder, these are the files that are not hidden and have the ending of a format, in any case;
    `passed_over` returns the others. A file that is named, or found by a glob, must be a row file.

    Raises:
        RowFileError: there is no file, or one is not a regular file, cannot be read, has no format's ending,
            or has a name that is not UTF-8.
    """
    _require_utf8(pattern)
    place = Path(pattern)
    with reading(place):
        is_folder = bool(pattern) and place.is_dir()
        if is_folder:
            taken, passed = _in_folder(place)
        elif place.exists():
            taken, passed = [place], []
        else:
            taken, passed = [Path(match) for match in glob.glob(pattern, recursive=True)], []  # noqa: PTH207 - absolute patterns too
    files = tuple(sorted(taken))
    if not files:
        there = f"; there is only {listed(passed)}" if passed else ""
        raise RowFileError(
            f"no row file at {pattern}{there}; name a {' or '.join(ENDINGS)} file, a folder of them, or a "
            "glob"
        )
    for file in files:
        _require_utf8(str(file))
        require_regular(file)
        require_format(file)
    return files


def passed_over(pattern: str) -> tuple[Path, ...]:
    """Return the entries of a folder that `find_files` leaves out: other files, hidden files, folders.

    The result is empty if `pattern` is a file or a glob.

    Raises:
        RowFileError: the folder cannot be read.
    """
    place = Path(pattern)
    with reading(place):
        return tuple(sorted(_in_folder(place)[1])) if pattern and place.is_dir() else ()


def listed(found: Sequence[Path]) -> str:
    """Return the names of the first few entries of a folder, for a message."""
    names = [printable(path.name) + "/" * path.is_dir() for path in sorted(found)[:_LISTED_MOST]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _in_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the entries of a folder that are row files, and the others."""
    taken: list[Path] = []
    passed: list[Path] = []
    for entry in folder.iterdir():
        (taken if has_format(entry) and not entry.name.startswith(".") else passed).append(entry)
    return taken, passed


def _require_utf8(path: str) -> None:
    """Return if a path is UTF-8: journals and files of bad rows name their files in UTF-8."""
    if printable(path) != path:
        raise RowFileError(f"the name {printable(path)} is not UTF-8; rename the file or its folder")


_LISTED_MOST = 10
