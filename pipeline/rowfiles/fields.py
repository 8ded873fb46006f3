"""Which field of a row file feeds which column."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError, SettingError, abbreviated, suggestion
from pipeline.rowfiles.headers import Header, without_header, wrong_header, wrong_mapping, wrong_order
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.values import ValuesConfig


@dataclass(frozen=True)
class Field:
    """What is loaded into a column: a field of a row file, by its name in the header, or a constant.

    `allows_others`: the file may have fields that feed no column. `values` is how its values are written.
    `constant` is the value of each row, with its placeholders; None for a field of the file.
    """

    column: Column
    name: str
    allows_others: bool = False
    values: ValuesConfig = field(default_factory=ValuesConfig)
    constant: str | None = None


def match_fields(header: Header, columns: Sequence[Column], config: ColumnsConfig) -> list[Field]:
    """Return the fields to load from a file, in the order of the table's columns.

    Without a mapping, each column takes one field, and each field feeds one column, as far as the settings
    do not allow that some are left out. With one, only the fields that it names are loaded.

    Raises:
        RowFileError: the header is not what the table, or the mapping, needs.
        SettingError: a setting does not fit the table.
    """
    constants = _constants(columns, config)
    fed = [column for column in columns if column.name not in constants]
    if config.mapping:
        names = _mapped(fed, columns, config.mapping)
        _require_each(header, names)
    elif header.names is None:
        if config.match != "name":
            raise SettingError(
                f"match is {config.match!r}, and {header.file} names its fields in each row; use --mapping"
            )
        names = {column.name: column.name for column in fed}
    else:
        names = _matched(header, header.names, fed, config)
    _require_using(header, config)
    others = bool(config.mapping) or config.surplus_fields == "skip"
    return [
        Field(
            column,
            names.get(column.name, ""),
            allows_others=others,
            constant=constants.get(column.name),
        )
        for column in columns
        if column.name in names or column.name in constants
    ]


def using_fields(config: ColumnsConfig, values: ValuesConfig) -> tuple[Field, ...]:
    """Return the fields with the time to live and the write timestamp of each row, as far as there are."""
    named = ((TTL, config.ttl_field), (TIMESTAMP, config.timestamp_field))
    return tuple(Field(column, name, values=values) for column, name in named if name)


def _matched(
    header: Header, names: Sequence[str], columns: Sequence[Column], config: ColumnsConfig
) -> dict[str, str]:
    """Return the field of each column by the settings, without a mapping."""
    using = {config.ttl_field, config.timestamp_field} - {""}
    if config.match == "order":
        left = [name for name in names if name not in using]
        missing, surplus = columns[len(left) :], left[len(columns) :]
        if len(set(names)) < len(names) or not _may_skip(missing, surplus, config):
            raise wrong_order(header, left, columns)
        return dict(zip((column.name for column in columns), left, strict=False))
    if not header.is_given:
        raise without_header(header, names, columns)
    found = _by_name(names, columns, any_case=config.match == "any_case")
    counts = Counter(names)
    surplus = [name for name in counts if name not in found.values() and name not in using]
    missing = [column for column in columns if column.name not in found]
    is_twice = any(counts[name] > 1 for name in found.values())
    if is_twice or not _may_skip(missing, surplus, config):
        raise wrong_header(header, [name for name in names if name not in using], columns)
    return found


def _by_name(names: Sequence[str], columns: Sequence[Column], *, any_case: bool) -> dict[str, str]:
    """Return the field of each column that has one of its name.

    Raises:
        SettingError: in any case, a name is that of two columns, or of two fields.
    """
    there = set(names)
    if not any_case:
        return {column.name: column.name for column in columns if column.name in there}
    found: dict[str, str] = {}
    for column in columns:
        alike = sorted({name for name in there if name.casefold() == column.name.casefold()})
        others = [each.name for each in columns if each.name.casefold() == column.name.casefold()]
        if len(alike) > 1 or (alike and len(others) > 1):
            what = ", ".join(map(repr, alike if len(alike) > 1 else others))
            raise SettingError(f"match is 'any_case', and {what} differ in nothing else; use --mapping")
        if alike:
            found[column.name] = alike[0]
    return found


def _may_skip(missing: Sequence[Column], surplus: Sequence[str], config: ColumnsConfig) -> bool:
    """Return whether columns and fields that have no partner may be left out."""
    if missing and (config.missing_columns != "skip" or any(column.is_key for column in missing)):
        return False
    return not surplus or config.surplus_fields == "skip"


def _mapped(
    fed: Sequence[Column], columns: Sequence[Column], mapping: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Return the field of each column that a mapping feeds; `fed` are those that no constant does."""
    known = [column.name for column in columns]
    field_of: dict[str, str] = {}
    for source, name in mapping:
        if name not in known:
            raise SettingError(
                f"mapping: field {abbreviated(source)!r} is to feed column {abbreviated(name)!r}, which is "
                f"not there; {suggestion(name, known)}"
            )
        if name in field_of:
            raise SettingError(
                f"mapping: column {name!r} is fed by both {abbreviated(field_of[name])!r} and "
                f"{abbreviated(source)!r}; keep one"
            )
        field_of[name] = source
    for column in fed:
        if column.is_key and column.name not in field_of:
            raise SettingError(
                f"mapping: no field feeds column {column.name!r}, which is in the primary key; add one"
            )
    return field_of


def _require_each(header: Header, names: Mapping[str, str]) -> None:
    """Return if the header names each of a mapping's fields once."""
    for column, name in names.items():
        if header.names is not None and header.names.count(name) != 1:
            raise wrong_mapping(header, name, f"column {column!r}", [*names.values()])


def _require_using(header: Header, config: ColumnsConfig) -> None:
    for setting, name in (("ttl_field", config.ttl_field), ("timestamp_field", config.timestamp_field)):
        if name and header.names is not None and header.names.count(name) != 1:
            raise wrong_mapping(header, name, setting, [name])


def _constants(columns: Sequence[Column], config: ColumnsConfig) -> dict[str, str]:
    """Return the constant of each column that has one.

    Raises:
        SettingError: there is no such column, or all columns have one.
    """
    known = [column.name for column in columns]
    for name, _ in config.constants:
        if name not in known:
            raise SettingError(
                f"constants: column {abbreviated(name)!r} is not there; {suggestion(name, known)}"
            )
    found = dict(config.constants)
    if columns and len(found) == len(columns):
        raise SettingError("constants feed every column; at least one must be fed by a field")
    return found


def same_fields(file: str, fields: Sequence[Field], before: Sequence[Field]) -> None:
    """Return if a file feeds the same columns by the same fields as the one before it.

    Raises:
        RowFileError: it does not.
    """
    own, others = ({(each.name, each.column.name) for each in some} for some in (fields, before))
    if differing := sorted(own ^ others):
        listed = ", ".join(f"{name} for {column}" for name, column in differing)
        raise RowFileError(
            f"{file}: not the same fields feed the table's columns as in the files before it: "
            f"{abbreviated(listed)}; load it apart"
        )


TTL = Column("TTL", "int", is_key=False)
"""What stands for the column of a row's time to live in seconds, which is no column."""

TIMESTAMP = Column("TIMESTAMP", "bigint", is_key=False)
"""What stands for the column of a row's write timestamp in microseconds since 1970, which is no column."""
