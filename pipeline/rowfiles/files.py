"""Row files: one table's rows in a file, read with the place of every fault and written atomically.

A row file's header names each of the table's columns once, in any order, or what a mapping takes for them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pipeline.cql.arrowvalues import Wrong, read_values
from pipeline.cql.columns import Column, Row
from pipeline.errors import RowFileError
from pipeline.files import atomic_path
from pipeline.rowfiles.badrows import NO_KEY_VALUE
from pipeline.rowfiles.constants import require_values, with_constants
from pipeline.rowfiles.fields import Field, match_fields, same_fields
from pipeline.rowfiles.formats import format_of
from pipeline.rowfiles.forms import rewritten
from pipeline.rowfiles.headers import Header
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import SourceFile, Split
from pipeline.rowfiles.streams import StreamEnd, read_stream
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.values import ValuesConfig


def plan_fields(
    files: Iterable[SourceFile],
    columns: Sequence[Column],
    config: ColumnsConfig | None = None,
    values: ValuesConfig | None = None,
) -> list[Field]:
    """Return the fields to load from each of the files, in the order of the table's columns.

    Without `config` the headers name the columns themselves. `values` is how values are written, the usual
    way without one.

    Raises:
        RowFileError: a file cannot be read, or its header, the last file's no less than the first's, does not
            fit.
        SettingError: the settings do not fit the table.
    """
    config = config or ColumnsConfig()
    fields: list[Field] = []
    for file in files:
        _require_readable(file)
        found = match_fields(_header_of(file), columns, config)
        if fields:
            same_fields(file.path, found, fields)
        fields = found
    require_values(fields)
    return [
        field if field.constant is not None else replace(field, values=values or ValuesConfig())
        for field in fields
    ]


def _header_of(file: SourceFile) -> Header:
    return Header(
        file.place,
        file.content.header if file.format.has_header else None,
        is_text=file.format.has_lines,
        is_given=file.dialect.has_header or not file.format.has_lines,
    )


def _require_readable(file: SourceFile) -> None:
    if file.content.fault:
        raise RowFileError(file.content.fault)


def read_splits(
    file: SourceFile, fields: Sequence[Field], splits: Iterable[Split] | None = None
) -> Iterator[SplitRows]:
    """Yield the rows of the file's splits, or of some of them, with a column for each of the fields.

    Raises:
        RowFileError: the file is unreadable, empty, cut off or damaged; what is wrong with single rows is
            in the splits.
    """
    _require_readable(file)
    # A field may feed a column and be the row's write timestamp too.
    read = [*{field.name: field for field in fields if field.constant is None}.values()]
    for split_rows in _splits_of(file, read, splits):
        yield split_rows if len(read) == len(fields) else with_constants(split_rows, read, fields)


def _splits_of(
    file: SourceFile, fields: Sequence[Field], splits: Iterable[Split] | None
) -> Iterator[SplitRows]:
    if splits is not None:
        yield from file.format.read(file, fields, splits)
    elif file.content.stream:
        for found in read_stream(file, fields, lambda *_: True):
            if isinstance(found, SplitRows):
                yield found
    else:
        yield from file.format.read(file, fields, file.content.splits)


def read_stream_of(
    file: SourceFile, fields: Sequence[Field], is_wanted: Callable[[Split, str], bool]
) -> Iterator[SplitRows | StreamEnd]:
    """Yield what `read_stream` does, with a column for each of the fields.

    Raises:
        RowFileError: as `read_stream`.
    """
    _require_readable(file)
    read = [*{field.name: field for field in fields if field.constant is None}.values()]
    for found in read_stream(file, read, is_wanted):
        if isinstance(found, SplitRows) and len(read) < len(fields):
            yield with_constants(found, read, fields)
        else:
            yield found


def read_rows(rows: RowsToRead, columns: Sequence[Column]) -> Iterator[Row]:
    """Yield the rows of the files, in file order, checked and converted; None for what no field feeds.

    Raises:
        RowFileError: a file is unreadable, truncated, not UTF-8, has another header, or holds a row with
            another number of fields, a value of the wrong type or no value in a key column; the message
            names file, line (CSV) or row (Parquet), column and value.
        SettingError: the settings do not fit the table.
    """
    fields = plan_fields(rows.files, columns, rows.columns, rows.values)
    fed = {field.column.name: at for at, field in enumerate(fields)}
    positions = [fed.get(column.name) for column in columns]
    for file in rows.files:
        separator = ":" if file.format.has_lines else ": row "
        for split_rows in read_splits(file, fields):
            first_bad = split_rows.bad[0] if split_rows.bad else None
            values = [_values(*pair) for pair in zip(fields, split_rows.columns, strict=True)]
            read = zip(*values, strict=True)
            for place, line, row in zip(split_rows.places, split_rows.lines, read, strict=True):
                if first_bad and first_bad.place < place:
                    break
                for value, field in zip(row, fields, strict=True):
                    _require_value(value, field.column, f"{file.path}{separator}{line}")
                yield tuple(None if at is None else row[at] for at in positions)
            if first_bad:
                raise RowFileError(f"{file.path}{separator}{first_bad.line}: {first_bad.reason}")


@dataclass(frozen=True)
class _WrongValue:
    reason: str
    is_empty: bool


def _values(field: Field, column: pa.Array) -> list[object]:
    """Return the values of a field of some rows."""
    texts, wrong = rewritten(field.column, column, field.values)
    values = [
        _WrongValue(value.reason(field.column.type_name), not value.abbreviated)
        if isinstance(value, Wrong)
        else value
        for value in read_values(field.column.cql_type, texts)
    ]
    for at, reason in wrong.items():
        values[at] = _WrongValue(reason, is_empty=False)
    return values


def _require_value(value: object, column: Column, place: str) -> None:
    is_empty = value is None or value == "" or (isinstance(value, _WrongValue) and value.is_empty)
    if column.is_key and is_empty:
        raise RowFileError(f"{place}: column {column.name}: {NO_KEY_VALUE}")
    if isinstance(value, _WrongValue):
        raise RowFileError(f"{place}: column {column.name}: {value.reason}")


def write_rows(target: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write rows to `target`, in the format of its ending, whole or not at all; return how many.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    with atomic_path(target) as temporary:
        return format_of(target).write(temporary, columns, rows)
