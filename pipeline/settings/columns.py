"""Which fields of row files feed which columns, and what feeds those that no field does."""

import re
from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting

Pairs = tuple[tuple[str, str], ...]
"""Pairs such as field and column, in the order in which they were given."""

PLACEHOLDERS = ("date", "file", "line", "row")
"""What a constant may have in braces: the day of the batch, the name of the row's file, the line on which
the row begins, and a number that no other row of its file has."""


@dataclass(frozen=True, kw_only=True)
class ColumnsConfig:
    """Which field feeds which column.

    `mapping` is pairs of field and column; without it, names say it, or the order of the fields. `constants`
    is pairs of column and value, in which `PLACEHOLDERS` may stand in braces.

    Raises:
        SettingError: a value is out of range.
    """

    mapping: Pairs = setting(
        (),
        doc="`field=column, …`: loads these fields alone; else names say which field feeds which column",
        is_in_file=False,
    )
    match: str = setting(
        "name",
        doc="how fields find their columns without a mapping: `name`: by the same name; `any_case`: in small "
        "letters or capitals; `order`: the first field feeds the table's first column, and so on",
        choices=("name", "any_case", "order"),
    )
    missing_columns: str = setting(
        "refuse",
        doc="a column that no field feeds: `refuse` the file, or `skip` the column, if it is in no key",
        choices=("refuse", "skip"),
    )
    surplus_fields: str = setting(
        "refuse",
        doc="a field that feeds no column: `refuse` the file, or `skip` the field",
        choices=("refuse", "skip"),
    )
    constants: Pairs = setting(
        (),
        doc="`column=value, …`: the same value in each row; in it `{date}` is the day of the batch, `{file}` "
        "the name of the row's file, `{line}` the row's line, `{row}` a number of its own in its file",
        is_in_file=False,
    )
    ttl_field: str = setting(
        "",
        doc="the field with the seconds until its row expires; where it is null, the table's default holds",
        is_in_file=False,
    )
    timestamp_field: str = setting(
        "",
        doc="the field with its row's write timestamp: microseconds since 1970, or a timestamp in a form of "
        "`timestamp_formats`",
        is_in_file=False,
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.mapping and self.match != "name":
            raise SettingError(
                f"match is {self.match!r}, which is for files without a mapping; leave one of them out"
            )
        if self.ttl_field and self.ttl_field == self.timestamp_field:
            raise SettingError(f"ttl_field and timestamp_field are both {self.ttl_field!r}; they must differ")
        fed = {column for _, column in self.mapping}
        for column, value in self.constants:
            if column in fed:
                raise SettingError(
                    f"column {column!r} is fed by the mapping and by constants; leave one of them out"
                )
            fed.add(column)
            for word in re.findall(r"\{([a-z_]+)\}", value):
                if word not in PLACEHOLDERS:
                    known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                    raise SettingError(f"constants: {column} has {{{word}}}, which is not known; use {known}")
