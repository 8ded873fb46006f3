"""CSV of any dialect, read byte by byte: what a dialect means, written once more and as plainly as can be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.rowfiles.dialect import Dialect
from tests.harness.hostilefile import Row
from tests.harness.hostilerows import NAMES

Lines = list[tuple[int, Row | None]]
"""The rows of a file, each with its first line; None is a row that is bad."""


class _NotARowError(Exception):
    """A row that cannot be taken apart."""


@dataclass(frozen=True)
class _Field:
    """A field as it stands in the file, without quotes, and what it means."""

    written: bytes
    value: bytes
    is_quoted: bool


def rows_of_text(text: bytes, dialect: Dialect) -> Lines | None:
    """Return the rows of a text in UTF-8; None where its header is not of the three names, in any order."""
    reader = _Reader(_with_one_end(text.removeprefix(b"\xef\xbb\xbf")), dialect)
    for _ in range(dialect.skipped_lines):
        reader.pass_line()
    order: Sequence[int] = range(len(NAMES))
    if dialect.has_header:
        reader.pass_comments()
        try:
            names = [field.value.decode() for field in reader.row()]
        except (_NotARowError, UnicodeDecodeError):
            return None
        if sorted(names) != sorted(NAMES):
            return None
        order = [names.index(name) for name in NAMES]
    found: Lines = []
    reader.pass_comments()
    while reader.at < len(reader.text):
        found.append((reader.line, _take(reader, order)))
        reader.pass_comments()
    return found


def _take(reader: "_Reader", order: Sequence[int]) -> Row | None:
    """Take a row; a bad one is only its first line."""
    start = reader.at
    dialect = reader.dialect
    try:
        fields = reader.row()
        is_short = dialect.fills_short_rows and 0 < len(fields) < len(order)
        if is_short or len(fields) == len(order):
            values = [_value(field, dialect) for field in fields] + [None] * (len(order) - len(fields))
            # A row that is not UTF-8 is bad as a whole.
            return tuple(values[place] for place in order)
    except UnicodeDecodeError:
        return None
    except _NotARowError:
        pass
    reader.at = start
    reader.pass_line()
    return None


def _value(field: _Field, dialect: Dialect) -> str | None:
    can_be_null = dialect.quoted_nulls or not field.is_quoted
    if can_be_null and field.written in [word.encode() for word in dialect.nulls]:
        return None
    return field.value.decode()


def _with_one_end(text: bytes) -> bytes:
    """Return the text without empty lines at its end; its last line has a line break."""
    lines = text.rstrip(b"\r\n")
    end = text[len(lines) :]
    return lines + (b"\r\n" if end.startswith(b"\r\n") else end[:1] or b"\n")


class _Reader:
    """A place in a text."""

    def __init__(self, text: bytes, dialect: Dialect) -> None:
        self.text, self.dialect, self.at = text, dialect, 0
        self._line, self._line_at = 1, 0
        self._quote, self._escape, self._delimiter, self._comment = (
            each.encode() for each in (dialect.quote, dialect.escape, dialect.delimiter, dialect.comment)
        )
        self._blanks = b" \t".replace(self._delimiter, b"") if dialect.trim else b""

    @property
    def line(self) -> int:
        """The line that the row at this place begins in."""
        if self.at > self._line_at:
            self._line += len(re.findall(rb"\r\n|\r|\n", self.text[self._line_at : self.at]))
            self._line_at = self.at
        return self._line

    def pass_line(self) -> None:
        """Go to the beginning of the next line."""
        while self.at < len(self.text) and not self._line_end():
            self.at += 1
        self.at += len(self._line_end())

    def pass_comments(self) -> None:
        """Go to the next row."""
        while self._comment and self.text.startswith(self._comment, self.at):
            self.pass_line()

    def row(self) -> list[_Field]:
        """Take the fields up to the end of a line; an empty line has none.

        Raises:
            _NotARowError: the row has no end, or text behind a closing quote.
        """
        if end := self._line_end():
            self.at += len(end)
            return []
        fields = [self._field()]
        while self._has(self._delimiter):
            fields.append(self._field())
        if not (end := self._line_end()):
            raise _NotARowError
        self.at += len(end)
        return fields

    def _field(self) -> _Field:
        start = self.at
        self._pass_blanks()
        if self._quote and self._has(self._quote):
            return self._quoted()
        self.at = start
        return self._plain()

    def _quoted(self) -> _Field:
        start, value = self.at, b""
        while True:
            if self._escape and self._has(self._escape):
                value += self._escaped(in_quotes=True)
            elif not self._escape and self._has(self._quote * 2):
                value += self._quote
            elif self._has(self._quote):
                break
            else:
                value += self._byte()
        written = self.text[start : self.at - len(self._quote)] if self._escape else value
        self._pass_blanks()
        return _Field(written, self._meant(value), is_quoted=True)

    def _plain(self) -> _Field:
        self._pass_blanks()
        start = kept_at = self.at
        value, kept = b"", 0
        while not (self._line_end() or self.text.startswith(self._delimiter, self.at)):
            if self._escape and self.dialect.escapes != "quotes" and self._has(self._escape):
                value += self._escaped(in_quotes=False)
                kept, kept_at = len(value), self.at
            else:
                value += self._byte()
        # What is escaped is not trimmed.
        value = value[:kept] + self._trimmed(value[kept:])
        written = self.text[start:kept_at] + self._trimmed(self.text[kept_at : self.at])
        return _Field(written, self._meant(value), is_quoted=False)

    def _escaped(self, *, in_quotes: bool) -> bytes:
        """Return what an escape and the byte after it mean."""
        style = self.dialect.escapes
        if style == "quotes":
            special = next(
                (each for each in (self._quote, self._escape) if in_quotes and self._has(each)), None
            )
            return self._escape if special is None else special
        byte = self._byte()
        if style == "letters":
            return {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}.get(
                byte, byte
            )
        return byte

    def _meant(self, value: bytes) -> bytes:
        r"""Return a value, where it is shown as Python shows it: in it, a backslash is two."""
        if self.dialect.escapes != "twice":
            return value
        shown = {rb"\\": b"\\", rb"\n": b"\n", rb"\r": b"\r", rb"\t": b"\t"}
        return re.sub(
            rb"\\(?:[\\nrt]|x[0-9a-f]{2})",
            lambda found: (
                shown.get(found[0]) or bytes.fromhex(found[0][2:].decode()).decode("latin-1").encode()
            ),
            value,
        )

    def _line_end(self) -> bytes:
        return next((end for end in (b"\r\n", b"\n", b"\r") if self.text.startswith(end, self.at)), b"")

    def _pass_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in self._blanks:
            self.at += 1

    def _trimmed(self, text: bytes) -> bytes:
        return text.rstrip(self._blanks) if self._blanks else text

    def _byte(self) -> bytes:
        self.at += 1
        if self.at > len(self.text):
            raise _NotARowError
        return self.text[self.at - 1 : self.at]

    def _has(self, mark: bytes) -> bool:
        """Return whether a mark is next, and pass it."""
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True
