"""CSV row files in chunks of about 1 MiB: whole columns where the text is plain, row by row where it is not.

`csvrows` says what a file's rows are. Where quotes, line ends and numbers of fields leave no doubt, Arrow
reads the same from the text, many times as fast. Where a chunk ends depends on the file's content alone,
never on which chunks or fields are asked for.
"""

import codecs
import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.chunk import Chunk, Lines, Wanted, every, not_utf8, open_regular
from pipeline.rowfiles.csvrows import ANY_WIDTH, BYTE_ORDER_MARK, ROW_MAX_BYTES, RowText, TextFile, take_rows
from pipeline.rowfiles.csvtext import find_cut, find_row_lines, parse_columns
from pipeline.rowfiles.fields import Field, other_delimiter


@dataclass(frozen=True, kw_only=True)
class Block:
    """A chunk before it is parsed: its place in the file, and its text or its rows.

    `rows` is None where `text` is cut between rows without doubt.
    """

    number: int
    start: int
    size_bytes: int
    first_line: int
    line_count: int
    row_count: int
    text: bytes = b""
    rows: Sequence[RowText] | None = None

    def lines(self) -> Lines:
        """Return the line that each row of its text begins on."""
        if self.line_count == self.row_count:
            return np.arange(self.first_line, self.first_line + self.row_count, dtype=np.int64)
        return self.first_line + find_row_lines(self.text)


class CsvFile:
    """An open CSV file, its header read.

    Raises:
        RowFileError: it is empty, cut off or UTF-16, or its header is not CSV in UTF-8.
    """

    def __init__(self, source: TextFile) -> None:
        self._source = source
        _require_whole(source)
        header = next(take_rows(source, _start(source), 1, ANY_WIDTH))
        if header.fault:
            raise RowFileError(f"{source.path}:1: {header.fault}{self._delimiter_hint(header)}")
        if not header.fields:
            raise RowFileError(f"{source.path}:1: an empty line where the header must stand; remove it")
        try:
            self.header = [field.decode() for field in header.fields]
        except UnicodeDecodeError as error:
            raise RowFileError(f"{source.path}:1: {not_utf8(error)}") from error
        self.header_text = self.text(header)
        self._first_row = (header.end, 1 + header.line_count)

    def text(self, row: RowText) -> bytes:
        """Return a row as it stands in the file, with its line break."""
        return self._source.window(row.start, row.end - row.start)

    def blocks(self) -> Iterator[Block]:
        """Yield the file's blocks, from the first row to the last."""
        start, line = self._first_row
        number = 0
        while start < self._source.size_bytes:
            block = self._block(number, start, line)
            yield block
            start += block.size_bytes
            line += block.line_count
            number += 1

    def rows(self, block: Block) -> Iterator[RowText]:
        """Yield a block's rows one by one, also those that could not be taken apart."""
        if block.rows is not None:
            yield from block.rows
            return
        for row in take_rows(self._source, block.start, block.first_line, len(self.header)):
            if row.start >= block.start + block.size_bytes:
                break
            yield row

    def chunk(self, block: Block, fields: Sequence[Field]) -> Chunk:
        """Return the fields of a block's rows."""
        positions = [self.header.index(field.name) for field in fields]
        if block.rows is None:
            columns = parse_columns(block.text, block.row_count, len(self.header), positions)
            if columns is not None:
                return self._chunk(block, columns, block.lines)
        values: list[list[str | None]] = []
        lines: list[int] = []
        bad: list[BadRow] = []
        for row in self.rows(block):
            taken = self._values(row, fields, positions)
            if isinstance(taken, BadRow):
                bad.append(taken)
            else:
                values.append(taken)
                lines.append(row.line)
        columns = [
            pa.array([row_values[at] for row_values in values], pa.string()) for at in range(len(fields))
        ]
        return self._chunk(block, columns, functools.partial(np.array, lines, np.int64), bad)

    def _delimiter_hint(self, header: RowText) -> str:
        """Return what may be wrong with a header that could not be taken apart: `"id";"name"`."""
        found = _QUOTED_DELIMITER.search(self.text(header))
        return f"; {other_delimiter(found[1].decode())}" if found else ""

    def _chunk(
        self,
        block: Block,
        columns: Sequence[pa.Array],
        find_lines: Callable[[], Lines],
        bad: Sequence[BadRow] = (),
    ) -> Chunk:
        return Chunk(
            file=self._source.path,
            number=block.number,
            first_line=block.first_line,
            columns=columns,
            find_lines=find_lines,
            bad=bad,
        )

    def _block(self, number: int, start: int, line: int) -> Block:
        size_bytes = _CHUNK_BYTES
        while True:
            window = self._source.window(start, size_bytes)
            cut = find_cut(window, len(self.header))
            if cut is None or cut.size_bytes or start + len(window) == self._source.size_bytes:
                break
            if size_bytes >= ROW_MAX_BYTES:
                break
            size_bytes = min(2 * size_bytes, ROW_MAX_BYTES)
        if not cut or not cut.size_bytes:
            return self._block_by_rows(number, start, line)
        return Block(
            number=number,
            start=start,
            size_bytes=cut.size_bytes,
            first_line=line,
            line_count=cut.line_count,
            row_count=cut.row_count,
            text=window[: cut.size_bytes],
        )

    def _block_by_rows(self, number: int, start: int, line: int) -> Block:
        rows = []
        for row in take_rows(self._source, start, line, len(self.header)):
            rows.append(row)
            if row.end >= start + _CHUNK_BYTES:
                break
        return Block(
            number=number,
            start=start,
            size_bytes=rows[-1].end - start,
            first_line=line,
            line_count=rows[-1].line + rows[-1].line_count - line,
            row_count=len(rows),
            rows=rows,
        )

    def _values(
        self, row: RowText, fields: Sequence[Field], positions: Sequence[int]
    ) -> list[str | None] | BadRow:
        if row.fault:
            return self._bad_row(row, "", "", row.fault)
        values: list[str | None] = []
        for field, position in zip(fields, positions, strict=True):
            try:
                values.append(row.fields[position].decode() or None)
            except UnicodeDecodeError as error:
                value = row.fields[position].decode(errors="replace")
                return self._bad_row(row, field.column.name, value, not_utf8(error))
        return values

    def _bad_row(self, row: RowText, column: str, value: str, reason: str) -> BadRow:
        return BadRow(
            file=str(self._source.path), line=row.line, column=column, value=abbreviated(value), reason=reason
        )


@contextlib.contextmanager
def open_csv(file: Path) -> Iterator[CsvFile]:
    """Open a CSV file and read its header.

    Raises:
        RowFileError: it cannot be read, is empty, cut off or UTF-16, or its header is not CSV in UTF-8.
    """
    with open_regular(file) as stream:
        yield CsvFile(TextFile(file, stream))


def read_csv_chunks(file: Path, fields: Sequence[Field], wanted: Wanted = every) -> Iterator[Chunk]:
    """Yield the wanted chunks of a file whose header names each of `fields` once.

    Raises:
        RowFileError: as `open_csv`.
    """
    with open_csv(file) as opened:
        for block in opened.blocks():
            if wanted(block.number):
                yield opened.chunk(block, fields)


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
_CHUNK_BYTES = 1 << 20
