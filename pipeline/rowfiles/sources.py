"""The files of a load, each known by its content: moved or renamed it is the same, edited it is another."""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TypeVar

from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import Dialect, differences
from pipeline.rowfiles.formats import compression_of, format_of
from pipeline.rowfiles.opening import open_content, open_regular, reading
from pipeline.rowfiles.splits import FileContent, SourceFile
from pipeline.rowfiles.stores.paths import FilePath, ObjectPath, replaced
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.values import USUAL, ValuesConfig

Config = TypeVar("Config", ColumnsConfig, ValuesConfig)


def describe_file(file: FilePath, dialect: Dialect | None = None) -> SourceFile:
    """Return a row file as a load knows it: what it has, where its splits are, or why it cannot be read.

    Without a dialect, a CSV file is RFC 4180 in UTF-8, compressed as its name says. Of an object of text only
    the beginning is read: its splits are found later.

    Raises:
        RowFileError: it cannot be read, or is written to meanwhile.
    """
    dialect = dialect or Dialect(compression=compression_of(file))
    if isinstance(file, ObjectPath):
        return _described_object(file, dialect)
    with open_regular(file) as content:
        version = _version(os.fstat(content.fileno()))
        described = format_of(file, dialect.format).describe(file, content, dialect)
        if _version(os.fstat(content.fileno()))[:_WRITTEN] != version[:_WRITTEN]:
            raise RowFileError(f"{file} is being written to; load it when it is complete")
    return SourceFile(path=str(file), content=described, version=version, dialect=dialect)


def _described_object(path: ObjectPath, dialect: Dialect) -> SourceFile:
    if format_of(path, dialect.format).has_lines:
        from pipeline.rowfiles.streams import describe_stream  # noqa: PLC0415 - it needs Arrow

        content = describe_stream(path, dialect)
    else:
        content = _read_whole(path, dialect)
    return SourceFile(path=path.uri, content=content, version=(), dialect=dialect, objects=path.config)


def with_splits(file: SourceFile) -> SourceFile:
    """Return a file with its splits; a stream is read to its end to find them.

    Raises:
        RowFileError: it cannot be read, or is another one.
    """
    return replace(file, content=_read_whole(file.place, file.dialect)) if file.content.stream else file


def _read_whole(path: FilePath, dialect: Dialect) -> FileContent:
    with open_content(path) as content:
        return format_of(path, dialect.format).describe(path, content, dialect)


def size_of(files: Iterable[SourceFile]) -> int | None:
    """Return the size of files in bytes, None if that of one is not known."""
    sizes = [file.version[_SIZE] if file.version else None for file in files]
    return None if None in sizes else sum(filter(None, sizes))


def is_untouched(file: SourceFile) -> bool:
    """Return whether a file is for certain the one that was described, without reading it.

    An object's store is asked for its version.

    Raises:
        RowFileError: it is gone.
    """
    path = file.place
    if isinstance(path, ObjectPath):
        return _version_now(path) == file.sha256
    with reading(path):
        version = _version(path.stat())
    return version == file.version and not _may_change_unseen(version)


def require_unchanged(file: SourceFile) -> None:
    """Return if a file is still the one that was described, so that what was read of it since is its content.

    Raises:
        RowFileError: it is gone, another one, or was written to.
    """
    path = file.place
    if isinstance(path, ObjectPath):
        if _version_now(path) != file.sha256:
            raise replaced(path)
        return
    with reading(path):
        version = _version(path.stat())
    is_same = version[:_WRITTEN] == file.version[:_WRITTEN]
    if is_same and (version != file.version or _may_change_unseen(version)):
        # Somebody has changed its rights or links, or its last change is too near for its time to tell.
        is_same = describe_file(path, file.dialect).sha256 == file.sha256
    if not is_same:
        raise RowFileError(
            f"{path} was changed while it was being read: it was {file.version[_SIZE]} bytes, and has "
            f"{version[_SIZE]} now; run the task again when the file is complete"
        )


def still_same(file: SourceFile) -> SourceFile:
    """Return a file, its version as it is now, if what was read of it until now is what was described.

    Cheap enough for every split: the content is read again only where its inode alone has changed.

    Raises:
        RowFileError: it is gone, another one, or was written to.
    """
    path = file.place
    if isinstance(path, ObjectPath):
        # Each range that is read of it is known to be of the object that was described.
        return file
    with reading(path):
        version = _version(path.stat())
    if version == file.version:
        return file
    require_unchanged(file)
    return replace(file, version=version)


def as_seen_here(file: SourceFile) -> SourceFile:
    """Return a file that was described on another machine, its version as this machine's file system has it.

    A file of the same size and time of change is the same; of another time, its content must be. An object
    is known by its version everywhere.

    Raises:
        RowFileError: it is not there, cannot be read, or has another content.
    """
    path = file.place
    if isinstance(path, ObjectPath):
        return file
    try:
        version = _version(path.stat())
    except OSError as error:
        raise RowFileError(
            f"cannot read {path}: {os.strerror(error.errno or 0)}; each worker needs the row files at the "
            "same path: share their folder with it, or load with engine processes"
        ) from error
    if version[_SIZE:_WRITTEN] != file.version[_SIZE:_WRITTEN] and (
        version[_SIZE] != file.version[_SIZE] or describe_file(path, file.dialect).sha256 != file.sha256
    ):
        raise RowFileError(
            f"{path} has another content here than where the load was planned: {version[_SIZE]} bytes, not "
            f"{file.version[_SIZE]}; each worker needs the same row files at the same path"
        )
    return replace(file, version=version)


def digest(files: Iterable[SourceFile], options: str) -> str:
    """Return the SHA-256, in hex, of what the files hold, whatever their names, and of how it is loaded."""
    content = "\n".join([*sorted(file.sha256 for file in files), options])
    return hashlib.sha256(content.encode()).hexdigest()


def options_of(
    columns: ColumnsConfig,
    dialects: Iterable[Dialect],
    values: ValuesConfig,
    nulls: str,
    ttl_s: int | None,
    timestamp_us: int,
) -> str:
    """Return what of a load's settings changes what it writes, as text."""
    read_as = {json.dumps(differences(dialect)) for dialect in dialects} - {"{}"}
    for changed in (
        _changed(values.over(USUAL), USUAL),
        _changed(columns, ColumnsConfig(mapping=columns.mapping)),
    ):
        read_as |= {json.dumps(changed)} if changed else set()
    return json.dumps([sorted(columns.mapping), nulls, ttl_s, timestamp_us, *sorted(read_as)])


def _changed(config: Config, default: Config) -> list[tuple[str, object]]:
    """Return the settings that are not the default's, sorted by name."""
    return sorted(asdict(config).items() - asdict(default).items())


def _version_now(path: ObjectPath) -> str:
    from pipeline.rowfiles.stores.content import current_version  # noqa: PLC0415 - it needs Arrow

    return current_version(path).sha256


def _version(stat: os.stat_result) -> tuple[int, ...]:
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _may_change_unseen(version: tuple[int, ...]) -> bool:
    """Return whether a file was changed so lately that its times may be the same after one more change."""
    return time.time_ns() - max(version[_SIZE + 1 :]) < _COARSEST_CLOCK_NS


_SIZE = 2
_WRITTEN = 4
"""How many parts of a file's version change when another file takes its place, or it is written to."""

_COARSEST_CLOCK_NS = 2 * 10**9
"""What file systems round times to: FAT two seconds, most others milliseconds."""
