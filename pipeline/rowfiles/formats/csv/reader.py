"""CSV row files in splits of about 6 MiB: whole columns where the text is plain, row by row where it is not.

`rows` defines what a file's rows are. Where quotes, line ends and numbers of fields leave no doubt, Arrow
reads the same from the text, many times as fast. Where a split ends depends on the file's content alone.
"""

import codecs
import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.csv.grammar import Grammar, grammar_of
from pipeline.rowfiles.formats.csv.rows import (
    ANY_WIDTH,
    RowText,
    find_row_end,
    take_rows,
)
from pipeline.rowfiles.formats.csv.text import find_cut, find_row_lines, parse_columns
from pipeline.rowfiles.headers import other_delimiter
from pipeline.rowfiles.opening import not_encoded
from pipeline.rowfiles.splitrows import Places, SplitRows, split_rows_of
from pipeline.rowfiles.splits import Split
from pipeline.rowfiles.texts import BYTE_ORDER_MARK, ROW_MAX_BYTES, SPLIT_MAX_ROWS, Text


class Position(NamedTuple):
    """Where a split's text is, in bytes, and how many rows it has; 0 where they are to be read one by one."""

    start: int
    size_bytes: int
    row_count: int

    @property
    def end(self) -> int:
        """Where its text ends."""
        return self.start + self.size_bytes


class Header:
    """The header of an open CSV file: its names, its text, and where the first row begins after it.

    Without one, the names are 1, 2, …, as many as the first row has fields.

    Raises:
        RowFileError: the file is empty or of another format, or its header is not CSV in its encoding.
    """

    def __init__(self, source: Text, dialect: Dialect) -> None:
        grammar = grammar_of(dialect)
        start = _require_text(source)
        for _ in range(dialect.skipped_lines):
            start = source.next_line(start)
        row = next(take_rows(source, grammar, start, 1 + dialect.skipped_lines, ANY_WIDTH), None)
        if row is None:
            raise RowFileError(
                f"{source.path}: no row after what is skipped; a row file has at least a header"
            )
        place = f"{source.path}:{row.line}"
        if row.fault:
            hint = _delimiter_hint(text_of(source, row)) if row.end - row.start <= ROW_MAX_BYTES else ""
            raise RowFileError(f"{place}: {row.fault}{hint}")
        self.text = text_of(source, row)
        if not row.raw_fields:
            raise RowFileError(f"{place}: an empty line where the header must stand; remove it")
        self.end, self.next_line = row.end, row.line + row.line_count
        if not dialect.has_header:
            self.text = b""
            self.end, self.next_line = row.start, row.line
            self.names = tuple(str(number) for number in range(1, 1 + len(row.raw_fields)))
            return
        try:
            self.names = tuple(grammar.text(field or b"").decode() for field in row.raw_fields)
        except UnicodeDecodeError as error:
            raise RowFileError(f"{place}: {not_encoded(error, dialect.encoding)}") from error


def text_of(source: Text, row: RowText) -> bytes:
    """Return a row as it stands in the file, with its line break."""
    return source.window(row.start, row.end - row.start)


def pieces_of(source: Text, start: int, end: int) -> Iterator[bytes]:
    """Yield a part of a text in pieces, each of which is released when the next one is asked for."""
    while start < end:
        source.release(start)
        piece = source.window(start, min(_PIECE_BYTES, end - start))
        yield piece
        start += len(piece)


def find_splits(
    source: Text, grammar: Grammar, header: Header
) -> Iterator[tuple[Split, Iterable[bytes | memoryview]]]:
    """Yield the file's splits, from the first row to the last, each with its text in pieces."""
    start, line, number = header.end, header.next_line, 0
    while not source.is_end(start):
        source.release(start)
        position, line_count, pieces = _find_split(source, grammar, start, len(header.names))
        yield Split(number=number, first_place=line, place_count=line_count, position=position), pieces
        start = position.end
        line += line_count
        number += 1


def rows_of(source: Text, grammar: Grammar, split: Split, width: int) -> Iterator[RowText]:
    """Yield a split's rows one by one, also those that could not be taken apart."""
    position = Position(*split.position)
    yield from take_rows(source, grammar, position.start, split.first_place, width, position.end)


def read_split(
    source: Text, grammar: Grammar, split: Split, header: Sequence[str], fields: Sequence[Field]
) -> SplitRows:
    """Return the fields of a split's rows. The header names each of `fields` once."""
    positions = [header.index(field.name) for field in fields]
    start, size_bytes, row_count = Position(*split.position)
    empty_is_null = grammar.dialect.empty_is_null
    source.release(start)
    if row_count:
        text = source.window(start, size_bytes)
        columns = parse_columns(text, grammar, row_count, len(header), positions)
        if columns is not None:
            find_lines = _finding_lines(split, grammar, row_count, text)
            return split_rows_of(source.path, split, columns, find_lines, empty_is_null=empty_is_null)
    parts: list[list[pa.Array]] = [[pa.array([], pa.string())] for _ in fields]
    lines: list[int] = []
    bad: list[BadRow] = []
    rows = rows_of(source, grammar, split, len(header))
    while block := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        values: list[list[str | None]] = []
        for row in block:
            taken = _values(source, grammar, row, fields, positions)
            if isinstance(taken, BadRow):
                bad.append(taken)
            else:
                values.append(taken)
                lines.append(row.line)
        for at, of_field in enumerate(parts):
            of_field.append(pa.array([row_values[at] for row_values in values], pa.string()))
    columns = [pa.concat_arrays(of_field) for of_field in parts]
    found_lines = functools.partial(np.array, lines, np.int64)
    return split_rows_of(source.path, split, columns, found_lines, bad, empty_is_null=empty_is_null)


def _find_split(
    source: Text, grammar: Grammar, start: int, width: int
) -> tuple[Position, int, Iterable[bytes | memoryview]]:
    """Return where the split from `start` is, how many lines it has, and its text in pieces."""
    size_bytes = _SPLIT_BYTES
    while True:
        window = source.window(start, size_bytes)
        cut = find_cut(window, grammar, width, SPLIT_MAX_ROWS)
        if cut is None or cut.size_bytes or source.is_end(start + len(window)):
            break
        if size_bytes >= ROW_MAX_BYTES:
            break
        size_bytes = min(2 * size_bytes, ROW_MAX_BYTES)
    if cut and cut.size_bytes:
        position = Position(start, cut.size_bytes, cut.row_count)
        return position, cut.line_count, [memoryview(window)[: cut.size_bytes]]
    end, line_count = find_row_end(source, grammar, start, width, _SPLIT_BYTES, SPLIT_MAX_ROWS)
    return Position(start, end - start, 0), line_count, pieces_of(source, start, end)


def _finding_lines(split: Split, grammar: Grammar, row_count: int, text: bytes) -> Callable[[], Places]:
    """Return what finds the line that each row of a text without doubt begins on."""
    if split.place_count == row_count:
        # Without the text, which can then be freed.
        end = split.first_place + row_count
        return functools.partial(np.arange, split.first_place, end, dtype=np.int64)
    return lambda: split.first_place + find_row_lines(text, grammar)


def _values(
    source: Text, grammar: Grammar, row: RowText, fields: Sequence[Field], positions: Sequence[int]
) -> list[str | None] | BadRow:
    if row.fault:
        return _bad_row(source, row, "", "", row.fault)
    values: list[str | None] = []
    for field, position in zip(fields, positions, strict=True):
        value = grammar.value(row.raw_fields[position])
        try:
            values.append(None if value is None else value.decode())
        except UnicodeDecodeError as error:
            text = error.object.decode(errors="replace")
            reason = not_encoded(error, grammar.dialect.encoding)
            return _bad_row(source, row, field.column.name, text, reason)
    return values


def _bad_row(source: Text, row: RowText, column: str, value: str, reason: str) -> BadRow:
    return BadRow(
        file=str(source.path), line=row.line, column=column, value=abbreviated(value), reason=reason
    )


def _delimiter_hint(header: bytes) -> str:
    """Return what may be wrong with a header that could not be taken apart: `"id";"name"`."""
    found = _QUOTED_DELIMITER.search(header)
    return f"; {other_delimiter(found[1].decode())}" if found else ""


def _require_text(source: Text) -> int:
    """Return where the text begins: behind a byte-order mark, where there is one.

    Raises:
        RowFileError: there is none, or it is of another format.
    """
    begin = source.window(0, max(map(len, _OTHER_FORMATS)))
    start = len(BYTE_ORDER_MARK) if begin.startswith(BYTE_ORDER_MARK) else 0
    if source.is_end(start) or (start and source.window(start, 2) == b"\n"):
        what = "empty" if source.is_empty() or start else "only line breaks"
        raise RowFileError(f"{source.path}: {what}; a row file has at least a header")
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RowFileError(
            f"{source.path}:1: not UTF-8 but UTF-16; read it with --encoding utf-16, or convert it"
        )
    for magic, kind in _OTHER_FORMATS.items():
        if begin.startswith(magic):
            raise RowFileError(f"{source.path}: not CSV but {kind}")
    return start


_QUOTED_DELIMITER = re.compile(rb'"([;\t|])"')
_OTHER_FORMATS = {
    b"\x1f\x8b": "gzip; read it with --compression gzip, or name it .csv.gz",
    b"BZh91AY": "bzip2; read it with --compression bzip2, or name it .csv.bz2",
    b"\xfd7zXZ\0": "xz; read it with --compression xz, or name it .csv.xz",
    b"\x28\xb5\x2f\xfd": "zstd; read it with --compression zstd, or name it .csv.zst",
    b"\x04\x22\x4d\x18": "lz4; read it with --compression lz4, or name it .csv.lz4",
    b"PK\x03\x04": "a zip archive, as spreadsheets are too; unpack it, or save the sheet as CSV",
}
_SPLIT_BYTES = 6 << 20
_ROWS_AT_ONCE = 10_000
_PIECE_BYTES = 1 << 20
