"""Which objects a URI means: one object, a folder of them or a glob, as for files of this machine."""

import fnmatch
import re
from collections.abc import Sequence
from typing import NamedTuple

from pyarrow import fs

from pipeline.errors import RowFileError
from pipeline.rowfiles.stores.filesystems import location_of
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.rowfiles.stores.requests import retried


class Entry(NamedTuple):
    """An object, or what a store shows as a folder."""

    path: ObjectPath
    is_folder: bool


def entry_at(path: ObjectPath) -> Entry | None:
    """Return what is at a path; None if there is nothing.

    Raises:
        RowFileError: the store refuses it, or failed for longer than the budget.
    """

    def ask() -> fs.FileType:
        store, location = location_of(path)
        return store.get_file_info(location).type

    kind = retried(path, ask)
    return None if kind == fs.FileType.NotFound else Entry(path, kind == fs.FileType.Directory)


def entries_in(folder: ObjectPath, *, recursive: bool = False) -> list[Entry]:
    """Return the entries of a folder, sorted; none where there is no such folder.

    Raises:
        RowFileError: the store refuses it, or failed for longer than the budget.
    """

    def ask() -> list[Entry]:
        store, location = location_of(folder)
        selector = fs.FileSelector(location, allow_not_found=True, recursive=recursive)
        return [
            Entry(_beneath(folder, location, info.path), info.type == fs.FileType.Directory)
            for info in store.get_file_info(selector)
        ]

    return sorted(retried(folder, ask))


def matches_of(pattern: ObjectPath) -> list[ObjectPath]:
    """Return the objects that a glob means: `*`, `?` and `[…]` within a part of the path, `**` for any parts.

    Raises:
        RowFileError: a folder matches; the store refuses it, or failed for longer than the budget.
    """
    parts = pattern.key.split("/")
    first = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), None)
    if first is None:
        return []
    before = "".join(f"{part}/" for part in parts[:first])
    folder = ObjectPath(f"{pattern.scheme}://{pattern.authority}/{before}".rstrip("/"), pattern.config)
    wanted = parts[first:]
    found = [
        entry
        for entry in entries_in(folder, recursive=len(wanted) > 1 or wanted == ["**"])
        if _matches(entry.path.key.removeprefix(before).split("/"), wanted)
    ]
    folders = [entry.path for entry in found if entry.is_folder]
    if folders and wanted[-1] != "**":
        raise RowFileError(
            f"cannot read {folders[0]}: it is a folder; name the objects in it, such as {pattern}/*"
        )
    return [entry.path for entry in found if not entry.is_folder]


def _matches(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether parts of a path match those of a glob; a dot first must be in it too."""
    if not wanted:
        return not parts
    if wanted[0] == "**":
        if _matches(parts, wanted[1:]):
            return True
        return bool(parts) and not parts[0].startswith(".") and _matches(parts[1:], wanted)
    if not parts or (parts[0].startswith(".") and not wanted[0].startswith(".")):
        return False
    return fnmatch.fnmatchcase(parts[0], wanted[0]) and _matches(parts[1:], wanted[1:])


def _beneath(folder: ObjectPath, location: str, found: str) -> ObjectPath:
    """Return the path of an entry that the store found below a folder."""
    inner = found.removeprefix(location).lstrip("/")
    return ObjectPath(f"{folder.uri.rstrip('/')}/{inner}", folder.config)


_MAGIC = re.compile(r"[*?[]")
