"""Names of columns for the fields of files."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence


def column_names(fields: Sequence[str]) -> list[str]:
    """Return a column's name for each field: small letters, digits and underscores, each name once.

    A name that is so already stays as it is.
    """
    names: list[str] = []
    for at, field in enumerate(fields, start=1):
        name = _column_name(field) or f"field_{at}"
        count, own = 1, name
        while own in names:
            count += 1
            own = f"{name}_{count}"
        names.append(own)
    return names


def numbered(names: Sequence[str]) -> list[str]:
    """Return names of which each is another: one that stands before has a number behind it."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} {seen[name]}" if seen[name] > 1 else name)
    return found


def _column_name(field: str) -> str:
    plain = unicodedata.normalize("NFKD", field.replace("/", " "))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", letters)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.casefold()).strip("_")
    return f"c_{name}" if name[:1].isdigit() else name
