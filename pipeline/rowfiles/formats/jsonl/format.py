"""JSON Lines as a format of row files: an object a line."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.cql.columns import Column, Row
from pipeline.errors import RowFileError
from pipeline.rowfiles.formats.objects.fields import Objects
from pipeline.rowfiles.formats.objects.format import ObjectsFormat
from pipeline.rowfiles.formats.objects.writer import objects_of_columns, objects_of_rows
from pipeline.rowfiles.formats.protocol import Columns
from pipeline.rowfiles.splits import Split
from pipeline.rowfiles.texts import BYTE_ORDER_MARK, ROW_MAX_BYTES, SPLIT_MAX_ROWS, Text


class Position(NamedTuple):
    """Where a split's lines are, in bytes of the text, and whether one of them is empty."""

    start: int
    size_bytes: int
    has_empty_lines: int


class JsonLines(ObjectsFormat):
    """JSON Lines, whose names end in .jsonl or .ndjson."""

    name = "jsonl"
    rows_are_lines = True
    is_joinable = True

    def find_splits(self, source: Text) -> Iterator[Split]:
        """Yield the file's splits: whole lines."""
        has_mark = source.window(0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK
        start, line, number = len(BYTE_ORDER_MARK) * has_mark, 1, 0
        if source.is_end(start) or (has_mark and source.window(start, 2) == b"\n"):
            raise RowFileError(f"{source.path}: empty; a file of JSON Lines has at least one object")
        while not source.is_end(start):
            source.release(start)
            end, size_bytes = start, _SPLIT_BYTES
            while end == start:
                window = source.window(start, size_bytes)
                end = start + _end_of_lines(window, SPLIT_MAX_ROWS)
                size_bytes *= 2
                if end == start and size_bytes > 2 * ROW_MAX_BYTES:
                    raise RowFileError(
                        f"{source.path}:{line}: longer than {ROW_MAX_BYTES >> 20} MiB, more than a server "
                        "takes; write an object a line"
                    )
            text = window[: end - start]
            has_empty_lines = text.startswith((b"\n", b"\r")) or b"\n\n" in text or b"\n\r" in text
            line_count = text.count(b"\n")
            yield Split(
                number=number,
                first_place=line,
                place_count=line_count,
                position=Position(start, end - start, int(has_empty_lines)),
            )
            start, line, number = end, line + line_count, number + 1

    def needs_line_break(self, last: Split) -> bool:
        """Return True: the last object may be cut off."""
        del last
        return True

    def columns(self, objects: Objects, text: bytes, split: Split) -> list[pa.Array] | None:
        """Return the columns of a split."""
        if Position(*split.position).has_empty_lines or not _is_line_by_line(text):
            return None
        return objects.columns(text, split.place_count, in_array=False)

    def rows(self, text: bytes, split: Split) -> Iterator[tuple[int, bytes]]:
        """Yield the lines, without their ends: a carriage return alone ends none."""
        yield from enumerate(text.split(b"\n")[:-1], start=split.first_place)

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write an object a row."""
        count = 0
        with path.open("w", encoding="utf-8", newline="") as file:
            for row in objects_of_rows(columns, rows):
                file.write(f"{row}\n")
                count += 1
        return count

    @contextlib.contextmanager
    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> Iterator[Callable[[Columns], object]]:
        """Open the file; yield what appends encoded rows as objects."""
        del has_header
        with path.open("w", encoding="utf-8", newline="") as file:
            yield lambda block: file.write("".join(f"{row}\n" for row in objects_of_columns(columns, block)))


def _end_of_lines(window: bytes, most: int) -> int:
    """Return where the last whole line of a window ends, of at most so many; 0 where there is none."""
    if window.count(b"\n") <= most:
        return window.rfind(b"\n") + 1
    return int(np.flatnonzero(np.frombuffer(window, np.uint8) == _LINE_FEED)[most - 1]) + 1


def _is_line_by_line(text: bytes) -> bool:
    """Return whether each line is {…}: then no object goes on in the next line."""
    octets = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(octets == _LINE_FEED)
    last = octets[ends - 1]
    last = np.where(last == _RETURN, octets[ends - 2], last)
    first = octets[np.concatenate([[0], ends[:-1] + 1])]
    return bool((first == _OPENING).all() and (last == _CLOSING).all())


_LINE_FEED, _RETURN, _OPENING, _CLOSING = b"\n\r{}"
_SPLIT_BYTES = 6 << 20
