"""JSON Lines as a format of row files: an object a line, in UTF-8 unless the dialect names another encoding.

A key that is absent is null. Without a mapping, an object may have no key that is no column.
"""

import contextlib
import functools
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import CqlType
from pipeline.cql.types.cqltype import NestedType
from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.jsonl.objects import Objects, objects_of
from pipeline.rowfiles.formats.protocol import Columns, FileFormat, SourceRow
from pipeline.rowfiles.splitrows import SplitRows, split_rows_of
from pipeline.rowfiles.splits import FileContent, SourceFile, Split
from pipeline.rowfiles.texts import BYTE_ORDER_MARK, ROW_MAX_BYTES, Text, open_text, text_of_file


class Position(NamedTuple):
    """Where a split's lines are, in bytes of the text, and whether one of them is empty."""

    start: int
    size_bytes: int
    has_empty_lines: int


class JsonLines(FileFormat):
    """JSON Lines, whose names end in .jsonl or .ndjson."""

    name = "jsonl"
    has_lines = True
    has_header = False
    is_joinable = True
    rejected_as = "jsonl"

    def describe(self, file: Path, content: BufferedReader, dialect: Dialect) -> FileContent:
        """Return the digest and the splits: whole lines, about 6 MiB of them. There is no header."""
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        splits: list[Split] = []
        fault = remark = ""
        try:
            source = text_of_file(file, content, dialect)
            splits = list(_find_splits(source))
            if not splits:
                fault = f"{file}: empty; a file of JSON Lines has at least one object"
            if source.lacks_line_break:
                remark = f"{file}: its last line has no line break; it is loaded as it is"
                if dialect.requires_final_newline:
                    fault = f"{file}: cut off, its last line has no line break; copy it again"
        except RowFileError as error:
            fault = str(error)
        return FileContent(sha256=sha256, splits=tuple(splits), fault=fault, remark=remark)

    def read(self, file: SourceFile, fields: Sequence[Field], splits: Iterable[Split]) -> Iterator[SplitRows]:
        """Yield the rows of some splits."""
        objects = _objects(fields)
        with open_text(Path(file.path), file.dialect) as source:
            for split in splits:
                yield _read_split(source, split, fields, objects)

    def rejected(
        self, file: SourceFile, fields: Sequence[Field], places: Collection[int]
    ) -> Iterator[SourceRow]:
        """Yield an empty header, then the lines of some numbers."""
        yield SourceRow([field.name.encode() for field in fields], b"")
        with open_text(Path(file.path), file.dialect) as source:
            for split in file.content.splits:
                for at, line in enumerate(_lines_of(_text_of(source, split)), start=split.first_place):
                    if at in places:
                        yield SourceRow([], line + b"\n")

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write an object a row; null is null."""
        types = [column.cql_type for column in columns]
        keys = [json.dumps(column.name, ensure_ascii=False) for column in columns]
        count = 0
        with path.open("w", encoding="utf-8", newline="") as file:
            for row in rows:
                members = zip(keys, types, row, strict=True)
                file.write(
                    "{" + ",".join(f"{key}:{_json_of(kind, value)}" for key, kind, value in members) + "}\n"
                )
                count += 1
        return count

    def encode(self, kind: CqlType, values: Iterable[object]) -> pa.Array:
        """Return values as JSON."""
        return pa.array([_json_of(kind, value) for value in values], pa.string())

    @contextlib.contextmanager
    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> Iterator[Callable[[Columns], object]]:
        """Open the file; yield what appends encoded rows as objects."""
        del has_header
        keys = [json.dumps(column.name, ensure_ascii=False) for column in columns]
        begins = [f"{'{' if at == 0 else ','}{key}:" for at, key in enumerate(keys)]

        with path.open("wb") as file:

            def append(block: Columns) -> None:
                parts = [part for pair in zip(begins, block, strict=True) for part in pair]
                lines = pc.binary_join_element_wise(*parts, "}\n", "")
                file.write("".join(lines.to_pylist()).encode())

            yield append


def _json_of(kind: CqlType, value: object) -> str:
    """Return a value as JSON: numbers, booleans and nested values as such, any other as a string."""
    if value is None:
        return "null"
    text = kind.format(value)
    is_json = isinstance(kind, NestedType) or (not kind.is_text and _IS_JSON.fullmatch(text))
    return text if is_json else json.dumps(text, ensure_ascii=False)


def _objects(fields: Sequence[Field]) -> Objects:
    return objects_of(
        tuple(field.name for field in fields), others=any(field.allows_others for field in fields)
    )


def _find_splits(source: Text) -> Iterator[Split]:
    start, line, number = (
        (len(BYTE_ORDER_MARK) if source.window(0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0),
        1,
        0,
    )
    while not source.is_end(start):
        source.release(start)
        end, size_bytes = start, _SPLIT_BYTES
        while end == start:
            window = source.window(start, size_bytes)
            end = start + window.rfind(b"\n") + 1
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


def _text_of(source: Text, split: Split) -> bytes:
    position = Position(*split.position)
    source.release(position.start)
    return source.window(position.start, position.size_bytes)


def _lines_of(text: bytes) -> list[bytes]:
    """Return the lines of a split, without their ends: a carriage return alone ends none."""
    return text.split(b"\n")[:-1]


def _read_split(source: Text, split: Split, fields: Sequence[Field], objects: Objects) -> SplitRows:
    text = _text_of(source, split)
    columns = None if Position(*split.position).has_empty_lines else objects.columns(text, split.place_count)
    if columns is not None:
        end = split.first_place + split.place_count
        find_lines = functools.partial(np.arange, split.first_place, end, dtype=np.int64)
        return split_rows_of(source.path, split, columns, find_lines, empty_is_null=False)
    values: list[list[str | None]] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    for line, content in enumerate(_lines_of(text), start=split.first_place):
        try:
            values.append(_row(objects, content))
            lines.append(line)
        except ValueError as error:
            bad.append(
                BadRow(
                    file=str(source.path),
                    line=line,
                    column="",
                    value=abbreviated(content.decode(errors="replace").strip()),
                    reason=str(error),
                )
            )
    columns = [pa.array([row[at] for row in values], pa.string()) for at in range(len(fields))]
    found_lines = functools.partial(np.array, lines, np.int64)
    return split_rows_of(source.path, split, columns, found_lines, bad, empty_is_null=False)


def _row(objects: Objects, line: bytes) -> list[str | None]:
    if not line.strip():
        raise ValueError("an empty line; remove it")
    return objects.row(line)


_IS_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false")
_SPLIT_BYTES = 6 << 20
