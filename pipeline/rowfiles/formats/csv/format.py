"""CSV as a format of row files.

A last line without a line break may be that of a file that was cut off in a value: it is said, or refused.
"""

import bisect
import contextlib
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import CqlType
from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.csv.grammar import grammar_of
from pipeline.rowfiles.formats.csv.reader import (
    Header,
    find_splits,
    pieces_of,
    read_split,
    rows_of,
    text_of,
)
from pipeline.rowfiles.formats.csv.writer import lines_of, row_line
from pipeline.rowfiles.formats.protocol import Columns, Pieces, SourceRow, TextFormat
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import FileContent, SourceFile, Split
from pipeline.rowfiles.stores.content import digest_of
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.rowfiles.texts import ROW_MAX_BYTES, PlainText, Text, open_text, text_of_file


class Csv(TextFormat):
    """CSV files, whose names end in .csv."""

    name = "csv"
    has_lines = True
    has_header = True
    is_joinable = True
    rejected_as = "csv"

    def describe(self, file: FilePath, content: BinaryIO, dialect: Dialect) -> FileContent:
        """Return the digest, the header and the splits. A plain file is read once; others, unpacked once."""
        source = text_of_file(file, content, dialect)
        digest = _PlainDigest(content) if isinstance(source, PlainText) else None
        names: tuple[str, ...] = ()
        splits: list[Split] = []
        fault, lacks_line_break = "", False
        try:
            header = Header(source, dialect)
            names = header.names
            if digest:
                digest.update(source.window(0, header.end))
            for split, pieces in find_splits(source, grammar_of(dialect), header):
                splits.append(split)
                if digest:
                    for piece in pieces:
                        digest.update(piece)
            lacks_line_break = source.lacks_line_break
        except RowFileError as error:
            fault = str(error)
        if lacks_line_break and dialect.requires_final_newline:
            fault = f"{file}: cut off, {_NO_LINE_BREAK}; copy it again, or, if it is whole, end it with one"
        return FileContent(
            sha256=digest.hexdigest() if digest else digest_of(content),
            header=names,
            splits=tuple(splits),
            fault=fault,
            remark=f"{file}: {_NO_LINE_BREAK}; it is loaded as it is" if lacks_line_break else "",
        )

    def read(self, file: SourceFile, fields: Sequence[Field], splits: Iterable[Split]) -> Iterator[SplitRows]:
        """Yield the rows of some splits; in a plain file each is found by its position."""
        with open_text(file.place, file.dialect) as source:
            for split in splits:
                yield self.read_split(file, source, fields, split)

    def header(self, source: Text, dialect: Dialect) -> tuple[str, ...]:
        """Return the names in the header."""
        return Header(source, dialect).names

    def find(self, source: Text, dialect: Dialect) -> Iterator[tuple[Split, Pieces]]:
        """Yield the splits, each with its text."""
        return find_splits(source, grammar_of(dialect), Header(source, dialect))

    def needs_line_break(self, last: Split) -> bool:
        """Return True: the last value may be cut off."""
        del last
        return True

    def read_split(self, file: SourceFile, source: Text, fields: Sequence[Field], split: Split) -> SplitRows:
        """Return the rows of a split."""
        return read_split(source, grammar_of(file.dialect), split, file.content.header, fields)

    def rejected(
        self, file: SourceFile, fields: Sequence[Field], places: Collection[int]
    ) -> Iterator[SourceRow]:
        """Yield the header, then the rows that begin on some lines, as the very text of the file."""
        del fields
        ordered = sorted(places)
        grammar = grammar_of(file.dialect)
        # When an endless row is known, the first text is at its end, and the second one is before it.
        with open_text(file.place, file.dialect) as source, open_text(file.place, file.dialect) as again:
            header = Header(source, file.dialect)
            yield SourceRow([name.encode() for name in header.names], header.text)
            for split in file.content.splits:
                first = bisect.bisect_left(ordered, split.first_place)
                if first == bisect.bisect_left(ordered, split.first_place + split.place_count):
                    continue
                for row in rows_of(source, grammar, split, len(header.names)):
                    if row.line not in places:
                        continue
                    if row.end - row.start > ROW_MAX_BYTES:
                        for piece in pieces_of(again, row.start, row.end):
                            yield SourceRow([], piece)
                    else:
                        yield SourceRow(
                            [grammar.value(field) for field in row.raw_fields], text_of(source, row)
                        )

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write a header and the rows, null as the empty field."""
        texts = [column.cql_type.format for column in columns]
        count = 0
        with path.open("wb") as file:
            file.write(row_line([column.name.encode() for column in columns]))
            for row in rows:
                values = zip(texts, row, strict=True)
                file.write(
                    row_line([b"" if value is None else text(value).encode() for text, value in values])
                )
                count += 1
        return count

    def encode(self, kind: CqlType, values: Iterable[object]) -> pa.Array:
        """Return values as text, null as the empty text."""
        return pa.array(["" if value is None else kind.format(value) for value in values], pa.string())

    @contextlib.contextmanager
    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> Iterator[Callable[[Columns], object]]:
        """Open the file and write its header; yield what appends encoded rows as lines."""
        with path.open("wb") as file:
            if has_header:
                file.write(row_line([column.name.encode() for column in columns]))
            yield lambda block: file.write(lines_of(block))


class _PlainDigest:
    """The SHA-256 of a file whose text is hashed as it is read: a line break added at its end is left out."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._sha256 = hashlib.sha256()
        self._left_bytes = os.fstat(content.fileno()).st_size

    def update(self, text: bytes | memoryview) -> None:
        """Take the file's next bytes."""
        in_file = text[: self._left_bytes]
        self._sha256.update(in_file)
        self._left_bytes -= len(in_file)

    def hexdigest(self) -> str:
        """Return the digest of the whole file, after reading what is left of it."""
        self._content.seek(-self._left_bytes, os.SEEK_END)
        while block := self._content.read(_BLOCK_BYTES):
            self._sha256.update(block)
        return self._sha256.hexdigest()


_NO_LINE_BREAK = "its last line has no line break"
_BLOCK_BYTES = 1 << 20
