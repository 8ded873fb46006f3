"""Row files: CSV or Parquet, one table's rows, read with the place of every fault and written atomically.

A row file's header names each of the table's columns once, in any order. CSV is RFC 4180 in UTF-8, and its
last line ends with a line break: a file cut off in the middle of a value would otherwise load as if whole.
"""

import codecs
import csv
import glob
import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.atomic import atomic_path
from pipeline.config import FILE_FORMATS
from pipeline.errors import RowFileError
from pipeline.values import CqlType, cql_type

Row = tuple[object, ...]
"""One row's values in the order of the table's columns; None is null."""


@dataclass(frozen=True)
class Column:
    """A table's column: its name, the CQL name of its type, and whether it is in the primary key."""

    name: str
    type_name: str
    is_key: bool

    @property
    def cql_type(self) -> CqlType:
        """How its values look in a row file."""
        return cql_type(self.type_name)


def key_positions(columns: Sequence[Column]) -> list[int]:
    """Return where in a row the columns of the primary key stand."""
    return [at for at, column in enumerate(columns) if column.is_key]


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
        try:
            with file.open("rb") as content:
                sha256.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            raise _unreadable(file, error) from error
    return sha256.hexdigest()


def read_rows(files: Iterable[Path], columns: Sequence[Column]) -> Iterator[Row]:
    """Yield the rows of the files, in file order, checked and converted.

    Raises:
        RowFileError: a file is unreadable, truncated, not UTF-8, has another header, or holds a row with
            another number of fields, a value of the wrong type or no value in a key column; the message
            names file, line (CSV) or row (Parquet), column and value.
    """
    for file in files:
        yield from _read_csv(file, columns) if file.suffix == ".csv" else _read_parquet(file, columns)


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
        while chunk := list(itertools.islice(remaining, _CHUNK_ROWS)):
            arrays = [
                pa.array([_to_arrow(kind, value) for value in values], kind.arrow)
                for kind, values in zip(types, zip(*chunk, strict=True), strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(chunk)
    return count


def _to_arrow(kind: CqlType, value: object) -> object:
    return kind.format(value) if value is not None and pa.types.is_string(kind.arrow) else value


def _read_csv(file: Path, columns: Sequence[Column]) -> Iterator[Row]:
    csv.field_size_limit(_FIELD_MAX_CHARACTERS)
    reader_line = 0
    try:
        _require_last_line_break(file)
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = next(reader, None) or []
            reader_line = reader.line_num
            order = _column_order(file, header, columns)
            for fields in reader:
                reader_line = reader.line_num
                if len(fields) != len(header):
                    raise RowFileError(
                        f"{file}:{reader_line}: {len(fields)} fields where the header has {len(header)}; "
                        "quote values that hold a comma"
                    )
                yield tuple(
                    _parse(fields[at], column, kind, f"{file}:{reader_line}") for at, column, kind in order
                )
    except UnicodeDecodeError as error:
        raise RowFileError(
            f"{file}:{_first_bad_line(file)}: not UTF-8 (byte 0x{error.object[error.start]:02x}); "
            "convert the file, for example with iconv"
        ) from error
    except csv.Error as error:
        raise RowFileError(
            f"{file}: not CSV after line {reader_line}: {error}; "
            "look for a quote that is not doubled or not closed"
        ) from error
    except OSError as error:
        raise _unreadable(file, error) from error


def _read_parquet(file: Path, columns: Sequence[Column]) -> Iterator[Row]:
    try:
        with pq.ParquetFile(file) as parquet:
            order = _column_order(file, parquet.schema_arrow.names, columns)
            row_number = 0
            for batch in parquet.iter_batches(batch_size=_CHUNK_ROWS):
                values = [batch.column(at).to_pylist() for at, _, _ in order]
                for row in zip(*values, strict=True):
                    row_number += 1
                    yield tuple(
                        _parse(_as_text(kind, value), column, kind, f"{file}: row {row_number}")
                        for value, (_, column, kind) in zip(row, order, strict=True)
                    )
    except pa.ArrowException as error:
        raise RowFileError(
            f"{file}: not a whole Parquet file: {_short(str(error))}; write or copy it again"
        ) from error
    except OSError as error:
        raise _unreadable(file, error) from error


def _as_text(kind: CqlType, value: object) -> str:
    """Parquet's own values take the road of CSV's, so that both mean the same and fail the same."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return kind.format(value)
    except (AttributeError, TypeError, ValueError):
        return str(value)


def _column_order(
    file: Path, header: Sequence[str], columns: Sequence[Column]
) -> list[tuple[int, Column, CqlType]]:
    names = [column.name for column in columns]
    if sorted(header) != sorted(names):
        raise RowFileError(
            f"{file}: the header is {_short(','.join(header))!r}; it must name each of "
            f"{','.join(names)!r} once"
        )
    return [(header.index(column.name), column, column.cql_type) for column in columns]


def _parse(text: str, column: Column, kind: CqlType, place: str) -> object:
    if text == "":
        if column.is_key:
            raise RowFileError(f"{place}: column {column.name}: no value; a key column needs one")
        return None
    try:
        return kind.parse(text)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise RowFileError(
            f"{place}: column {column.name}: {_short(text)!r} is no {column.type_name}: {error}"
        ) from error


def _require_last_line_break(file: Path) -> None:
    with file.open("rb") as content:
        size_bytes = content.seek(0, 2)
        if size_bytes == 0:
            raise RowFileError(f"{file}: empty; a row file has at least a header")
        content.seek(-1, 2)
        if content.read() not in {b"\n", b"\r"}:
            content.seek(0)
            if content.read(2) == codecs.BOM_UTF16_LE:
                raise RowFileError(
                    f"{file}:1: not UTF-8 but UTF-16; convert the file, for example with iconv"
                )
            raise RowFileError(
                f"{file}: cut off, its last line has no line break; copy it again, or, if it is whole, "
                "end it with a line break"
            )


def _first_bad_line(file: Path) -> int:
    """Return the number of the first line that is not UTF-8: text is decoded in blocks, ahead of the line."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 0


def _unreadable(file: Path, error: OSError) -> RowFileError:
    reason = os.strerror(error.errno) if error.errno else error
    return RowFileError(f"cannot read {file}: {reason}; check that it is a file that this user may read")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


_CHUNK_ROWS = 10_000
_FIELD_MAX_CHARACTERS = 1 << 28
_SHOWN_CHARACTERS = 80
