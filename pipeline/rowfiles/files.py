"""Row files: CSV or Parquet, one table's rows, read with the place of every fault and written atomically.

A row file's header names each of the table's columns once, in any order, or what a mapping takes for them.
CSV is RFC 4180 in UTF-8, and its last line ends with a line break: a file cut off in the middle of a value
would otherwise load as if whole.
"""

import csv
import glob
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import atomic_path
from pipeline.config import FILE_FORMATS
from pipeline.cql.arrowvalues import Wrong, read_values
from pipeline.cql.columns import Column, Row
from pipeline.errors import RowFileError
from pipeline.rowfiles.badrows import NO_KEY_VALUE
from pipeline.rowfiles.chunk import Chunk, Wanted, every, reading
from pipeline.rowfiles.csvfile import open_csv, read_csv_chunks
from pipeline.rowfiles.fields import Field, match_fields
from pipeline.rowfiles.parquetfile import check_parquet, read_parquet_chunks, read_parquet_header


def find_files(pattern: str) -> tuple[Path, ...]:
    """Return the row files that a file's path, a folder or a glob means, sorted by path.

    Raises:
        RowFileError: nothing is there, or what is there is neither .csv nor .parquet.
    """
    place = Path(pattern)
    if place.is_dir():
        found = [file for file in place.iterdir() if file.suffix[1:] in FILE_FORMATS]
    elif place.exists():
        found = [place]
    else:
        found = [Path(match) for match in glob.glob(pattern, recursive=True)]  # noqa: PTH207 - absolute patterns too
    files = tuple(sorted(file for file in found if not file.name.startswith(".")))
    if not files:
        raise RowFileError(
            f"no row file at {pattern}; name a .csv or .parquet file, a folder of them, or a glob"
        )
    for file in files:
        if file.suffix[1:] not in FILE_FORMATS:
            raise RowFileError(f"{file} is neither .csv nor .parquet; rename or convert it")
    return files


def digest(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the files' contents one after another, in hex; their names do not count.

    Raises:
        RowFileError: a file cannot be read.
    """
    sha256 = hashlib.sha256()
    for file in files:
        with reading(file), file.open("rb") as content:
            sha256.update(hashlib.file_digest(content, "sha256").digest())
    return sha256.hexdigest()


def read_header(file: Path) -> list[str]:
    """Return the names of a row file's fields.

    Raises:
        RowFileError: the file is unreadable, empty or not whole, or its header is damaged.
    """
    if file.suffix == ".csv":
        with open_csv(file) as opened:
            return opened.header
    return read_parquet_header(file)


def plan_fields(files: Iterable[Path], columns: Sequence[Column], mapping: Mapping[str, str]) -> list[Field]:
    """Return the fields to load from each of the files, in the order of the table's columns.

    `mapping` is field to column; without one the headers name the columns themselves.

    Raises:
        RowFileError: the header of a file, the last no less than the first, does not fit or cannot be read.
        SettingError: the mapping does not fit the table.
    """
    fields: list[Field] = []
    for file in files:
        fields = match_fields(file, read_header(file), columns, mapping)
    return fields


def check_file(file: Path, fields: Sequence[Field]) -> None:
    """Return if a file is whole, so far as that shows before its rows are judged.

    Of CSV the header and the end are looked at; of Parquet every page of `fields` is decoded.

    Raises:
        RowFileError: the file is unreadable, empty, cut off or damaged.
    """
    if file.suffix == ".csv":
        read_header(file)
    else:
        check_parquet(file, fields)


def read_chunks(file: Path, fields: Sequence[Field], *, wanted: Wanted = every) -> Iterator[Chunk]:
    """Yield the wanted chunks of a file, in its order, with the fields that `plan_fields` returned.

    The chunks that there are depend on the file's content alone. Those not wanted are walked over.

    Raises:
        RowFileError: the file is unreadable, empty, cut off or damaged; what is wrong with single rows is
            in the chunks.
    """
    return (read_csv_chunks if file.suffix == ".csv" else read_parquet_chunks)(file, fields, wanted)


def read_rows(files: Iterable[Path], columns: Sequence[Column]) -> Iterator[Row]:
    """Yield the rows of the files, in file order, checked and converted.

    Raises:
        RowFileError: a file is unreadable, truncated, not UTF-8, has another header, or holds a row with
            another number of fields, a value of the wrong type or no value in a key column; the message
            names file, line (CSV) or row (Parquet), column and value.
    """
    types = [column.cql_type for column in columns]
    for file in files:
        separator = ":" if file.suffix == ".csv" else ": row "
        for chunk in read_chunks(file, plan_fields([file], columns, {})):
            first_bad = chunk.bad[0] if chunk.bad else None
            values = [read_values(*pair) for pair in zip(types, chunk.columns, strict=True)]
            for line, row in zip(chunk.lines, zip(*values, strict=True), strict=True):
                if first_bad and first_bad.line < line:
                    break
                for value, column in zip(row, columns, strict=True):
                    _require_value(value, column, f"{file}{separator}{line}")
                yield row
            if first_bad:
                raise RowFileError(f"{file}{separator}{first_bad.line}: {first_bad.reason}")


def _require_value(value: object, column: Column, place: str) -> None:
    is_empty = value is None or value == "" or (isinstance(value, Wrong) and not value.shown)
    if column.is_key and is_empty:
        raise RowFileError(f"{place}: column {column.name}: {NO_KEY_VALUE}")
    if isinstance(value, Wrong):
        raise RowFileError(f"{place}: column {column.name}: {value.reason(column.type_name)}")


def write_rows(target: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write rows to `target`, CSV or Parquet by its suffix, whole or not at all; return how many.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    with atomic_path(target) as temporary:
        return (_write_csv if target.suffix == ".csv" else _write_parquet)(temporary, columns, rows)


def _write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    formats = [column.cql_type.format for column in columns]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        plain = csv.writer(file, lineterminator="\n")
        # Before Python 3.13 the plain one leaves a carriage return without the quotes it needs.
        quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow(column.name for column in columns)
        for row in rows:
            count += 1
            fields = [
                "" if value is None else to_text(value) for to_text, value in zip(formats, row, strict=True)
            ]
            (quoting if any("\r" in field for field in fields) else plain).writerow(fields)
    return count


def _write_parquet(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    types = [column.cql_type for column in columns]
    schema = pa.schema([(column.name, kind.arrow) for column, kind in zip(columns, types, strict=True)])
    remaining = iter(rows)
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := list(itertools.islice(remaining, _WRITTEN_ROWS)):
            arrays = [
                pa.array([None if value is None else kind.to_arrow(value) for value in values], kind.arrow)
                for kind, values in zip(types, zip(*chunk, strict=True), strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(chunk)
    return count


_WRITTEN_ROWS = 10_000
