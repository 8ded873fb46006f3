"""What the formats whose rows are JSON objects have in common: description, reading and rejected rows.

A key that is absent is null. Without a mapping, an object may have no key that is no column. A split is read
as columns where each of its objects is without doubt a row, else object by object.
"""

import abc
import bisect
import functools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa

from pipeline.cql.types import CqlType
from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.objects.fields import Objects, objects_of
from pipeline.rowfiles.formats.objects.writer import encoded
from pipeline.rowfiles.formats.protocol import Pieces, SourceRow, TextFormat
from pipeline.rowfiles.splitrows import Places, SplitRows, split_rows_of
from pipeline.rowfiles.splits import FileContent, SourceFile, Split
from pipeline.rowfiles.stores.content import digest_of
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.rowfiles.texts import Text, open_text, text_of_file


class ObjectsFormat(TextFormat):
    """A format of text whose rows are JSON objects, in UTF-8 unless the dialect names another encoding.

    `rows_are_lines` is true where each row is a line. The position of a split begins with where its text is,
    and how many bytes it has.
    """

    rows_are_lines: bool
    has_lines = True
    has_header = False
    rejected_as = "jsonl"

    @abc.abstractmethod
    def find_splits(self, source: Text) -> Iterator[Split]:
        """Yield the file's splits: whole objects, about 6 MiB of them.

        Raises:
            RowFileError: no load can read the file.
        """

    @abc.abstractmethod
    def columns(self, objects: Objects, text: bytes, split: Split) -> list[pa.Array] | None:
        """Return the columns of a split's text; None where one of its rows is in doubt."""

    @abc.abstractmethod
    def rows(self, text: bytes, split: Split) -> Iterator[tuple[int, bytes]]:
        """Yield the line on which each row of a split's text begins, and the row's text, good or not."""

    def lines(self, text: bytes, split: Split) -> Places:
        """Return the line on which each row of a split's text begins."""
        return np.array([line for line, _ in self.rows(text, split)], np.int64)

    def describe(self, file: FilePath, content: BinaryIO, dialect: Dialect) -> FileContent:
        """Return the digest and the splits. There is no header."""
        sha256 = digest_of(content)
        splits: list[Split] = []
        fault = remark = ""
        try:
            source = text_of_file(file, content, dialect)
            splits = list(self.find_splits(source))
            if source.lacks_line_break and splits and self.needs_line_break(splits[-1]):
                remark = f"{file}: its last line has no line break; it is loaded as it is"
                if dialect.requires_final_newline:
                    fault = f"{file}: cut off, its last line has no line break; copy it again"
        except RowFileError as error:
            fault = str(error)
        return FileContent(sha256=sha256, splits=tuple(splits), fault=fault, remark=remark)

    def read(self, file: SourceFile, fields: Sequence[Field], splits: Iterable[Split]) -> Iterator[SplitRows]:
        """Yield the rows of some splits."""
        with open_text(file.place, file.dialect) as source:
            for split in splits:
                yield self.read_split(file, source, fields, split)

    def header(self, source: Text, dialect: Dialect) -> tuple[str, ...]:
        """Return no name: each object has its own."""
        del source, dialect
        return ()

    def find(self, source: Text, dialect: Dialect) -> Iterator[tuple[Split, Pieces]]:
        """Yield the splits, each with its text."""
        del dialect
        for split in self.find_splits(source):
            yield split, [_text_of(source, split)]

    def read_split(self, file: SourceFile, source: Text, fields: Sequence[Field], split: Split) -> SplitRows:
        """Return the rows of a split."""
        del file
        names = tuple(field.name for field in fields)
        objects = objects_of(names, others=any(field.allows_others for field in fields))
        text = _text_of(source, split)
        columns = self.columns(objects, text, split)
        if columns is None:
            return self._read_rows(source.path, objects, text, split)
        end = split.first_place + split.place_count
        find_places = functools.partial(np.arange, split.first_place, end, dtype=np.int64)
        return split_rows_of(
            source.path,
            split,
            columns,
            find_places,
            find_lines=None if self.rows_are_lines else functools.partial(self.lines, text, split),
            empty_is_null=False,
        )

    def rejected(
        self, file: SourceFile, fields: Sequence[Field], places: Collection[int]
    ) -> Iterator[SourceRow]:
        """Yield an empty header, then each object in one line."""
        yield SourceRow([field.name.encode() for field in fields], b"")
        ordered = sorted(places)
        with open_text(file.place, file.dialect) as source:
            for split in file.content.splits:
                first = bisect.bisect_left(ordered, split.first_place)
                if first == bisect.bisect_left(ordered, split.first_place + split.place_count):
                    continue
                rows = self.rows(_text_of(source, split), split)
                for place, (_, content) in enumerate(rows, start=split.first_place):
                    if place in places:
                        yield SourceRow([], _in_one_line(content) + b"\n")

    def encode(self, kind: CqlType, values: Iterable[object]) -> pa.Array:
        """Return values as JSON."""
        return encoded(kind, values)

    def _read_rows(self, file: FilePath, objects: Objects, text: bytes, split: Split) -> SplitRows:
        """Return the rows of a split, read one by one."""
        good: list[list[str | None]] = []
        places: list[int] = []
        lines: list[int] = []
        bad: list[BadRow] = []
        for place, (line, content) in enumerate(self.rows(text, split), start=split.first_place):
            try:
                good.append(objects.row(content))
                places.append(place)
                lines.append(line)
            except ValueError as error:
                bad.append(
                    BadRow(
                        file=str(file),
                        line=line,
                        column="",
                        value=abbreviated(content.decode(errors="replace").strip()),
                        reason=str(error),
                        row=None if self.rows_are_lines else place,
                    )
                )
        return split_rows_of(
            file,
            split,
            [pa.array([row[at] for row in good], pa.string()) for at in range(objects.field_count)],
            functools.partial(np.array, places, np.int64),
            bad,
            find_lines=None if self.rows_are_lines else functools.partial(np.array, lines, np.int64),
            empty_is_null=False,
        )


def _text_of(source: Text, split: Split) -> bytes:
    start, size_bytes, *_ = split.position
    source.release(start)
    return source.window(start, size_bytes)


def _in_one_line(content: bytes) -> bytes:
    """Return an object without line breaks."""
    if b"\n" not in content:
        return content
    try:
        return msgspec.json.format(content, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        # JSON takes a carriage return for what it takes a line break for: a blank, or a fault in a string.
        return content.replace(b"\n", b"\r")
