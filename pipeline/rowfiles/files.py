"""Row files: one table's rows in a file, read with the place of every fault and written atomically.

A row file's header names each of the table's columns once, in any order, or what a mapping takes for them.
"""

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.cql.arrowvalues import Wrong, read_values
from pipeline.cql.columns import Column, Row
from pipeline.errors import RowFileError
from pipeline.files import atomic_path
from pipeline.rowfiles.badrows import NO_KEY_VALUE
from pipeline.rowfiles.fields import Field, match_fields
from pipeline.rowfiles.formats import ENDINGS, format_of, has_format
from pipeline.rowfiles.opening import printable, reading, require_regular
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.splits import SourceFile, Split, SplitRows


def find_files(pattern: str) -> tuple[Path, ...]:
    """Return the row files that a file's path, a folder or a glob means, sorted by path.

    In a folder, these are the files that are not hidden and have the ending of a format, in any case;
    `passed_over` returns the others. A file that is named, or found by a glob, must be a row file.

    Raises:
        RowFileError: there is no file, or one is not a regular file, cannot be read, has no format's ending,
            or has a name that is not UTF-8.
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
            f"no row file at {pattern}{there}; name a {' or '.join(ENDINGS)} file, a folder of them, or a "
            "glob"
        )
    for file in files:
        _require_utf8(str(file))
        require_regular(file)
        format_of(file)
    return files


def passed_over(pattern: str) -> tuple[Path, ...]:
    """Return the entries of a folder that `find_files` leaves out: other files, hidden files, folders.

    The result is empty if `pattern` is a file or a glob.

    Raises:
        RowFileError: the folder cannot be read.
    """
    place = Path(pattern)
    with reading(place):
        return tuple(sorted(_in_folder(place)[1])) if pattern and place.is_dir() else ()


def listed(found: Sequence[Path]) -> str:
    """Return the names of the first few entries of a folder, for a message."""
    names = [printable(path.name) + "/" * path.is_dir() for path in sorted(found)[:_LISTED_MOST]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _in_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the entries of a folder that are row files, and the others."""
    taken: list[Path] = []
    passed: list[Path] = []
    for entry in folder.iterdir():
        (taken if has_format(entry) and not entry.name.startswith(".") else passed).append(entry)
    return taken, passed


def _require_utf8(path: str) -> None:
    """Return if a path is UTF-8: journals and files of bad rows name their files in UTF-8."""
    if printable(path) != path:
        raise RowFileError(f"the name {printable(path)} is not UTF-8; rename the file or its folder")


def plan_fields(
    files: Iterable[SourceFile], columns: Sequence[Column], mapping: Mapping[str, str]
) -> list[Field]:
    """Return the fields to load from each of the files, in the order of the table's columns.

    `mapping` is field to column; without one the headers name the columns themselves.

    Raises:
        RowFileError: a file cannot be read, or its header, the last file's no less than the first's, does not
            fit.
        SettingError: the mapping does not fit the table.
    """
    fields: list[Field] = []
    for file in files:
        _require_readable(file)
        has_lines = format_of(file.path).has_lines
        fields = match_fields(Path(file.path), file.content.header, columns, mapping, is_text=has_lines)
    return fields


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


_LISTED_MOST = 10
