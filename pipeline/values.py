"""CQL values in row files: as text for CSV, as Arrow types for Parquet, and as the driver returns them.

Text forms: ISO 8601 for dates and times (a timestamp without an offset is UTC), 0x… for blobs, JSON for
collections, the empty field for null. Timestamps have the server's precision, milliseconds.
"""

import ipaddress
import json
import math
import socket
import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
from cassandra.util import Date, OrderedMap, SortedSet, Time

from pipeline.errors import SettingError

Parse = Callable[[str], object]
"""Text to value; ValueError, TypeError or ArithmeticError where the text is no such value."""


@dataclass(frozen=True)
class CqlType:
    """One CQL type: its text form both ways and its column in Parquet."""

    parse: Parse
    format: Callable[..., str]
    arrow: pa.DataType


def cql_type(name: str) -> CqlType:
    """Return the type that CQL calls `name`, such as `int` or `frozen<set<text>>`.

    Raises:
        SettingError: row files cannot carry this type.
    """
    if name in _SCALARS:
        return _SCALARS[name]
    outer, bracket, inner = name.removesuffix(">").partition("<")
    if bracket and outer == "frozen":
        return cql_type(inner)
    if bracket and outer in {"list", "set"}:
        return _sequence(outer, cql_type(inner))
    if bracket and outer == "map":
        key, value = _split_pair(inner)
        return _mapping(cql_type(key), cql_type(value))
    raise SettingError(f"row files cannot carry the CQL type {name!r}")


def canonical(value: object) -> object:
    """Return a value in one form, whether it was parsed from a file or read back through the driver.

    An empty collection is null to Cassandra, so it becomes None; the driver's own collection, date and
    time types become Python's.
    """
    if isinstance(value, Mapping):
        # The driver's own map looks a key up by its bytes, and may miss one that it has read itself.
        pairs = value._items if isinstance(value, OrderedMap) else value.items()  # noqa: SLF001 - nothing else has all of them
        value = {canonical(key): canonical(item) for key, item in pairs} or None
    elif isinstance(value, list | tuple):
        value = tuple(canonical(item) for item in value) or None
    elif isinstance(value, float) and math.isnan(value):
        value = "NaN"  # the only value that does not equal itself
    elif isinstance(value, datetime):
        # The driver reads a timestamp by way of a float, which is off by microseconds far from 1970.
        value += timedelta(microseconds=500)
        value -= timedelta(microseconds=value.microsecond % 1000)
    elif isinstance(value, Date):
        value = value.date()
    elif isinstance(value, Time):
        value = value.time()
    elif isinstance(value, set | SortedSet):
        value = frozenset(canonical(item) for item in value) or None
    return value


def _parse_boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("neither true nor false") from None


def _parse_timeuuid(text: str) -> uuid.UUID:
    value = uuid.UUID(text)
    if value.version != 1:
        raise ValueError("not a UUID of version 1")
    return value


def _parse_timestamp(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment - timedelta(microseconds=moment.microsecond % 1000)


def _format_timestamp(moment: datetime) -> str:
    return _parse_timestamp(moment.isoformat()).isoformat(timespec="milliseconds") + "Z"


def _parse_inet(text: str) -> str:
    """Return the address as the server keeps it and the driver writes it."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise ValueError("Cassandra keeps no scope of an address")
        address = address.ipv4_mapped or address
    return socket.inet_ntop(socket.AF_INET if address.version == _IPV4 else socket.AF_INET6, address.packed)


def _parse_blob(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("a blob begins with 0x")
    return bytes.fromhex(text[2:])


def _parse_float32(text: str) -> float:
    value: float = struct.unpack(">f", struct.pack(">f", float(text)))[0]
    return value


def _parse_decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError("Cassandra has no such decimal")
    return value


def _integer(bits: int, arrow: pa.DataType) -> CqlType:
    def parse(text: str) -> int:
        value = int(text)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise ValueError(f"out of range for {bits} bits")
        return value

    return CqlType(_number(parse), str, arrow)


def _number(convert: Parse) -> Parse:
    """Return `convert`, but without Python's licence to write 1_000."""

    def parse(text: str) -> object:
        if "_" in text:
            raise ValueError("not a number")
        return convert(text)

    return parse


def _text_of(item: object) -> str:
    if item is None:
        raise ValueError("null inside a collection")
    return item if isinstance(item, str) else json.dumps(item)


def _sequence(kind: str, element: CqlType) -> CqlType:
    def parse(text: str) -> object:
        items = json.loads(text, parse_float=str, parse_int=str)
        if not isinstance(items, list):
            raise ValueError(f"a {kind} is a JSON array")  # noqa: TRY004 - the file's value is wrong, not a caller's type
        values = [element.parse(_text_of(item)) for item in items]
        return set(values) if kind == "set" else values

    def to_text(values: list[object]) -> str:
        texts = [element.format(value) for value in values]
        return json.dumps(sorted(texts) if kind == "set" else texts, ensure_ascii=False)

    return CqlType(parse, to_text, pa.string())


def _mapping(key: CqlType, item: CqlType) -> CqlType:
    def parse(text: str) -> object:
        pairs = json.loads(text, parse_float=str, parse_int=str)
        if not isinstance(pairs, dict):
            raise ValueError("a map is a JSON object")  # noqa: TRY004 - as above
        return {key.parse(name): item.parse(_text_of(value)) for name, value in pairs.items()}

    def to_text(pairs: Mapping[object, object]) -> str:
        return json.dumps({key.format(k): item.format(v) for k, v in pairs.items()}, ensure_ascii=False)

    return CqlType(parse, to_text, pa.string())


def _split_pair(inner: str) -> tuple[str, str]:
    depth = 0
    for at, letter in enumerate(inner):
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            return inner[:at].strip(), inner[at + 1 :].strip()
    raise SettingError(f"row files cannot carry the CQL type 'map<{inner}>'")


_IPV4 = 4
_TEXT = CqlType(str, str, pa.string())
_SCALARS: Mapping[str, CqlType] = {
    "text": _TEXT,
    "varchar": _TEXT,
    "ascii": CqlType(lambda text: text.encode("ascii").decode("ascii"), str, pa.string()),
    "uuid": CqlType(uuid.UUID, str, pa.string()),
    "timeuuid": CqlType(_parse_timeuuid, str, pa.string()),
    "boolean": CqlType(_parse_boolean, lambda value: str(value).lower(), pa.bool_()),
    "tinyint": _integer(8, pa.int8()),
    "smallint": _integer(16, pa.int16()),
    "int": _integer(32, pa.int32()),
    "bigint": _integer(64, pa.int64()),
    "varint": CqlType(_number(int), str, pa.string()),
    "decimal": CqlType(_number(_parse_decimal), str, pa.string()),
    "float": CqlType(_number(_parse_float32), repr, pa.float32()),
    "double": CqlType(_number(float), repr, pa.float64()),
    "timestamp": CqlType(_parse_timestamp, _format_timestamp, pa.timestamp("ms", tz="UTC")),
    "date": CqlType(date.fromisoformat, date.isoformat, pa.date32()),
    "time": CqlType(time.fromisoformat, time.isoformat, pa.string()),
    "inet": CqlType(_parse_inet, str, pa.string()),
    "blob": CqlType(_parse_blob, lambda value: "0x" + value.hex(), pa.binary()),
}
