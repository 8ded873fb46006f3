"""Opens row files; an error of the system becomes an error that names the file."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from pipeline.errors import RowFileError
from pipeline.rowfiles.stores.paths import FilePath, ObjectPath


@contextlib.contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn an error of the system on reading `file` into one that names the file.

    Raises:
        RowFileError: the system raised an error.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise RowFileError(
            f"cannot read {file}: {reason}; check that it is a file that this user may read"
        ) from error


@contextlib.contextmanager
def open_content(path: FilePath) -> Iterator[BinaryIO]:
    """Open a file or an object to read its bytes, at any place.

    Raises:
        RowFileError: it is absent, or cannot be read.
    """
    if isinstance(path, ObjectPath):
        from pipeline.rowfiles.stores.content import ObjectContent  # noqa: PLC0415 - it needs Arrow

        with ObjectContent(path) as content:
            yield cast("BinaryIO", content)
    else:
        with open_regular(path) as file:
            yield file


@contextlib.contextmanager
def open_regular(file: Path) -> Iterator[BufferedReader]:
    """Open a regular file to read its bytes; a pipe, which may keep its reader waiting, is not opened.

    Raises:
        RowFileError: it is absent, of another kind, or the system says something against reading it.
    """
    require_regular(file)
    with reading(file), file.open("rb") as content:
        yield content


def require_regular(file: Path) -> None:
    """Return if `file` is a regular file, or a link to one.

    Raises:
        RowFileError: it is not, or it is not there.
    """
    with reading(file):
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no file")
        raise RowFileError(
            f"cannot read {file}: it is {kind}, and a load reads its files more than once; write the rows "
            "to a file and load that"
        )


def printable(path: PurePath | ObjectPath | str) -> str:
    """Return a path as a message can hold it: a byte that is not UTF-8 as a backslash, x and its hex."""
    return os.fsencode(str(path)).decode(errors="backslashreplace")


def not_utf8(error: UnicodeDecodeError) -> str:
    """Return what is wrong with bytes that are not UTF-8."""
    return f"not UTF-8 (byte 0x{error.object[error.start]:02x}); convert the file"


def not_encoded(error: UnicodeDecodeError, encoding: str) -> str:
    """Return what is wrong with text that is not in its file's encoding."""
    if encoding != "utf-8":
        return f"not {encoding} text; name the file's encoding"
    return f"{not_utf8(error)}, or name its encoding, such as --encoding cp1252"


_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
