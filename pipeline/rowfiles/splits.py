"""The description of a row file before its rows are read, and the rows of one of its splits."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.rowfiles.badrows import BadRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Rows of a file that are read, sent and settled together. Where it ends depends on the content alone.

    `number` counts the file's splits from 0. `first_line` is where its first row begins, from 1: a line of a
    text file, the number of a row in others; `line_count` is how many of these it has. `position` is what the
    file's format needs to read it without reading what comes before.
    """

    number: int
    first_line: int
    line_count: int
    position: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class FileContent:
    """The content of a row file: its SHA-256 in hex, the names in its header, and its splits in order.

    `fault` says why no load can read the file, naming it; it is empty where a load can.
    """

    sha256: str
    header: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A row file with its content, by which it is the same wherever it lies.

    `version` is what the file system said of it when it was described: device, inode, size in bytes, when its
    content and when its inode was last changed, in ns since 1970.
    """

    path: str
    content: FileContent
    version: tuple[int, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's content, in hex."""
        return self.content.sha256

    @property
    def lines(self) -> int:
        """How many lines its rows take, without the header; a row counts as one where a file has no lines."""
        splits = self.content.splits
        return splits[-1].first_line + splits[-1].line_count - splits[0].first_line if splits else 0

    def lines_before(self, line: int) -> int:
        """Return how many lines of rows are before a line of the file."""
        return line - self.content.splits[0].first_line


Lines = npt.NDArray[np.int64]
"""Where rows begin: lines of a CSV file, or numbers of rows in a Parquet file, from 1."""


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """The rows of one split of a file.

    `number` and `first_line` are the split's. Each array of `columns` has a value for each good row, in the
    order of the fields asked for: of a text format `pa.string()`, else of the file's own types, dictionaries
    decoded. `empty_is_null` is true where the format has one form for null and the empty text; it is read as
    null. `bad` holds the rows that could not be taken apart, each with its place; they are in no array.
    """

    file: Path
    number: int
    first_line: int
    columns: Sequence[pa.Array]
    empty_is_null: bool
    find_lines: Callable[[], Lines]
    bad: Sequence[BadRow] = ()

    @functools.cached_property
    def lines(self) -> Lines:
        """Where each good row begins; found when first asked for, because few who read splits ask."""
        return self.find_lines()
