"""The formats of row files: each is one object, registered here. A file's ending gives its format."""

from pathlib import PurePath

from pipeline.errors import RowFileError
from pipeline.rowfiles.formats.csv.format import Csv
from pipeline.rowfiles.formats.parquet.format import Parquet
from pipeline.rowfiles.formats.protocol import FileFormat

FORMATS: tuple[FileFormat, ...] = (Csv(), Parquet())

FILE_FORMATS = tuple(each.name for each in FORMATS)
"""The names of the formats."""

ENDINGS = tuple(f".{name}" for name in FILE_FORMATS)
"""The ends of row files' names."""


def named_format(name: str) -> FileFormat:
    """Return the format of a name in `FILE_FORMATS`."""
    return FORMATS[FILE_FORMATS.index(name)]


def has_format(file: PurePath) -> bool:
    """Return whether the end of a file's name is that of a row file, in capitals or not."""
    return file.suffix.lower() in ENDINGS


def format_of(file: PurePath | str) -> FileFormat:
    """Return the format of a row file.

    Raises:
        RowFileError: its name has another end.
    """
    path = PurePath(file)
    if not has_format(path):
        remedy = "unpack it" if path.suffix.lower() in _COMPRESSED else "rename or convert it"
        raise RowFileError(f"{file} is neither {' nor '.join(ENDINGS)}; {remedy}")
    return named_format(path.suffix[1:].lower())


_COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".7z", ".tar", ".tgz"}
