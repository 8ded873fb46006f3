"""What the format of a row file does: describe a file, read its splits, write rows.

A format is one object, registered in `pipeline.rowfiles.formats`. Nothing else in the project depends on a
particular format.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import pyarrow as pa

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import CqlType
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import FileContent, SourceFile, Split
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.rowfiles.texts import Text

Columns = Sequence[pa.Array]
"""Some rows as columns, in the order of the table's, encoded by `FileFormat.encode`."""


Pieces = Iterable[bytes | memoryview]
"""A part of a text in pieces, each to be used before the next one is asked for."""


class SourceRow(NamedTuple):
    """A row as its file has it: the fields' values, and the text that a CSV file of rejected rows has for it.

    There are no fields where the row could not be taken apart, and it may then come in pieces, one after
    another. A value is None where the field is null.
    """

    fields: Sequence[bytes | None]
    text: bytes


class FileFormat(Protocol):
    """One format of row files.

    `name` is the end of a file's name without its dot, in lower case. `has_lines` is true of a text format,
    whose faults are named by line, and whose header is a line of text. `has_header` is true where the file
    names its fields once, not in each row. `rejected_as` is the format of its rejected rows. `is_joinable` is
    true where files written one after another, the header in the first, are one file once their bytes are
    joined.
    """

    name: str
    has_lines: bool
    has_header: bool
    rejected_as: str
    is_joinable: bool

    def describe(self, file: FilePath, content: BinaryIO, dialect: Dialect) -> FileContent:
        """Return what the open file has.

        Raises:
            RowFileError: it cannot be read to its end.
        """

    def read(self, file: SourceFile, fields: Sequence[Field], splits: Iterable[Split]) -> Iterator[SplitRows]:
        """Yield the rows of some splits, in the order of the file. The header names each of `fields` once.

        Raises:
            RowFileError: the file cannot be read, or is damaged. Faults of single rows are in the splits.
        """

    def rejected(
        self, file: SourceFile, fields: Sequence[Field], places: Collection[int]
    ) -> Iterator[SourceRow]:
        """Yield a header, then each row whose place is one of these.

        Raises:
            RowFileError: the file can no longer be read.
        """

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write rows to a new file; return how many."""

    def encode(self, kind: CqlType, values: Iterable[object]) -> pa.Array:
        """Return values of a column, None for null, as `writing` takes them."""

    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> AbstractContextManager[Callable[[Columns], object]]:
        """Open a new file; yield what appends encoded rows to it."""


class TextFormat(FileFormat, Protocol):
    """A format of text: its splits can be found while the text is read, from its beginning to its end."""

    def header(self, source: Text, dialect: Dialect) -> tuple[str, ...]:
        """Return the names in the header; none where each row names its own.

        Raises:
            RowFileError: the text is of another format, or empty.
        """

    def find(self, source: Text, dialect: Dialect) -> Iterator[tuple[Split, Pieces]]:
        """Yield the splits of a text, each with its text, which can be read until the next one is asked for.

        Raises:
            RowFileError: no load can read the text to its end.
        """

    def needs_line_break(self, last: Split) -> bool:
        """Return whether a last line without a line break may be that of a text that was cut off."""

    def read_split(self, file: SourceFile, source: Text, fields: Sequence[Field], split: Split) -> SplitRows:
        """Return the rows of one split of the file's text."""
