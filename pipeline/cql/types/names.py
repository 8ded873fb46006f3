"""The CQL types by name: `int`, `frozen<set<text>>`, a user-defined type."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from pipeline.cql.columns import COUNTER
from pipeline.cql.types import blob, nested, network, number, temporal, text, uuid
from pipeline.cql.types.cqltype import CqlType
from pipeline.errors import SettingError

SCALARS: Mapping[str, CqlType] = {
    **text.TYPES,
    **uuid.TYPES,
    **number.TYPES,
    **temporal.TYPES,
    **network.TYPES,
    **blob.TYPES,
}
"""The types of one value each."""

UserTypes = Mapping[str, Mapping[str, str]]
"""A keyspace's UDTs: the name of each, without quotes, to its fields' names and CQL types, in order."""

_NO_USER_TYPES: UserTypes = {}


def cql_type(name: str, user_types: UserTypes = _NO_USER_TYPES) -> CqlType:
    """Return the type that CQL calls `name`, such as `int` or `frozen<set<text>>`.

    Raises:
        SettingError: row files cannot carry this type, or it names a UDT that is not in `user_types`.
    """
    return _resolve(name, tuple((known, tuple(fields.items())) for known, fields in user_types.items()))


@lru_cache(maxsize=1024)
def _resolve(name: str, user_types: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> CqlType:
    name = name.strip()
    if name in SCALARS:
        return SCALARS[name]
    if name == COUNTER:
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
        return dataclasses.replace(kinds[0], is_frozen=True)
    if outer == "list" and len(kinds) == 1:
        return nested.list_type(kinds[0])
    if outer == "set" and len(kinds) == 1:
        return nested.set_type(kinds[0])
    raise SettingError(f"row files cannot carry the CQL type {name!r}")


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _split(inner: str) -> list[str]:
    """Return the parts between the commas that are outside of brackets and quotes."""
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
