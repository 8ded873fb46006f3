"""The formats of row files: each is one class, registered here. A file's ending gives its format.

A format is imported when it is first asked for, because that takes longer than a small load.
"""

import functools
import importlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from pipeline.errors import RowFileError

if TYPE_CHECKING:
    from pipeline.rowfiles.formats.protocol import FileFormat

_CLASSES: Mapping[str, str] = {"csv": "Csv", "parquet": "Parquet"}
"""The class of each format, in the module `format` of the format's folder."""

FILE_FORMATS = tuple(_CLASSES)
"""The names of the formats."""

ENDINGS = tuple(f".{name}" for name in FILE_FORMATS)
"""The ends of row files' names."""


@functools.cache
def named_format(name: str) -> "FileFormat":
    """Return the format of a name in `FILE_FORMATS`."""
    module = importlib.import_module(f"{__name__}.{name}.format")
    found: FileFormat = getattr(module, _CLASSES[name])()
    return found


def has_format(file: PurePath) -> bool:
    """Return whether the end of a file's name is that of a row file, in capitals or not."""
    return file.suffix.lower() in ENDINGS


def require_format(file: PurePath) -> None:
    """Return if the end of a file's name is that of a row file.

    Raises:
        RowFileError: it is another end.
    """
    if not has_format(file):
        remedy = "unpack it" if file.suffix.lower() in _COMPRESSED else "rename or convert it"
        raise RowFileError(f"{file} is neither {' nor '.join(ENDINGS)}; {remedy}")


def format_of(file: PurePath | str) -> "FileFormat":
    """Return the format of a row file.

    Raises:
        RowFileError: its name has another end.
    """
    path = PurePath(file)
    require_format(path)
    return named_format(path.suffix[1:].lower())


_COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".7z", ".tar", ".tgz"}
