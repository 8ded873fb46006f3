"""Sections of luigi.cfg for single tables: `[table shop.orders]` has what the loads of that table need."""

from collections.abc import Iterator, Sequence

from luigi.configuration import get_config

from pipeline.errors import SettingError, suggestion
from tasks.targets import named_table

_BEGIN = "table "


def table_sections() -> list[str]:
    """Return the names of the sections for tables in luigi.cfg."""
    return [name for name in get_config().sections() if name.startswith(_BEGIN)]


def named_sections() -> list[str]:
    """Return the tables that have a section, as their sections name them."""
    return [name.removeprefix(_BEGIN).strip() for name in table_sections()]


def settings_of_table(table: str, known: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the section of a table, empty where there is none, and its settings as text.

    Raises:
        SettingError: the section has a setting that is not among `known`, or two sections are for the table.
    """
    found = list(_sections_of(table))
    if not found:
        return "", {}
    if found[1:]:
        raise SettingError(f"[{found[0]}] and [{found[1]}] are for the same table; make them one")
    [section] = found
    values = {name: get_config().get(section, name) for name in get_config().options(section)}
    for name in values:
        if name not in known:
            raise SettingError(f"[{section}] has no setting {name!r}; {suggestion(name, known)}")
    return section, values


def _sections_of(table: str) -> Iterator[str]:
    wanted = named_table(table)
    for section in table_sections():
        ref = named_table(section.removeprefix(_BEGIN).strip())
        if (ref.keyspace.name, ref.table) == (wanted.keyspace.name, wanted.table):
            yield section
