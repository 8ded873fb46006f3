"""Which field of a row file feeds which column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError, SettingError, shown, suggestion


@dataclass(frozen=True)
class Field:
    """A field of a row file that is loaded: the column that it feeds, and its name in the header."""

    column: Column
    name: str


def match_fields(
    file: Path, header: Sequence[str], columns: Sequence[Column], mapping: Mapping[str, str]
) -> list[Field]:
    """Return the fields to load, in the order of the table's columns.

    Without a mapping, the header must name each column once, in any order. With one, field to column, only
    the fields that it names are loaded, and the header may name any others.

    Raises:
        RowFileError: the header is not what the table, or the mapping, needs.
        SettingError: the mapping names a column that there is not, or one twice, or leaves out a key column.
    """
    if mapping:
        fields = _mapped_fields(columns, mapping)
        _require_mapped(file, header, fields)
        return fields
    names = [column.name for column in columns]
    if sorted(header) != sorted(names):
        raise RowFileError(
            f"{file}: the header is {shown(','.join(header))!r}; it must name each of "
            f"{','.join(names)!r} once"
        )
    return [Field(column, column.name) for column in columns]


def _mapped_fields(columns: Sequence[Column], mapping: Mapping[str, str]) -> list[Field]:
    known = [column.name for column in columns]
    field_of: dict[str, str] = {}
    for source, name in mapping.items():
        if name not in known:
            raise SettingError(
                f"mapping: field {shown(source)!r} is to feed column {shown(name)!r}, which is not there; "
                f"{suggestion(name, known)}"
            )
        if name in field_of:
            raise SettingError(
                f"mapping: column {name!r} is fed by both {shown(field_of[name])!r} and {shown(source)!r}; "
                "keep one"
            )
        field_of[name] = source
    for column in columns:
        if column.is_key and column.name not in field_of:
            raise SettingError(
                f"mapping: no field feeds column {column.name!r}, which is in the primary key; add one"
            )
    return [Field(column, field_of[column.name]) for column in columns if column.name in field_of]


def _require_mapped(file: Path, header: Sequence[str], fields: Sequence[Field]) -> None:
    for wanted in fields:
        count = list(header).count(wanted.name)
        if count == 0:
            raise RowFileError(
                f"{file}: no field {shown(wanted.name)!r} in its header, which the mapping wants for column "
                f"{wanted.column.name!r}; {suggestion(wanted.name, header)}"
            )
        if count > 1:
            raise RowFileError(
                f"{file}: the header names {shown(wanted.name)!r} {count} times, which the mapping wants for "
                f"column {wanted.column.name!r}; rename all but one"
            )
