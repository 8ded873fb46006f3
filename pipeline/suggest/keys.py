"""A primary key for some rows: columns whose values, together, no two rows share."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import RowFileError, suggestion
from pipeline.rowfiles.mapping import quoted
from pipeline.suggest.notes import Notes

Codes = npt.NDArray[np.int64]
"""A number for each row, the same for the same value."""


@dataclass(frozen=True)
class KeyColumn:
    """A column that may be in a key: its type, and its values in the rows that were read."""

    name: str
    type_name: str
    values: pa.Array


def find_key(
    columns: Sequence[KeyColumn], named: Sequence[str], notes: Notes, *, is_whole: bool
) -> tuple[str, ...]:
    """Return the columns of a primary key, the partition key first; none where no few columns are one.

    `is_whole`: the rows are all rows of the files.

    Raises:
        RowFileError: a column that is named is not there, or is no key.
    """
    by_name = {column.name: column for column in columns}
    if named:
        for name in named:
            if name not in by_name:
                raise RowFileError(f"key: no field {name!r}; {suggestion(name, [*by_name])}")
        _note_repeats([by_name[name] for name in named], notes)
        return tuple(named)
    usable = [column for column in columns if column.type_name in _KEY_TYPES and not column.values.null_count]
    codes = {column.name: _codes(column.values) for column in usable}
    found = _smallest(sorted(usable, key=_looks_like_key, reverse=True), codes)
    where = "" if is_whole else "of those that were read "
    if found:
        # A time is rather asked for within what it belongs to.
        found = tuple(sorted(found, key=lambda name: by_name[name].type_name in {"date", "timestamp"}))
        listed = ", ".join(map(quoted, found))
        notes.reason(f"key: {listed}: no two rows {where}have the same")
        if not is_whole or not _is_named_so(found):
            notes.doubt(f"key: {listed} is a guess from the values; name another with --key")
    return found


def _smallest(columns: Sequence[KeyColumn], codes: Mapping[str, Codes]) -> tuple[str, ...]:
    """Return the fewest columns that tell all rows apart, those that look like keys first."""
    rows = len(columns[0].values) if columns else 0
    for column in columns:
        if _count(codes[column.name]) == rows and (
            _looks_like_key(column) or column.type_name != "timestamp"
        ):
            return (column.name,)
    names = [column.name for column in columns][:_MOST_COLUMNS]
    for size in (2, 3, 4):
        for few in itertools.combinations(names, size):
            if _count(_joined([codes[name] for name in few])) == rows:
                return few
    return ()


def _codes(values: pa.Array) -> Codes:
    codes: Codes = values.dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64) + 1
    return codes


def _joined(codes: Sequence[Codes]) -> Codes:
    joined = codes[0]
    for each in codes[1:]:
        _, joined = np.unique(joined * (int(each.max(initial=0)) + 1) + each, return_inverse=True)
    return joined


def _count(codes: Codes) -> int:
    return len(np.unique(codes))


def _note_repeats(columns: Sequence[KeyColumn], notes: Notes) -> None:
    rows = len(columns[0].values)
    repeated = rows - _count(_joined([_codes(column.values) for column in columns]))
    if repeated:
        notes.doubt(
            f"key: {repeated} of {rows} rows have a key that another row has; the last row of a key wins"
        )
    for column in columns:
        if column.values.null_count:
            notes.doubt(
                f"key: {column.name} has no value in {column.values.null_count} rows; they are bad rows"
            )


def _looks_like_key(column: KeyColumn) -> int:
    """Return how much a column's name is that of a key."""
    name = column.name.casefold()
    if name in {"id", "key", "uuid", "rowid"} or column.type_name == "uuid":
        return 3
    if name.endswith(("id", "_key", "code", "no")) or name.startswith("id"):
        return 2
    return int(column.type_name in {"date", "timestamp"} or name in {"name", "year", "date", "time"})


def _is_named_so(names: Sequence[str]) -> bool:
    return len(names) == 1 and any(names[0].casefold().endswith(word) for word in ("id", "key", "code"))


_KEY_TYPES = {"text", "int", "bigint", "varint", "uuid", "date", "timestamp", "inet", "smallint", "tinyint"}
_MOST_COLUMNS = 12
