"""Parses CSV row by row, tolerantly: it defines the rows of a file, and which of its lines are not rows.

RFC 4180, as Python's `csv` reads it when strict, or another dialect: a field may be quoted, a quote in it is
doubled or escaped, a quote inside a field that does not begin with one is a letter like others. A line ends
with LF, CRLF or CR.
A row that cannot be taken apart costs its first line only: the next row begins on the next line, so that a
quote that is never closed does not swallow the rest of the file. The work is linear in the file's size,
whatever it holds: a row is given up at its first surplus field, and within 32 MiB. Empty lines at the file's
end are no rows, and lines that are comments are none.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.rowfiles.formats.csv.grammar import Grammar
from pipeline.rowfiles.texts import LINE_END, ROW_MAX_BYTES, Text

ANY_WIDTH = -1


class RowText(NamedTuple):
    """A row of text: its first line, how many lines and bytes of the file it spans, and its fields.

    Where it could not be taken apart, `fault` says why, and it spans its first line. Fields are as they stand
    in the file, with quotes and escapes, and not decoded; None where a short row lacks it. A comment is a
    line that is no row.
    """

    line: int
    line_count: int
    start: int
    end: int
    raw_fields: Sequence[bytes | None]
    fault: str
    is_comment: bool = False


def take_rows(
    source: Text, grammar: Grammar, start: int, line: int, width: int, stop: int | None = None
) -> Iterator[RowText]:
    """Yield the rows from `start`, where line number `line` begins, to the file's end, or up to `stop`.

    A row of another number of fields than `width` is a fault, unless `width` is ANY_WIDTH. When the next row
    is asked for, the text of this one may be released.
    """
    return (row for row in _take_lines(source, grammar, start, line, width, stop) if not row.is_comment)


def _take_lines(
    source: Text, grammar: Grammar, start: int, line: int, width: int, stop: int | None = None
) -> Iterator[RowText]:
    """Yield rows and comments."""
    whole_row = grammar.whole_row(width)
    size_bytes = _WINDOW_BYTES
    while window := source.window(start, size_bytes):
        ends_file = source.is_end(start + len(window))
        at = 0
        while at < len(window):
            if stop is not None and start + at >= stop:
                return
            if grammar.comment and window.startswith(grammar.comment, at):
                end = _line_end(window, at, ends_file=ends_file)
                if end is None:
                    break
                yield RowText(line, 1, start + at, start + end, [], "", is_comment=True)
                at, line = end, line + 1
                continue
            row = _take_whole(window, at, whole_row) or _take(window, at, width, grammar, ends_file=ends_file)
            if row is None:
                break
            end, fields, fault = row
            line_count = 1 if fault else _count_lines(window, at, end)
            yield RowText(line, line_count, start + at, start + end, fields, fault)
            at = end
            line += line_count
        start += at
        source.release(start)
        if at:
            size_bytes = _WINDOW_BYTES
        elif size_bytes < ROW_MAX_BYTES:
            size_bytes = min(2 * size_bytes, ROW_MAX_BYTES)
        else:
            end = source.next_line(start)
            is_comment = bool(grammar.comment) and window.startswith(grammar.comment)
            yield RowText(line, 1, start, end, [], "" if is_comment else _ENDLESS, is_comment)
            start, line, size_bytes = end, line + 1, _WINDOW_BYTES


def find_row_end(
    source: Text, grammar: Grammar, start: int, width: int, size_bytes: int, most_rows: int
) -> tuple[int, int]:
    """Return where the first row or comment ends that ends `size_bytes` or more behind `start`.

    It is also where so many of them end, or the file. And return the lines up to there. The rows are those
    of `take_rows`.
    """
    at, line_count, taken = start, 0, 0
    if not grammar.comment:
        window = source.window(start, size_bytes)
        ends_file = source.is_end(start + len(window))
        whole_row = grammar.whole_row(width)
        end = 0
        while end < len(window) and taken < most_rows:
            row = _take_whole(window, end, whole_row) or _take(
                window, end, width, grammar, ends_file=ends_file
            )
            if row is None:
                break
            end = row[0]
            taken += 1
        at, line_count = start + end, _count_lines(window, 0, end)
    if at < start + size_bytes:
        lines = _take_lines(source, grammar, at, 1 + line_count, width)
        for row_text in itertools.islice(lines, most_rows - taken):
            at = row_text.end
            line_count = row_text.line - 1 + row_text.line_count
            if at >= start + size_bytes:
                break
    return at, line_count


def _count_lines(window: bytes, start: int, end: int) -> int:
    ends = window.count(b"\n", start, end) + window.count(b"\r", start, end)
    return ends - window.count(b"\r\n", start, end)


def _take_whole(
    window: bytes, start: int, whole_row: re.Pattern[bytes] | None
) -> tuple[int, Sequence[bytes | None], str] | None:
    """Return what `_take` does of a row without fault, many times as fast; None of any other."""
    found = whole_row.match(window, start) if whole_row else None
    return found and (found.end(), list(found.groups()), "")


def _take(
    window: bytes, start: int, width: int, grammar: Grammar, *, ends_file: bool
) -> tuple[int, Sequence[bytes | None], str] | None:
    """Return the end of the row at `start`, fields and fault; None where it goes on after `window`."""
    fields: list[bytes] = []
    at = start
    fault = ""
    while not fault:
        found = grammar.field.match(window, at)
        if found is None:
            fault = _fault_of(window, at, grammar, ends_file=ends_file)
            if not fault:
                return None
            break
        quoted, plain, delimiter = found.groups()
        if delimiter == b"\r" and found.end() == len(window) and not ends_file:
            return None
        at = found.end()
        fields.append(quoted or plain or b"")
        if delimiter != grammar.delimiter:
            if window[start:at] == delimiter:
                fields = []
            if width in {ANY_WIDTH, len(fields)} or _may_be_filled(fields, width, grammar):
                return at, [*fields, *[None] * (width - len(fields))], ""
            fault = _wrong_width(window[start:at], len(fields), width, grammar)
        elif len(fields) == width:
            line_end = _line_end(window, at, ends_file=ends_file)
            if line_end is None:
                return None
            count = width + _count_fields(window, at, line_end, grammar)
            fault = _wrong_width(window[start:line_end], count, width, grammar)
    line_end = _line_end(window, start, ends_file=ends_file)
    hint = "" if line_end is None else _escape_hint(window, start, line_end, grammar)
    return None if line_end is None else (line_end, [], fault + hint)


def _may_be_filled(fields: Sequence[bytes], width: int, grammar: Grammar) -> bool:
    return grammar.dialect.fills_short_rows and 0 < len(fields) < width


def _fault_of(window: bytes, at: int, grammar: Grammar, *, ends_file: bool) -> str:
    """Return what is wrong with the field at `at`; nothing where it goes on after `window`."""
    closed = grammar.quoted.match(window, at)
    left_bytes = len(window) - closed.end() if closed else 0
    # The window may end within a delimiter.
    if left_bytes >= (1 if ends_file else len(grammar.delimiter)):
        return _STRAY
    if not ends_file:
        return ""
    return _UNCLOSED if grammar.quote and window.find(grammar.quote, at) >= 0 else _ESCAPED_END


def _line_end(window: bytes, start: int, *, ends_file: bool) -> int | None:
    found = LINE_END.search(window, start)
    if found is None or (found.end() == len(window) and found.group() == b"\r"):
        return len(window) if ends_file else None
    return found.end()


def _count_fields(window: bytes, at: int, line_end: int, grammar: Grammar) -> int:
    count = 1
    while (found := grammar.field.match(window, at, line_end)) and found["end"] == grammar.delimiter:
        count += 1
        at = found.end()
    return count


def _wrong_width(text: bytes, count: int, width: int, grammar: Grammar) -> str:
    if not text.rstrip(b"\r\n"):
        return "an empty line; remove it"
    if not text.strip():
        return "a line of blanks; remove it"
    where = f"{count} field{'s' * (count != 1)} where the header has {width}"
    if not text.strip(grammar.delimiter + b" \t\r\n"):
        return f"{where}, all of them empty; remove the line"
    name = "a comma" if grammar.delimiter == b"," else repr(grammar.dialect.delimiter)
    return f"{where}; quote values that hold {name}" if grammar.quote else f"{where}; escape {name} in values"


def _escape_hint(window: bytes, start: int, end: int, grammar: Grammar) -> str:
    if grammar.escape or window.find(b'\\"', start, end) < 0:
        return ""
    return _NO_ESCAPE


_STRAY = "not CSV: text after a closing quote; look for a quote that is not doubled or not closed"
_UNCLOSED = "not CSV: a quote is open to the file's end; look for a quote that is not doubled or not closed"
_ESCAPED_END = "not CSV: an escape takes the file's last line break; look for one that escapes nothing"
_NO_ESCAPE = r"""; a backslash escapes nothing here: write \" as "", or read the file with --escape '\'"""
_ENDLESS = (
    f"longer than {ROW_MAX_BYTES >> 20} MiB, more than a server takes; "
    "shorten it, or look for a quote that is not doubled or not closed"
)
_WINDOW_BYTES = 1 << 20
