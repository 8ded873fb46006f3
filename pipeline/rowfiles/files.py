"""Row files: one table's rows in a file, read with the place of every fault and written atomically.

A row file's header names each of the table's columns once, in any order, or what a mapping takes for them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.cql.arrowvalues import Wrong, read_values
from pipeline.cql.columns import Column, Row
from pipeline.errors import RowFileError
from pipeline.files import atomic_path
from pipeline.rowfiles.badrows import NO_KEY_VALUE
from pipeline.rowfiles.fields import Field, match_fields, name_fields
from pipeline.rowfiles.formats import format_of
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import SourceFile, Split
from pipeline.settings.values import ValuesConfig


def plan_fields(
    files: Iterable[SourceFile],
    columns: Sequence[Column],
    mapping: Mapping[str, str],
    values: ValuesConfig | None = None,
) -> list[Field]:
    """Return the fields to load from each of the files, in the order of the table's columns.

    `mapping` is field to column; without one the headers name the columns themselves. `values` is how values
    are written, the usual way without one.

    Raises:
        RowFileError: a file cannot be read, or its header, the last file's no less than the first's, does not
            fit.
        SettingError: the mapping does not fit the table.
    """
    fields: list[Field] = []
    for file in files:
        _require_readable(file)
        has_lines = format_of(file.path).has_lines
        if not format_of(file.path).has_header:
            fields = name_fields(columns, mapping)
            continue
        fields = match_fields(
            Path(file.path),
            file.content.header,
            columns,
            mapping,
            is_text=has_lines,
            has_header=file.dialect.has_header or not has_lines,
        )
    return [replace(field, values=values or ValuesConfig()) for field in fields]


def _require_readable(file: SourceFile) -> None:
    if file.content.fault:
        raise RowFileError(file.content.fault)


def read_splits(
    file: SourceFile, fields: Sequence[Field], splits: Iterable[Split] | None = None
) -> Iterator[SplitRows]:
    """Yield the rows of the file's splits, or of some of them, with the fields that `plan_fields` returned.

    Raises:
        RowFileError: the file is unreadable, empty, cut off or damaged; what is wrong with single rows is
            in the splits.
    """
    _require_readable(file)
    return format_of(file.path).read(file, fields, file.content.splits if splits is None else splits)


def read_rows(files: Iterable[Path], columns: Sequence[Column]) -> Iterator[Row]:
    """Yield the rows of the files, in file order, checked and converted.

    Raises:
        RowFileError: a file is unreadable, truncated, not UTF-8, has another header, or holds a row with
            another number of fields, a value of the wrong type or no value in a key column; the message
            names file, line (CSV) or row (Parquet), column and value.
    """
    types = [column.cql_type for column in columns]
    for file in files:
        separator = ":" if format_of(file).has_lines else ": row "
        described = describe_file(file)
        for split_rows in read_splits(described, plan_fields([described], columns, {})):
            first_bad = split_rows.bad[0] if split_rows.bad else None
            values = [read_values(*pair) for pair in zip(types, split_rows.columns, strict=True)]
            for line, row in zip(split_rows.lines, zip(*values, strict=True), strict=True):
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
    """Write rows to `target`, in the format of its ending, whole or not at all; return how many.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    with atomic_path(target) as temporary:
        return format_of(target).write(temporary, columns, rows)
