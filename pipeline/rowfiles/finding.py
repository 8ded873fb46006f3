"""Which row files an input means: a file's path, a folder or a glob."""

import datetime as dt
import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.errors import AbsentInputError, RowFileError, SettingError
from pipeline.rowfiles.formats import ENDINGS, has_format, require_format
from pipeline.rowfiles.opening import printable, reading, require_regular
from pipeline.rowfiles.stores.paths import FilePath, ObjectPath, path_of
from pipeline.settings.objects import ObjectsConfig


def find_files(
    pattern: str, *, any_ending: bool = False, objects: ObjectsConfig | None = None
) -> tuple[FilePath, ...]:
    """Return the row files that a file's path, a folder or a glob means, sorted by path.

    A URI such as s3://bucket/folder means objects in the same ways; `objects` says where their store is.
    In a folder, these are the files that are not hidden and have the ending of a format, in any case;
    `passed_over` returns the others. A file that is named, or found by a glob, must have such an ending.
    With `any_ending`, no file must, because a setting names the format.

    Raises:
        AbsentInputError: there is no file.
        RowFileError: one is not a regular file, cannot be read, has no format's ending, or has a name that is
            not UTF-8.
    """
    _require_utf8(pattern)
    place = path_of(pattern, objects)
    taken, passed = _found(place, pattern, any_ending=any_ending)
    files = tuple(sorted(taken))
    if not files:
        there = f"; there is only {listed(passed)}" if passed else ""
        raise AbsentInputError(
            f"no row file at {pattern}{there}; name a {' or '.join(ENDINGS)} file, a folder of them, or a "
            "glob"
        )
    for file in files:
        _require_utf8(str(file))
        if isinstance(file, Path):
            require_regular(file)
        if not any_ending:
            require_format(file)
    return files


def require_flags(files: Iterable[FilePath], flag: str) -> None:
    """Return if the folder of each file has a file called `flag`, which says that the others are complete.

    Raises:
        AbsentInputError: one has not.
    """
    for folder in sorted({file.parent for file in files}):
        if not _has(folder, flag):
            raise AbsentInputError(f"no {flag} in {folder}: its files are not complete yet")


def input_of_day(pattern: str, day: dt.date) -> str:
    """Return an input with the parts of a day in the place of {year}, {month}, {day} and {date}.

    Raises:
        SettingError: it has another word in braces.
    """
    parts = {"year": f"{day:%Y}", "month": f"{day:%m}", "day": f"{day:%d}", "date": f"{day}"}

    def filled(found: re.Match[str]) -> str:
        if found[1] not in parts:
            known = ", ".join(f"{{{name}}}" for name in parts)
            raise SettingError(f"input is {pattern!r}: {found[0]} is not known; use {known}")
        return parts[found[1]]

    return re.sub(r"\{([A-Za-z_]+)\}", filled, pattern)


def passed_over(
    pattern: str, *, any_ending: bool = False, objects: ObjectsConfig | None = None
) -> tuple[FilePath, ...]:
    """Return the entries of a folder that `find_files` leaves out: other files, hidden files, folders.

    The result is empty if `pattern` is a file or a glob.

    Raises:
        RowFileError: the folder cannot be read.
    """
    place = path_of(pattern, objects)
    if isinstance(place, ObjectPath):
        return tuple(sorted(_found(place, pattern, any_ending=any_ending)[1]))
    with reading(place):
        if not pattern or not place.is_dir():
            return ()
        return tuple(sorted(_in_folder(place, any_ending=any_ending)[1]))


def listed(found: Sequence[FilePath]) -> str:
    """Return the names of the first few entries of a folder, for a message."""
    names = [printable(path.name) + "/" * path.is_dir() for path in sorted(found)[:_LISTED_MOST]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _found(place: FilePath, pattern: str, *, any_ending: bool) -> tuple[list[FilePath], list[FilePath]]:
    """Return what an input means, and what it passes over."""
    if isinstance(place, ObjectPath):
        return _found_objects(place, any_ending=any_ending)
    with reading(place):
        if pattern and place.is_dir():
            return _in_folder(place, any_ending=any_ending)
        if place.exists():
            return [place], []
        return [Path(match) for match in glob.glob(pattern, recursive=True)], []  # noqa: PTH207 - absolute patterns too


def _found_objects(place: ObjectPath, *, any_ending: bool) -> tuple[list[FilePath], list[FilePath]]:
    from pipeline.rowfiles.stores import listing  # noqa: PLC0415 - it needs Arrow

    there = listing.entry_at(place)
    if there is None:
        return [*listing.matches_of(place)], []
    if not there.is_folder:
        return [place], []
    taken: list[FilePath] = []
    passed: list[FilePath] = []
    for path, is_folder in listing.entries_in(place):
        is_row_file = not is_folder and (any_ending or has_format(path)) and not path.name.startswith(".")
        (taken if is_row_file else passed).append(replace(path, uri=path.uri + "/" * is_folder))
    return taken, passed


def _has(folder: FilePath, name: str) -> bool:
    """Return whether a folder has a file of this name."""
    if isinstance(folder, Path):
        return (folder / name).exists()
    from pipeline.rowfiles.stores.listing import entry_at  # noqa: PLC0415 - it needs Arrow

    return entry_at(replace(folder, uri=f"{folder.uri}/{name}")) is not None


def _in_folder(folder: Path, *, any_ending: bool) -> tuple[list[FilePath], list[FilePath]]:
    """Return the entries of a folder that are row files, and the others."""
    taken: list[FilePath] = []
    passed: list[FilePath] = []
    for entry in folder.iterdir():
        is_row_file = entry.is_file() if any_ending else has_format(entry)
        (taken if is_row_file and not entry.name.startswith(".") else passed).append(entry)
    return taken, passed


def _require_utf8(path: str) -> None:
    """Return if a path is UTF-8: journals and files of bad rows name their files in UTF-8."""
    if printable(path) != path:
        raise RowFileError(f"the name {printable(path)} is not UTF-8; rename the file or its folder")


_LISTED_MOST = 10
