"""Rejected rows: what of row files was not loaded, as a row file of its own, to mend and load again."""

import bisect
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pipeline.cql.arrowvalues import any_text_of, normalised
from pipeline.cql.columns import Column
from pipeline.files import atomic_path
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.csvfile import open_csv
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats import format_of
from pipeline.rowfiles.parquetfile import read_parquet_batches


def write_rejected(target: Path, fields: Sequence[Field], bad: Iterable[BadRow]) -> int:
    """Write each bad row once to the CSV file `target`, whole or not at all; return how many rows.

    Files follow in the order in which `bad` first names them, and rows in the order of their file. The
    header is that of the first file, and rows of a CSV file with the same header are the very bytes of
    their source. Of any other file the row is written anew under that header, fields that the header does
    not name left out; one that could not be taken apart is copied all the same, for a person to mend.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
        RowFileError: a source can no longer be read.
    """
    lines: dict[str, set[int]] = {}
    for row in bad:
        lines.setdefault(row.file, set()).add(row.line)
    count = 0
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        for text in _rejected(fields, lines):
            file.write(text)
            count += 1
    return max(0, count - 1)


class _RowText(NamedTuple):
    """A row as its file has it: its fields, none where it could not be taken apart, and all of its text."""

    fields: Sequence[bytes]
    text: bytes


def _rejected(fields: Sequence[Field], lines: Mapping[str, set[int]]) -> Iterator[bytes]:
    """Yield the text of the header, then of each row."""
    header: _RowText | None = None
    if not lines:
        yield _csv_line([field.name.encode() for field in fields])
    for name, wanted in lines.items():
        file = Path(name)
        rows = _from_csv(file, wanted) if format_of(file) == "csv" else _from_parquet(file, fields, wanted)
        own_header = next(rows)
        if header is None:
            header = own_header
            yield header.text
        for row in rows:
            if row.fields and own_header.fields != header.fields:
                values = dict(zip(own_header.fields, row.fields, strict=True))
                yield _csv_line([values.get(field, b"") for field in header.fields])
            else:
                yield row.text


def _from_csv(file: Path, wanted: Collection[int]) -> Iterator[_RowText]:
    """Yield the header, then each row that begins on a wanted line."""
    ordered = sorted(wanted)
    with open_csv(file) as opened:
        yield _RowText([name.encode() for name in opened.header], opened.header_text)
        for block in opened.blocks():
            first = bisect.bisect_left(ordered, block.first_line)
            if first == bisect.bisect_left(ordered, block.first_line + block.line_count):
                continue
            for row in opened.rows(block):
                if row.line in wanted:
                    yield _RowText(row.fields, opened.text(row))


def _from_parquet(file: Path, fields: Sequence[Field], wanted: Collection[int]) -> Iterator[_RowText]:
    """Yield a header of the fields' names, then each wanted row."""
    header = [field.name.encode() for field in fields]
    yield _RowText(header, _csv_line(header))
    for batch in read_parquet_batches(file, fields):
        positions = [at for at in range(batch.row_count) if batch.first_row + at in wanted]
        if positions:
            columns = [
                _as_bytes(column.take(pa.array(positions)), field.column)
                for column, field in zip(batch.columns, fields, strict=True)
            ]
            for row in zip(*columns, strict=True):
                yield _RowText(row, _csv_line(row))


def _as_bytes(values: pa.Array, column: Column) -> list[bytes]:
    if pa.types.is_string(values.type):
        # As bytes, because what is wrong with it may be that it is not UTF-8.
        return [value or b"" for value in values.view(pa.binary()).to_pylist()]
    return [any_text_of(column.cql_type, value).encode() for value in normalised(values)]


def _csv_line(values: Sequence[bytes]) -> bytes:
    quoted = [
        b'"' + value.replace(b'"', b'""') + b'"' if _NEEDS_QUOTES.search(value) else value for value in values
    ]
    # A line with nothing on it is no row.
    return (b",".join(quoted) or b'""') + b"\n"


_NEEDS_QUOTES = re.compile(rb'[",\r\n]')
