"""CSV row files in splits of about 6 MiB: whole columns where the text is plain, row by row where it is not.

`rows` defines what a file's rows are. Where quotes, line ends and numbers of fields leave no doubt, Arrow
reads the same from the text, many times as fast. Where a split ends depends on the file's content alone.
"""

import codecs
import functools
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field, other_delimiter
from pipeline.rowfiles.formats.csv.rows import (
    ANY_WIDTH,
    BYTE_ORDER_MARK,
    ROW_MAX_BYTES,
    RowText,
    TextFile,
    find_row_end,
    take_rows,
)
from pipeline.rowfiles.formats.csv.text import find_cut, find_row_lines, parse_columns
from pipeline.rowfiles.opening import not_utf8
from pipeline.rowfiles.splitrows import Lines, SplitRows
from pipeline.rowfiles.splits import Split


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
    """The header of an open CSV file.

    Raises:
        RowFileError: the file is empty, cut off or UTF-16, or its header is not CSV in UTF-8.
    """

    def __init__(self, source: TextFile) -> None:
        _require_whole(source)
        row = next(take_rows(source, _start(source), 1, ANY_WIDTH))
        self.text = text_of(source, row)
        if row.fault:
            raise RowFileError(f"{source.path}:1: {row.fault}{_delimiter_hint(self.text)}")
        if not row.fields:
            raise RowFileError(f"{source.path}:1: an empty line where the header must stand; remove it")
        try:
            self.names = tuple(field.decode() for field in row.fields)
        except UnicodeDecodeError as error:
            raise RowFileError(f"{source.path}:1: {not_utf8(error)}") from error
        self.end = row.end
        self.line_count = row.line_count


def text_of(source: TextFile, row: RowText) -> bytes:
    """Return a row as it stands in the file, with its line break."""
    return source.window(row.start, row.end - row.start)


def find_splits(source: TextFile, header: Header) -> Iterator[tuple[Split, memoryview]]:
    """Yield the file's splits, from the first row to the last, each with its text."""
    start, line, number = header.end, 1 + header.line_count, 0
    while start < source.size_bytes:
        position, line_count, text = _find_split(source, start, len(header.names))
        yield Split(number=number, first_line=line, line_count=line_count, position=position), text
        start = position.end
        line += line_count
        number += 1


def rows_of(source: TextFile, split: Split, width: int) -> Iterator[RowText]:
    """Yield a split's rows one by one, also those that could not be taken apart."""
    position = Position(*split.position)
    for row in take_rows(source, position.start, split.first_line, width):
        if row.start >= position.end:
            break
        yield row


def read_split(source: TextFile, split: Split, header: Sequence[str], fields: Sequence[Field]) -> SplitRows:
    """Return the fields of a split's rows. The header names each of `fields` once."""
    positions = [header.index(field.name) for field in fields]
    start, size_bytes, row_count = Position(*split.position)
    if row_count:
        text = source.window(start, size_bytes)
        columns = parse_columns(text, row_count, len(header), positions)
        if columns is not None:
            return _split_rows(source, split, columns, _finding_lines(split, row_count, text))
    parts: list[list[pa.Array]] = [[pa.array([], pa.string())] for _ in fields]
    lines: list[int] = []
    bad: list[BadRow] = []
    rows = rows_of(source, split, len(header))
    while block := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        values: list[list[str | None]] = []
        for row in block:
            taken = _values(source, row, fields, positions)
            if isinstance(taken, BadRow):
                bad.append(taken)
            else:
                values.append(taken)
                lines.append(row.line)
        for at, of_field in enumerate(parts):
            of_field.append(pa.array([row_values[at] for row_values in values], pa.string()))
    columns = [pa.concat_arrays(of_field) for of_field in parts]
    return _split_rows(source, split, columns, functools.partial(np.array, lines, np.int64), bad)


def _find_split(source: TextFile, start: int, width: int) -> tuple[Position, int, memoryview]:
    """Return where the split from `start` is, how many lines it has, and its text."""
    size_bytes = _SPLIT_BYTES
    while True:
        window = source.window(start, size_bytes)
        cut = find_cut(window, width)
        if cut is None or cut.size_bytes or start + len(window) == source.size_bytes:
            break
        if size_bytes >= ROW_MAX_BYTES:
            break
        size_bytes = min(2 * size_bytes, ROW_MAX_BYTES)
    if cut and cut.size_bytes:
        position = Position(start, cut.size_bytes, cut.row_count)
        return position, cut.line_count, memoryview(window)[: cut.size_bytes]
    end, line_count = find_row_end(source, start, width, _SPLIT_BYTES)
    return Position(start, end - start, 0), line_count, memoryview(source.window(start, end - start))


def _finding_lines(split: Split, row_count: int, text: bytes) -> Callable[[], Lines]:
    """Return what finds the line that each row of a text without doubt begins on."""
    if split.line_count == row_count:
        # Without the text, which can then be freed.
        return functools.partial(np.arange, split.first_line, split.first_line + row_count, dtype=np.int64)
    return lambda: split.first_line + find_row_lines(text)


def _split_rows(
    source: TextFile,
    split: Split,
    columns: Sequence[pa.Array],
    find_lines: Callable[[], Lines],
    bad: Sequence[BadRow] = (),
) -> SplitRows:
    return SplitRows(
        file=source.path,
        number=split.number,
        first_line=split.first_line,
        columns=columns,
        empty_is_null=True,
        find_lines=find_lines,
        bad=bad,
    )


def _values(
    source: TextFile, row: RowText, fields: Sequence[Field], positions: Sequence[int]
) -> list[str | None] | BadRow:
    if row.fault:
        return _bad_row(source, row, "", "", row.fault)
    values: list[str | None] = []
    for field, position in zip(fields, positions, strict=True):
        try:
            values.append(row.fields[position].decode() or None)
        except UnicodeDecodeError as error:
            value = row.fields[position].decode(errors="replace")
            return _bad_row(source, row, field.column.name, value, not_utf8(error))
    return values


def _bad_row(source: TextFile, row: RowText, column: str, value: str, reason: str) -> BadRow:
    return BadRow(
        file=str(source.path), line=row.line, column=column, value=abbreviated(value), reason=reason
    )


def _delimiter_hint(header: bytes) -> str:
    """Return what may be wrong with a header that could not be taken apart: `"id";"name"`."""
    found = _QUOTED_DELIMITER.search(header)
    return f"; {other_delimiter(found[1].decode())}" if found else ""


def _start(source: TextFile) -> int:
    """Return where the header begins: behind a byte-order mark, where there is one."""
    return len(BYTE_ORDER_MARK) if source.window(0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0


def _require_whole(source: TextFile) -> None:
    begin = source.window(0, max(map(len, _OTHER_FORMATS)))
    if source.size_bytes <= _start(source):
        what = "only line breaks" if source.file_bytes > _start(source) else "empty"
        raise RowFileError(f"{source.path}: {what}; a row file has at least a header")
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RowFileError(f"{source.path}:1: not UTF-8 but UTF-16; convert the file, for example with iconv")
    for magic, kind in _OTHER_FORMATS.items():
        if begin.startswith(magic):
            raise RowFileError(f"{source.path}: not CSV but {kind}")
    if source.window(source.size_bytes - 1, 1) not in {b"\n", b"\r"}:
        raise RowFileError(
            f"{source.path}: cut off, its last line has no line break; copy it again, or, if it is whole, "
            "end it with a line break"
        )


_QUOTED_DELIMITER = re.compile(rb'"([;\t|])"')
_OTHER_FORMATS = {
    b"\x1f\x8b": "gzip; unpack it",
    b"BZh91AY": "bzip2; unpack it",
    b"\xfd7zXZ\0": "xz; unpack it",
    b"\x28\xb5\x2f\xfd": "zstd; unpack it",
    b"PK\x03\x04": "a zip archive, as spreadsheets are too; unpack it, or save the sheet as CSV",
}
_SPLIT_BYTES = 6 << 20
_ROWS_AT_ONCE = 10_000
