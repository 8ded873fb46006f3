"""How a mapping is written: `id=order_id, "Price, EUR"=price`.

Pairs of a field and a column, separated by commas, blanks around names left out. A name that has a comma, an
equals sign, or blanks or a quote at its ends stands in double quotes, each quote in it doubled.
"""

import re
from collections.abc import Mapping


def parse_mapping(text: str) -> dict[str, str]:
    """Return which field feeds which column.

    Raises:
        ValueError: a part is not a pair, or a field occurs twice.
    """
    mapping: dict[str, str] = {}
    at, more = 0, text.strip()
    while more:
        found = _PAIR.match(text, at)
        if found is None:
            raise ValueError(text[at:] or text)
        field = _name(found["quoted_field"], found["field"])
        column = _name(found["quoted_column"], found["column"])
        if not column or field in mapping:
            raise ValueError(found[0])
        mapping[field] = column
        at, more = found.end(), found["more"]
    return mapping


def format_mapping(mapping: Mapping[str, str]) -> str:
    """Return the text of a mapping, for `parse_mapping`."""
    return ",".join(f"{quoted(field)}={quoted(column)}" for field, column in mapping.items())


def quoted(name: str) -> str:
    """Return a field's or a column's name as it stands in a mapping: in quotes where it needs them."""
    if name and name == name.strip() and not _NEEDS_QUOTES.search(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _name(in_quotes: str | None, bare: str | None) -> str:
    return (bare or "").strip() if in_quotes is None else in_quotes.replace('""', '"')


_NEEDS_QUOTES = re.compile(r'[,="]')
_PAIR = re.compile(
    r"""
    \s*+ (?: "(?P<quoted_field> [^"]*+ (?:""[^"]*+)*+ )" \s*+  |  (?P<field> (?!")[^,=]*+ ) )
    =
    \s*+ (?: "(?P<quoted_column> [^"]*+ (?:""[^"]*+)*+ )" \s*+  |  (?P<column> (?!")[^,]*+ ) )
    (?: (?P<more>,) | \Z )
    """,
    re.VERBOSE,
)
