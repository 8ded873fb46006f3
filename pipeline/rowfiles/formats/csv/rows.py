"""Parses CSV row by row, tolerantly: it defines the rows of a file, and which of its lines are not rows.

RFC 4180, as Python's `csv` reads it when strict: a field may be quoted, a quote in it is doubled, a quote
inside a field that does not begin with one is a letter like others. A line ends with LF, CRLF or CR.
A row that cannot be taken apart costs its first line only: the next row begins on the next line, so that a
quote that is never closed does not swallow the rest of the file. The work is linear in the file's size,
whatever it holds: a row is given up at its first surplus field, and within 32 MiB. Empty lines at the file's
end are no rows.
"""

import codecs
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipeline.errors import RowFileError

# The most that a stock server takes in one mutation is 16 MiB; a blob in hexadecimal, or a text of nothing
# but quotes, is twice as long in the file.
ROW_MAX_BYTES = 32 << 20
ANY_WIDTH = -1
BYTE_ORDER_MARK = codecs.BOM_UTF8


class RowText(NamedTuple):
    """A row of text: its first line, how many lines and bytes of the file it spans, and its fields.

    Where it could not be taken apart, `fault` says why, and it spans its first line. Fields are without
    quotes, and not decoded.
    """

    line: int
    line_count: int
    start: int
    end: int
    fields: list[bytes]
    fault: str


class TextFile:
    """A file open for reading at any place, up to the empty lines at its end."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream
        self.size_bytes = self.file_bytes = stream.seek(0, 2)
        self.size_bytes = self._end_of_rows()

    def window(self, start: int, size_bytes: int) -> bytes:
        """Return `size_bytes` of the file from `start`, fewer only where it ends.

        Raises:
            RowFileError: it ends before it did when it was opened.
        """
        self._stream.seek(start)
        expected_bytes = min(size_bytes, self.size_bytes - start)
        content = self._stream.read(expected_bytes)
        if len(content) < expected_bytes:
            raise RowFileError(f"{self.path}: became shorter while it was read; load it when it is complete")
        return content

    def next_line(self, start: int) -> int:
        """Return where the line after the one that `start` is in begins."""
        while start < self.size_bytes:
            window = self.window(start, _WINDOW_BYTES)
            found = _LINE_END.search(window)
            if found is None:
                start += len(window)
            elif (
                found.end() < len(window) or found.group() != b"\r" or start + found.end() == self.size_bytes
            ):
                return start + found.end()
            else:
                start += found.start()
        return self.size_bytes

    def _end_of_rows(self) -> int:
        """Return where the line that is the last but for empty ones ends; 0 where all are empty."""
        end = self.size_bytes
        while end:
            start = max(0, end - _WINDOW_BYTES)
            window = self.window(start, end - start)
            if kept := window.rstrip(b"\r\n"):
                return self.next_line(start + len(kept) - 1)
            end = start
        return 0


def take_rows(source: TextFile, start: int, line: int, width: int) -> Iterator[RowText]:
    """Yield the rows from `start`, where line number `line` begins, to the file's end.

    A row of another number of fields than `width` is a fault, unless `width` is ANY_WIDTH.
    """
    whole_row = _pattern_of(width)
    size_bytes = _WINDOW_BYTES
    while start < source.size_bytes:
        window = source.window(start, size_bytes)
        ends_file = start + len(window) == source.size_bytes
        at = 0
        while at < len(window):
            row = _take_whole(window, at, whole_row) or _take(window, at, width, ends_file=ends_file)
            if row is None:
                break
            end, fields, fault = row
            line_count = 1 if fault else _count_lines(window, at, end)
            yield RowText(line, line_count, start + at, start + end, fields, fault)
            at = end
            line += line_count
        start += at
        if at:
            size_bytes = _WINDOW_BYTES
        elif size_bytes < ROW_MAX_BYTES:
            size_bytes = min(2 * size_bytes, ROW_MAX_BYTES)
        else:
            end = source.next_line(start)
            yield RowText(line, 1, start, end, [], _ENDLESS)
            start, line, size_bytes = end, line + 1, _WINDOW_BYTES


def find_row_end(source: TextFile, start: int, width: int, size_bytes: int) -> tuple[int, int]:
    """Return where the first row ends that ends `size_bytes` or more behind `start`, and the lines so far.

    The rows are those of `take_rows`. Where fewer bytes are left, it is the file's end.
    """
    window = source.window(start, size_bytes)
    ends_file = start + len(window) == source.size_bytes
    whole_row = _pattern_of(width)
    at = 0
    while at < len(window):
        row = _take_whole(window, at, whole_row) or _take(window, at, width, ends_file=ends_file)
        if row is None:
            break
        at = row[0]
    end, line_count = start + at, _count_lines(window, 0, at)
    if end < start + size_bytes:
        for row_text in take_rows(source, end, 1, width):
            end, line_count = row_text.end, line_count + row_text.line_count
            if end >= start + size_bytes:
                break
    return end, line_count


def _count_lines(window: bytes, start: int, end: int) -> int:
    ends = window.count(b"\n", start, end) + window.count(b"\r", start, end)
    return ends - window.count(b"\r\n", start, end)


@functools.lru_cache
def _pattern_of(width: int) -> re.Pattern[bytes] | None:
    """Return the pattern of a row without fault; where it does not match, `_take` judges the row.

    It is of one row: a possessive run of rows matches too much in Python 3.11.0 to 3.11.4 (gh-106052).
    """
    if not 0 < width <= _MATCHED_MOST_FIELDS:
        return None
    return re.compile(_ROW_BEGIN + b",".join([rb"(" + _RAW_FIELD + rb")"] * width) + _ROW_END)


def _take_whole(
    window: bytes, start: int, whole_row: re.Pattern[bytes] | None
) -> tuple[int, list[bytes], str] | None:
    """Return what `_take` does of a row without fault, many times as fast; None of any other."""
    found = whole_row.match(window, start) if whole_row else None
    if found is None:
        return None
    fields = list(found.groups())
    if window.find(b'"', start, found.end()) >= 0:
        fields = [field[1:-1].replace(b'""', b'"') if field[:1] == b'"' else field for field in fields]
    return found.end(), fields, ""


def _take(window: bytes, start: int, width: int, *, ends_file: bool) -> tuple[int, list[bytes], str] | None:
    """Return the end of the row at `start`, fields and fault; None where it goes on after `window`."""
    fields: list[bytes] = []
    at = start
    fault = ""
    while not fault:
        found = _FIELD.match(window, at)
        if found is None:
            fault = _quote_fault(window, at, ends_file=ends_file)
            if not fault:
                return None
            break
        quoted, plain, delimiter = found.groups()
        if delimiter == b"\r" and found.end() == len(window) and not ends_file:
            return None
        at = found.end()
        fields.append(plain or b"" if quoted is None else quoted.replace(b'""', b'"'))
        if delimiter != b",":
            if window[start:at] == delimiter:
                fields = []
            if width in {ANY_WIDTH, len(fields)}:
                return at, fields, ""
            fault = _wrong_width(window[start:at], len(fields), width)
        elif len(fields) == width:
            line_end = _line_end(window, at, ends_file=ends_file)
            if line_end is None:
                return None
            count = width + _count_fields(window, at, line_end)
            fault = _wrong_width(window[start:line_end], count, width)
    line_end = _line_end(window, start, ends_file=ends_file)
    return None if line_end is None else (line_end, [], fault + _backslash_hint(window, start, line_end))


def _quote_fault(window: bytes, at: int, *, ends_file: bool) -> str:
    """Return what is wrong with the field at `at`; nothing where it goes on after `window`."""
    closed = _QUOTED.match(window, at)
    if closed and closed.end() < len(window):
        return _STRAY
    return _UNCLOSED if ends_file else ""


def _line_end(window: bytes, start: int, *, ends_file: bool) -> int | None:
    found = _LINE_END.search(window, start)
    if found is None or (found.end() == len(window) and found.group() == b"\r"):
        return len(window) if ends_file else None
    return found.end()


def _count_fields(window: bytes, at: int, line_end: int) -> int:
    count = 1
    while (found := _FIELD.match(window, at, line_end)) and found[3] == b",":
        count += 1
        at = found.end()
    return count


def _wrong_width(text: bytes, count: int, width: int) -> str:
    if not text.rstrip(b"\r\n"):
        return "an empty line; remove it"
    if not text.strip():
        return "a line of blanks; remove it"
    where = f"{count} field{'s' * (count != 1)} where the header has {width}"
    if not text.strip(b", \t\r\n"):
        return f"{where}, all of them empty; remove the line"
    return f"{where}; quote values that hold a comma"


def _backslash_hint(window: bytes, start: int, end: int) -> str:
    return _NO_ESCAPE if window.find(b'\\"', start, end) >= 0 else ""


_RAW_FIELD = rb'"[^"]*+(?:""[^"]*+)*+"|(?:[^",\r\n][^,\r\n]*+)?+'
_ROW_BEGIN = rb"(?![\r\n])"
# The last field of the window's last row may go on, or its carriage return may be half of a CRLF.
_ROW_END = rb"(?:\r\n|\n|\r(?!\Z))"
_FIELD = re.compile(rb'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",\r\n][^,\r\n]*+)?+)(,|\r\n|\n|\r)')
_QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')
_LINE_END = re.compile(rb"\r\n|\n|\r")
_STRAY = "not CSV: text after a closing quote; look for a quote that is not doubled or not closed"
_UNCLOSED = "not CSV: a quote is open to the file's end; look for a quote that is not doubled or not closed"
_NO_ESCAPE = r'; a backslash escapes nothing here: write \" as ""'
_ENDLESS = (
    f"longer than {ROW_MAX_BYTES >> 20} MiB, more than a server takes; "
    "shorten it, or look for a quote that is not doubled or not closed"
)
_WINDOW_BYTES = 1 << 20
# Compiling a pattern takes 0.2 ms a field: more of them would take longer than they save.
_MATCHED_MOST_FIELDS = 200
