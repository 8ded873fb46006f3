"""JSON as a format of row files: one array of objects, or objects one after another."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.cql.columns import Column, Row
from pipeline.rowfiles.formats.json.elements import take_elements
from pipeline.rowfiles.formats.json.splits import Position, find_splits
from pipeline.rowfiles.formats.json.text import find_elements
from pipeline.rowfiles.formats.objects.fields import Objects
from pipeline.rowfiles.formats.objects.format import ObjectsFormat
from pipeline.rowfiles.formats.objects.writer import objects_of_columns, objects_of_rows
from pipeline.rowfiles.formats.protocol import Columns
from pipeline.rowfiles.splitrows import Places
from pipeline.rowfiles.splits import Split
from pipeline.rowfiles.texts import Text


class Json(ObjectsFormat):
    """JSON files, whose names end in .json. A row is an element; its place is its number in the file."""

    name = "json"
    rows_are_lines = False
    is_joinable = False  # the parts would be several arrays

    def find_splits(self, source: Text) -> Iterator[Split]:
        """Yield the file's splits: whole elements."""
        return find_splits(source)

    def needs_line_break(self, last: Split) -> bool:
        """Return whether the objects are in no array, whose bracket would show that it is whole."""
        return not Position(*last.position).in_array

    def columns(self, objects: Objects, text: bytes, split: Split) -> list[pa.Array] | None:
        """Return the columns of a split."""
        in_array = bool(Position(*split.position).in_array)
        return objects.columns(text, split.place_count, in_array=in_array)

    def rows(self, text: bytes, split: Split) -> Iterator[tuple[int, bytes]]:
        """Yield the elements, each with the line on which it begins."""
        position = Position(*split.position)
        line, counted = position.line, 0
        for start, end in take_elements(text + b"\n", in_array=bool(position.in_array)):
            line += text.count(b"\n", counted, start)
            counted = start
            yield line, text[start:end]

    def lines(self, text: bytes, split: Split) -> Places:
        """Return the line on which each element begins."""
        position = Position(*split.position)
        elements = find_elements(text, in_array=bool(position.in_array))
        if elements is None:
            return super().lines(text, split)
        line_ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _LINE_FEED)
        return position.line + np.searchsorted(line_ends, elements.starts)

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write an array, an object a line."""
        count = 0
        with path.open("w", encoding="utf-8", newline="") as file:
            for row in objects_of_rows(columns, rows):
                file.write(f"{_SEPARATOR if count else _BEGIN}{row}")
                count += 1
            file.write(_END if count else _EMPTY)
        return count

    @contextlib.contextmanager
    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> Iterator[Callable[[Columns], object]]:
        """Open the file, begin an array and end it; yield what appends encoded rows as objects."""
        del has_header
        before = _BEGIN

        with path.open("w", encoding="utf-8", newline="") as file:

            def append(block: Columns) -> None:
                nonlocal before
                for row in objects_of_columns(columns, block):
                    file.write(f"{before}{row}")
                    before = _SEPARATOR

            yield append
            file.write(_EMPTY if before == _BEGIN else _END)


_LINE_FEED = ord("\n")
_BEGIN, _SEPARATOR, _END, _EMPTY = "[\n", ",\n", "\n]\n", "[]\n"
