"""The meaning of a value in a CQL type, by the standard library: an oracle for the pipeline's own parsers.

A value has a type of Python (`bool`, `int`, `float`, `Decimal`, `str`, `bytes`, `UUID`, None for null), or
one of the classes below if Python has no exact type.
"""

import json
import math
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cassandra.util import Date, OrderedMap, SortedSet, Time

from pipeline.cql.types import PROTOCOL_VERSION
from tests.harness.oracles import wanted
from tests.harness.values import USER_TYPES, known

DAY_NS = 24 * 3600 * 10**9
FIRST_NS, END_NS = -62_135_596_800 * 10**9, 253_402_300_800 * 10**9
"""The years 1 to 9999."""
REFUSED = "refused"
"""The meaning of a value that is not one of the type."""


@dataclass(frozen=True)
class Moment:
    """Nanoseconds since 1970, in UTC."""

    ns: int


@dataclass(frozen=True)
class Day:
    """Days since 1970."""

    days: int


@dataclass(frozen=True)
class Clock:
    """Nanoseconds since midnight."""

    ns: int


@dataclass(frozen=True)
class Span:
    """A duration."""

    units: int


@dataclass(frozen=True)
class Broken:
    """Bytes that are declared as text, and are not UTF-8."""

    content: bytes


@dataclass(frozen=True)
class Fields:
    """Names and values: of a struct, which stands for a tuple too, or of a JSON object."""

    pairs: Sequence[tuple[str, Any]]
    is_ordered: bool = True


@dataclass(frozen=True)
class Pairs:
    """Keys and values."""

    pairs: Sequence[tuple[Any, Any]]


class RefusedError(Exception):
    """A value is not one of the type."""


def meaning_in(type_name: str, value: object) -> object:
    """Return the meaning of a file's value in a CQL type, in the form of `exact`, or `REFUSED`."""
    try:
        if isinstance(value, bytes) and "<" in type_name:
            value = value.decode()
        if isinstance(value, str) and "<" in type_name:
            value = from_json(value)
        return _in(type_name, value)
    except (RefusedError, UnicodeDecodeError):
        return REFUSED


def from_json(text: str) -> object:
    """Return the value of a JSON text, its numbers and truth values as their text."""
    try:
        found = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_object
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise RefusedError from error
    return _plain(found)


def _refuse(_: object) -> object:
    raise RefusedError


def _object(pairs: list[tuple[str, Any]]) -> Fields:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RefusedError
    return Fields([(name, _plain(value)) for name, value in pairs], is_ordered=False)


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def parts(type_name: str) -> tuple[str, list[str]]:
    """Return a type's outer name, and the text in its angle brackets."""
    outer, _, inner = type_name.partition("<")
    if not inner:
        return type_name, []
    found, depth = [""], 0
    for letter in inner[:-1]:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return outer, [part.strip() for part in found]


def _in(type_name: str, value: Any) -> object:  # noqa: ANN401 - any value of a file
    outer, inner = parts(type_name)
    if outer == "frozen":
        return _in(inner[0], value)
    if type_name in USER_TYPES:
        return _user_type(USER_TYPES[type_name], value)
    if outer == "map":
        return _map(inner, value)
    if outer == "tuple":
        values = [item for _, item in value.pairs] if _is_struct(value) else _items(value)
        if len(values) != len(inner):
            raise RefusedError
        return tuple(
            None if item is None else _in(kind, item) for kind, item in zip(inner, values, strict=True)
        )
    if outer in {"list", "set", "vector"}:
        items = [_in(inner[0], _there(item)) for item in _items(value)]
        if outer == "vector" and len(items) != int(inner[1]):
            raise RefusedError
        return _set(items) if outer == "set" else tuple(items)
    return _scalar(type_name, value)


def _is_struct(value: object) -> bool:
    return isinstance(value, Fields) and value.is_ordered


def _items(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise RefusedError
    return value


def _there(item: object) -> object:
    if item is None:
        raise RefusedError
    return item


def _set(items: list[Any]) -> object:
    found = frozenset(map(_numeric, items))
    # Cassandra distinguishes the zeros, the driver does not.
    if {exact(0.0), exact(-0.0)} <= found:
        raise RefusedError
    return found


def _map(inner: Sequence[str], value: object) -> object:
    if not isinstance(value, Fields | Pairs):
        raise RefusedError
    is_json = parts(inner[0])[1] and isinstance(value, Fields)
    keys = [from_json(key) if is_json else key for key, _ in value.pairs]
    items = [_in(inner[1], _there(item)) for _, item in value.pairs]
    found = dict(zip((_numeric(_in(inner[0], key)) for key in keys), items, strict=True))
    if len(found) < len(value.pairs) or {exact(0.0), exact(-0.0)} <= found.keys():
        raise RefusedError
    return frozenset(found.items())


def _user_type(fields: dict[str, str], value: object) -> object:
    if not isinstance(value, Fields) or {name for name, _ in value.pairs} - fields.keys():
        raise RefusedError
    found = dict(value.pairs)
    return tuple(None if found.get(name) is None else _in(kind, found[name]) for name, kind in fields.items())


def _scalar(kind: str, value: Any) -> object:  # noqa: ANN401 - as above; one a kind of value
    if isinstance(value, bytes) and kind != "blob":
        is_uuid = kind in {"uuid", "timeuuid"} and len(value) == 16
        value = uuid.UUID(bytes=value) if is_uuid else value.decode()
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        found = wanted(kind, value)
        return (
            _refuse(value)
            if found is None
            else exact(known(kind).driver.deserialize(found, PROTOCOL_VERSION))
        )
    if isinstance(value, uuid.UUID):
        return _identifier(kind, value)
    if isinstance(value, bool):
        return value if kind == "boolean" else _refuse(value)
    if isinstance(value, int | float | Decimal):
        return _number(kind, value)
    return _temporal(kind, value)


def _temporal(kind: str, value: object) -> object:
    if kind == "time" and isinstance(value, Clock) and 0 <= value.ns < DAY_NS:
        return value.ns
    if kind == "date" and isinstance(value, Day):
        return value.days
    if isinstance(value, Day):
        value = Moment(value.days * DAY_NS)
    return _moment(kind, value) if isinstance(value, Moment) else _refuse(value)


def _identifier(kind: str, value: uuid.UUID) -> object:
    if kind in {"text", "varchar", "ascii"}:
        return str(value)
    if kind == "blob":
        return value.bytes
    is_one = kind == "uuid" or (kind == "timeuuid" and value.version == 1)
    return value if is_one else _refuse(value)


def _moment(kind: str, value: Moment) -> object:
    if FIRST_NS <= value.ns < END_NS:
        if kind == "timestamp":
            return value.ns // 10**6
        if kind == "date" and value.ns % DAY_NS == 0:
            return value.ns // DAY_NS
    raise RefusedError


def _number(kind: str, value: float | Decimal) -> object:
    if kind in {"text", "varchar", "ascii"}:
        return str(value)
    if kind in {"float", "double"}:
        try:
            return exact(
                struct.unpack(">f", struct.pack(">f", value))[0] if kind == "float" else float(value)
            )
        except OverflowError as error:
            raise RefusedError from error
    if kind == "decimal" and math.isfinite(value):
        number = Decimal(str(value))
        return exact(number or number.copy_abs())
    is_whole = isinstance(value, int) or (isinstance(value, Decimal) and value.as_tuple().exponent == 0)
    bits = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64, "varint": 1000}.get(kind)
    if is_whole and bits and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        return int(value)
    raise RefusedError


def exact(value: Any) -> object:  # noqa: ANN401, PLR0911 - any value of the driver; one return for each type
    """Return the driver's value in a form in which only identical values are equal: bits, scales and all."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, datetime):
        return round((value - datetime(1970, 1, 1)) / timedelta(milliseconds=1))  # noqa: DTZ001 - naive is UTC
    if isinstance(value, Date):
        return value.days_from_epoch
    if isinstance(value, Time):
        return value.nanosecond_time
    if isinstance(value, OrderedMap):
        return frozenset((_numeric(exact(key)), exact(item)) for key, item in value.items())
    if isinstance(value, SortedSet):
        return frozenset(_numeric(exact(item)) for item in value)
    return tuple(map(exact, value)) if isinstance(value, list | tuple) else value


def _numeric(value: Any) -> object:  # noqa: ANN401 - as above
    """Return an element in a form in which values are equal that Cassandra takes for equal: 1.0 and 1.00."""
    if type(value).__name__ == "DecimalTuple":
        return Decimal(value)
    return tuple(map(_numeric, value)) if type(value) is tuple else value
