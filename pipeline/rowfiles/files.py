"""Row files: CSV or Parquet, one table's rows, read with the place of every fault and written atomically.

A row file's header names each of the table's columns once, in any order, or what a mapping takes for them.
CSV is RFC 4180 in UTF-8, and its last line ends with a line break: a file cut off in the middle of a value
would otherwise load as if whole.
"""

import csv
import glob
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.cql.arrowvalues import Wrong, read_values
from pipeline.cql.columns import Column, Row
from pipeline.errors import RowFileError
from pipeline.files import atomic_path
from pipeline.rowfiles.badrows import NO_KEY_VALUE
from pipeline.rowfiles.chunk import Chunk, Wanted, every, reading, require_regular
from pipeline.rowfiles.csvfile import open_csv, read_csv_chunks
from pipeline.rowfiles.fields import Field, match_fields
from pipeline.rowfiles.formats import format_of, printable
from pipeline.rowfiles.parquetfile import check_parquet, read_parquet_chunks, read_parquet_header


def find_files(pattern: str) -> tuple[Path, ...]:
    """Return the row files that a file's path, a folder or a glob means, sorted by path.

    Of a folder these are the files whose names end in .csv or .parquet, in capitals or not, and are not
    hidden; `passed_over` returns the rest. What is named, or found by a glob, is a row file or refused.

    Raises:
        RowFileError: nothing is there, or what is there is no regular file, cannot be read, is neither
            .csv nor .parquet, or has a name that is not UTF-8.
    """
    _require_utf8(pattern)
    place = Path(pattern)
    with reading(place):
        is_folder = bool(pattern) and place.is_dir()
        if is_folder:
            taken, passed = _in_folder(place)
        elif place.exists():
            taken, passed = [place], []
        else:
            taken, passed = [Path(match) for match in glob.glob(pattern, recursive=True)], []  # noqa: PTH207 - absolute patterns too
    files = tuple(sorted(taken))
    if not files:
        there = f"; there is only {listed(passed)}" if passed else ""
        raise RowFileError(
            f"no row file at {pattern}{there}; name a .csv or .parquet file, a folder of them, or a glob"
        )
    for file in files:
        _require_utf8(str(file))
        require_regular(file)
        if not format_of(file):
            raise RowFileError(f"{file} is neither .csv nor .parquet; {_remedy(file)}")
    return files


def passed_over(pattern: str) -> tuple[Path, ...]:
    """Return what of a folder `find_files` leaves out, sorted: other files, hidden ones, folders in it.

    Nothing where `pattern` is a file or a glob: of these nothing is left out.

    Raises:
        RowFileError: the folder cannot be read.
    """
    place = Path(pattern)
    with reading(place):
        return tuple(sorted(_in_folder(place)[1])) if pattern and place.is_dir() else ()


def listed(found: Sequence[Path]) -> str:
    """Return the names of what was found in a folder, as a message lists them: the first few."""
    names = [printable(path.name) + "/" * path.is_dir() for path in sorted(found)[:_LISTED_MOST]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _in_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return what of a folder's entries is taken for row files, and what is not."""
    taken: list[Path] = []
    passed: list[Path] = []
    for entry in folder.iterdir():
        (taken if format_of(entry) and not entry.name.startswith(".") else passed).append(entry)
    return taken, passed


def _require_utf8(path: str) -> None:
    """Return if a path is UTF-8: where a load is noted, and what it rejects, names its files in UTF-8."""
    if printable(path) != path:
        raise RowFileError(f"the name {printable(path)} is not UTF-8; rename the file or its folder")


def _remedy(file: Path) -> str:
    if file.suffix.lower() in _COMPRESSED:
        return "unpack it"
    return "rename or convert it"


def read_header(file: Path) -> list[str]:
    """Return the names of a row file's fields.

    Raises:
        RowFileError: the file is unreadable, empty or not whole, or its header is damaged.
    """
    if format_of(file) == "csv":
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
    if format_of(file) == "csv":
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
    return (read_csv_chunks if format_of(file) == "csv" else read_parquet_chunks)(file, fields, wanted)


def read_rows(files: Iterable[Path], columns: Sequence[Column]) -> Iterator[Row]:
    """Yield the rows of the files, in file order, checked and converted.

    Raises:
        RowFileError: a file is unreadable, truncated, not UTF-8, has another header, or holds a row with
            another number of fields, a value of the wrong type or no value in a key column; the message
            names file, line (CSV) or row (Parquet), column and value.
    """
    types = [column.cql_type for column in columns]
    for file in files:
        separator = ":" if format_of(file) == "csv" else ": row "
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
    is_empty = value is None or value == "" or (isinstance(value, Wrong) and not value.abbreviated)
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
        return (_write_csv if format_of(target) == "csv" else _write_parquet)(temporary, columns, rows)


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
_LISTED_MOST = 10
_COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".7z", ".tar", ".tgz"}
