"""The formats of row files: each is one class, registered here. A file's ending gives its format.

A format is imported when it is first asked for, because that takes longer than a small load.
"""

import functools
import importlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from pipeline.errors import RowFileError
from pipeline.rowfiles.stores.paths import ObjectPath

if TYPE_CHECKING:
    from pipeline.rowfiles.formats.protocol import FileFormat

_CLASSES: Mapping[str, str] = {
    "csv": "Csv",
    "parquet": "Parquet",
    "jsonl": "JsonLines",
    "json": "Json",
}
"""The class of each format, in the module `format` of the format's folder."""

FILE_FORMATS = tuple(_CLASSES)
"""The names of the formats."""

_FORMAT_OF_END: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_COMPRESSION_OF_END: Mapping[str, str] = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".lz4": "lz4",
}

ENDINGS = tuple(_FORMAT_OF_END)
"""The ends of row files' names; those of text may have the end of a compression after them."""


@functools.cache
def named_format(name: str) -> "FileFormat":
    """Return the format of a name in `FILE_FORMATS`."""
    module = importlib.import_module(f"{__name__}.{name}.format")
    found: FileFormat = getattr(module, _CLASSES[name])()
    return found


def has_format(file: PurePath | ObjectPath) -> bool:
    """Return whether the end of a file's name is that of a row file, in capitals or not."""
    return _format_end(file) in ENDINGS


def compression_of(file: PurePath | ObjectPath) -> str:
    """Return how a file is compressed by the end of its name: `gzip`, …, or `none`."""
    return _COMPRESSION_OF_END.get(file.suffix.lower(), "none")


def require_format(file: PurePath | ObjectPath) -> None:
    """Return if the end of a file's name is that of a row file.

    Raises:
        RowFileError: it is another end.
    """
    if not has_format(file):
        ends = ", ".join(ENDINGS)
        remedy = (
            "unpack it"
            if file.suffix.lower() in _ARCHIVES
            else "name its format with --format, or convert it"
        )
        raise RowFileError(
            f"{file} has none of the ends {ends}, with or without that of a compression; {remedy}"
        )


def format_of(file: PurePath | ObjectPath, name: str = "") -> "FileFormat":
    """Return the format of a row file: the one of this name, or else that of the end of the file's.

    Raises:
        RowFileError: the file's name has another end.
    """
    if not name:
        require_format(file)
    return named_format(name or _FORMAT_OF_END[_format_end(file)])


def _format_end(file: PurePath | ObjectPath) -> str:
    """Return the end of a name that tells the format; compressed Parquet is none."""
    if compression_of(file) == "none":
        return file.suffix.lower()
    inner = PurePath(file.stem).suffix.lower()
    return "" if inner == ".parquet" else inner


_ARCHIVES = {*_COMPRESSION_OF_END, ".zip", ".7z", ".tar", ".tgz"}
