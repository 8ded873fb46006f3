"""CQL values in row files: as text for CSV, as Arrow types for Parquet, and as the driver returns them.

Text forms: ISO 8601 for dates, times and durations (a timestamp without an offset is UTC), 0x… for blobs,
JSON for collections, tuples, UDTs and vectors, the empty field for null. Timestamps have the server's
precision, milliseconds.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from cassandra.util import Date, Duration, OrderedMap, SortedSet, Time

from pipeline.cql import moments, nested
from pipeline.cql.scalars import SCALARS, CqlType
from pipeline.errors import SettingError

__all__ = ["CqlType", "UserTypes", "canonical", "cql_type"]

UserTypes = Mapping[str, Mapping[str, str]]
"""A keyspace's UDTs: the name of each, without quotes, to its fields' names and CQL types, in order."""

_NO_USER_TYPES: UserTypes = {}


def cql_type(name: str, user_types: UserTypes = _NO_USER_TYPES) -> CqlType:
    """Return the type that CQL calls `name`, such as `int` or `frozen<set<text>>`.

    Raises:
        SettingError: row files cannot carry this type, or it names a UDT that is not in `user_types`.
    """
    return _resolve(name, tuple((known, tuple(fields.items())) for known, fields in user_types.items()))


def canonical(value: object) -> object:
    """Return a value in one form that can be compared and hashed, whether parsed or read through the driver.

    An empty collection is null to Cassandra, and so is a UDT without a value in it: they become None. The
    driver's own collection, date and time types become Python's.
    """
    if isinstance(value, Mapping | OrderedMap):
        return frozenset((canonical(key), canonical(item)) for key, item in nested.pairs_of(value)) or None
    if isinstance(value, set | frozenset | SortedSet):
        return frozenset(canonical(item) for item in value) or None
    if isinstance(value, list | tuple):
        items = tuple(canonical(item) for item in value)
        return (
            None
            if isinstance(value, tuple) and not any(item is not None for item in items)
            else items or None
        )
    if isinstance(value, Duration):
        return (value.months, value.days, value.nanoseconds)
    return _canonical_scalar(value)


def _canonical_scalar(value: object) -> object:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"  # the only value that does not equal itself
    if isinstance(value, datetime):
        # The driver reads a timestamp by way of a float, which is off by microseconds far from 1970.
        value += timedelta(microseconds=500)
        return value - timedelta(microseconds=value.microsecond % 1000)
    if isinstance(value, Date):
        return moments.python_date(value)
    return moments.python_time(value) if isinstance(value, Time) else value


@lru_cache(maxsize=1024)
def _resolve(name: str, user_types: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> CqlType:
    name = name.strip()
    if name in SCALARS:
        return SCALARS[name]
    if name == "counter":
        raise SettingError(
            "counter columns cannot be loaded: Cassandra adds to them, and a write that is sent again would "
            "count twice; leave the table out"
        )
    if not name.startswith('"') and name.endswith(">"):
        outer, _, inner = name[:-1].partition("<")
        return _parameterised(name, outer.strip(), _split(inner), user_types)
    fields = dict(user_types).get(_unquoted(name))
    if fields is None:
        raise SettingError(f"row files cannot carry the CQL type {name!r}")
    return nested.user_type(
        _unquoted(name), {field: _resolve(type_name, user_types) for field, type_name in fields}
    )


def _parameterised(
    name: str,
    outer: str,
    inner: Sequence[str],
    user_types: tuple[tuple[str, tuple[tuple[str, str], ...]], ...],
) -> CqlType:
    if outer == "vector" and len(inner) == _PAIR and inner[1].isdecimal() and int(inner[1]):
        return nested.vector(_resolve(inner[0], user_types), int(inner[1]))
    if outer not in {"frozen", "list", "set", "map", "tuple"}:
        raise SettingError(f"row files cannot carry the CQL type {name!r}")
    kinds = [_resolve(part, user_types) for part in inner]
    if outer == "tuple":
        return nested.tuple_type(kinds)
    if outer == "map" and len(kinds) == _PAIR:
        return nested.mapping(*kinds)
    if outer == "frozen" and len(kinds) == 1:
        return kinds[0]
    if outer in {"list", "set"} and len(kinds) == 1:
        return nested.sequence(outer, kinds[0])
    raise SettingError(f"row files cannot carry the CQL type {name!r}")


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _split(inner: str) -> list[str]:
    """Return what stands between the commas that are in no brackets and no quotes."""
    parts = [""]
    depth = 0
    for piece in _PIECE.findall(inner):
        depth += {"<": 1, ">": -1}.get(piece, 0)
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


_PAIR = 2
_PIECE = re.compile(r'"(?:[^"]|"")*"|[<>,]|[^"<>,]+|"')
