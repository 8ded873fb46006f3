"""Which format a row file has: the end of its name says it, in capitals or not."""

import os
from pathlib import PurePath

from pipeline.settings import FILE_FORMATS


def format_of(file: PurePath | str) -> str:
    """Return `csv` or `parquet`, as the end of a file's name says; nothing where it says neither."""
    suffix = PurePath(file).suffix[1:].lower()
    return suffix if suffix in FILE_FORMATS else ""


def printable(file: PurePath | str) -> str:
    """Return a path as a message can hold it: a byte that is not UTF-8 as a backslash, x and its hex."""
    return os.fsencode(file).decode(errors="backslashreplace")
