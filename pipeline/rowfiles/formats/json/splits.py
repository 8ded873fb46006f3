"""The splits of a JSON file, and what is wrong with a file as a whole: its brackets and its commas."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.formats.json.elements import take_elements
from pipeline.rowfiles.formats.json.text import find_elements
from pipeline.rowfiles.splits import Split
from pipeline.rowfiles.texts import BYTE_ORDER_MARK, ROW_MAX_BYTES, SPLIT_MAX_ROWS, Text


class Position(NamedTuple):
    """Where a split's text is, in bytes, from its first element to its last; the line on which it begins."""

    start: int
    size_bytes: int
    line: int
    in_array: int


def find_splits(source: Text) -> Iterator[Split]:
    """Yield the file's splits: whole elements.

    Raises:
        RowFileError: it is not one array, or objects one after another, from its beginning to its end.
    """
    cursor = _Cursor(source)
    in_array = _enter(cursor)
    cursor.row = 1
    number = 0
    while cursor.mark != (b"]" if in_array else b""):
        if not cursor.mark:
            raise RowFileError(
                f"{source.path}: cut off, the array has no ] at its end; copy the file again, or look for a "
                "bracket that is not closed"
            )
        if fault := (_IN_ARRAY if in_array else _IN_NO_ARRAY).get(cursor.mark):
            raise cursor.fault(fault)
        text, count = _take(cursor, in_array=in_array)
        position = Position(cursor.at, len(text), cursor.line, int(in_array))
        yield Split(number=number, first_place=cursor.row, place_count=count, position=position)
        number += 1
        cursor.row += count
        cursor.skip(text)
        if in_array:
            _leave_element(cursor)
    if in_array:
        cursor.row = 0
        cursor.skip(b"]")
        if cursor.mark:
            raise cursor.fault(f"{cursor.shown} after the array's end; a file has one array, and no more")


class _Cursor:
    """Where a text is read: in bytes, its line, its row or 0, the byte there, and how a message shows it."""

    def __init__(self, source: Text) -> None:
        self.source = source
        self.at, self.line, self.row = 0, 1, 0
        self.mark, self.shown = b"", ""
        self.skip(BYTE_ORDER_MARK if source.window(0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else b"")

    def skip(self, text: bytes) -> None:
        """Go on behind this text, which is here, and behind all blanks that follow it."""
        self._pass(text)
        while window := self.source.window(self.at, _WINDOW_BYTES):
            kept = window.lstrip(b" \t\r\n")
            self._pass(window[: len(window) - len(kept)])
            if kept:
                self.mark = kept[:1]
                self.shown = repr(abbreviated(kept[:_SHOWN_BYTES].decode(errors="replace").strip(), _SHOWN))
                return
        self.mark = b""

    def fault(self, what: str) -> RowFileError:
        """Return the error that says what is wrong here."""
        row = f" (row {self.row})" if self.row else ""
        return RowFileError(f"{self.source.path}:{self.line}{row}: {what}")

    def _pass(self, text: bytes) -> None:
        self.at += len(text)
        self.line += text.count(b"\n")
        self.source.release(self.at)


def _enter(cursor: _Cursor) -> bool:
    """Go to the first element; return whether it is in an array."""
    if not cursor.mark:
        raise RowFileError(
            f"{cursor.source.path}: empty; a JSON file has an array of objects, or objects one after another"
        )
    if cursor.mark not in {b"[", b"{"}:
        raise cursor.fault(
            f"{cursor.shown} where [ or {{ must stand: a JSON file is an array of objects, or objects one "
            "after another; if it is compressed, or in another encoding, name that"
        )
    in_array = cursor.mark == b"["
    if in_array:
        cursor.skip(b"[")
    return in_array


def _leave_element(cursor: _Cursor) -> None:
    """Go to the element after the one that ends here, or to the array's end."""
    if cursor.mark == b",":
        cursor.skip(b",")
        if cursor.mark == b"]":
            raise cursor.fault("no object after the last comma; remove the comma, or copy the file again")
    elif cursor.mark not in {b"", b"]"}:
        raise cursor.fault(f"{cursor.shown} where a comma must stand; write one between two objects")


def _take(cursor: _Cursor, *, in_array: bool) -> tuple[bytes, int]:
    """Return the text of the next split, and how many elements it has."""
    size_bytes = _SPLIT_BYTES
    while True:
        window = cursor.source.window(cursor.at, size_bytes)
        # What did not end within the first window is a split of its own.
        end, count = _cut(window, SPLIT_MAX_ROWS if size_bytes == _SPLIT_BYTES else 1, in_array=in_array)
        if count:
            return window[:end], count
        hint = "look for a quote or a bracket that is not closed"
        if cursor.source.is_end(cursor.at + len(window)):
            raise cursor.fault(f"the element that begins here has no end; copy the file again, or {hint}")
        if size_bytes >= ROW_MAX_BYTES:
            raise cursor.fault(
                f"longer than {ROW_MAX_BYTES >> 20} MiB, more than a server takes; shorten it, or {hint}"
            )
        size_bytes = min(2 * size_bytes, ROW_MAX_BYTES)


def _cut(window: bytes, most: int, *, in_array: bool) -> tuple[int, int]:
    """Return where the last whole element of a window ends, of at most so many, and how many there are."""
    elements = find_elements(window, in_array=in_array)
    if elements is not None:
        ends = elements.ends[:most]
        return (int(ends[-1]) if len(ends) else 0), len(ends)
    end = count = 0
    for _, end in itertools.islice(take_elements(window, in_array=in_array), most):  # noqa: B007 - the last one counts
        count += 1
    return end, count


_IN_ARRAY = {
    b",": "a comma where an object must stand; remove it",
    b"}": "a } that closes nothing; remove it",
}
_IN_NO_ARRAY = {
    b",": "a comma between objects that are in no array; put all of them between [ and ]",
    b"]": "a ] that closes nothing; remove it",
    b"}": "a } that closes nothing; remove it",
}
_SPLIT_BYTES = 6 << 20
_WINDOW_BYTES = 1 << 16
_SHOWN, _SHOWN_BYTES = 20, 100
