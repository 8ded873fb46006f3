"""The CQL types of one value each: their text form, their column in Parquet, and the driver's own type."""

import ipaddress
import math
import socket
import struct
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from cassandra import cqltypes
from cassandra.util import Date

from pipeline.cql import grammar, moments

Parse = Callable[[str], object]
"""Text to value; ValueError where the text is no such value, with what was expected for a message."""


@dataclass(frozen=True)
class CqlType:
    """One CQL type: its text form both ways, its column in Parquet, and what the driver calls it.

    `example` is a value of it inside JSON.
    """

    parse: Parse
    format: Callable[..., str]
    arrow: pa.DataType
    driver: Any
    example: str

    def serialise(self, value: object) -> bytes:
        """Return the value as native protocol 4 carries it, without its length.

        Raises:
            ValueError, TypeError, ArithmeticError: it is no such value; one that was parsed always is.
        """
        serialised: bytes = self.driver.serialize(value, PROTOCOL_VERSION)
        return serialised

    def to_arrow(self, value: object) -> object:
        """Return the value, or None for null, as `pyarrow.array` takes it into a column of type `arrow`."""
        if value is not None and pa.types.is_string(self.arrow):
            return self.format(value)
        return value.days_from_epoch if isinstance(value, Date) else value


def _parse_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("expected text; half of a surrogate pair is none") from None
    return text


def _parse_ascii(text: str) -> str:
    if not text.isascii():
        raise ValueError("expected ASCII characters only; a text column holds all others")
    return text


def _format_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal | uuid.UUID):
        raise TypeError(f"{type(value).__name__} is not text")
    return str(value)


def _parse_boolean(text: str) -> bool:
    return grammar.BOOLEAN.match(text)["true"] is not None


def _parse_uuid(text: str) -> uuid.UUID:
    return uuid.UUID(grammar.UUID.match(text)[0])


def _parse_timeuuid(text: str) -> uuid.UUID:
    value = _parse_uuid(text)
    if value.version != 1:
        raise ValueError("expected a UUID of version 1, which holds a moment; a uuid column holds all others")
    return value


def _format_uuid(value: object) -> str:
    if isinstance(value, bytes):
        value = uuid.UUID(bytes=value)
    # A decimal of 32 digits looks like one.
    if not isinstance(value, uuid.UUID):
        raise TypeError(f"{type(value).__name__} is no UUID")
    return str(value)


def _parse_inet(text: str) -> str:
    """Return the address as the server keeps it and the driver writes it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"expected {grammar.INET}") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise ValueError("Cassandra keeps no scope of an address; leave out what follows %")
        address = address.ipv4_mapped or address
    return socket.inet_ntop(socket.AF_INET if address.version == _IPV4 else socket.AF_INET6, address.packed)


def _parse_blob(text: str) -> bytes:
    return bytes.fromhex(grammar.BLOB.match(text)["digits"])


def _format_blob(value: bytes | uuid.UUID) -> str:
    return "0x" + (value.bytes if isinstance(value, uuid.UUID) else value).hex()


def _parse_double(text: str) -> float:
    """Return the double that is nearest to the number."""
    found = grammar.FLOAT.match(text)
    value = float(text)
    if math.isinf(value) and not found["infinity"]:
        raise ValueError("out of range for 64 bits")
    return value


def _parse_float(text: str) -> float:
    double = _parse_double(text)
    try:
        value: float = struct.unpack(">f", struct.pack(">f", double))[0]
    except OverflowError:
        raise ValueError("out of range for 32 bits") from None
    return value


def _parse_decimal(text: str) -> Decimal:
    found = grammar.DECIMAL.match(text)
    fraction = found["fraction"] or found["only_fraction"] or ""
    if not -(1 << 31) < int(found["exponent"] or 0) - len(fraction) <= 1 << 31:
        raise ValueError("out of range: the exponent of a decimal has 32 bits")
    _require_digits(len(found["digits"].replace(".", "").lstrip("0")))
    return Decimal(text)


def _parse_varint(text: str) -> int:
    grammar.INTEGER.match(text)
    _require_digits(len(text.lstrip("-")))
    return int(text)


def _require_digits(count: int) -> None:
    """Return if Python converts a number of so many digits: its time grows with their square."""
    if count > sys.get_int_max_str_digits():
        raise ValueError(f"more than {sys.get_int_max_str_digits()} digits")


def _integer(bits: int, arrow: pa.DataType, driver: type) -> CqlType:
    def parse(text: str) -> int:
        grammar.INTEGER.match(text)
        # No number that fits is longer, but for zeros in front.
        value = int(text) if len(text) <= _LONGEST_INTEGER else _parse_varint(text)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise ValueError(f"out of range for {bits} bits")
        return value

    return CqlType(parse, str, arrow, driver, "1")


PROTOCOL_VERSION = 4
"""Version 5 loses requests under pipelining: see docs/decisions/0003-protocol-v4.md."""

_IPV4 = 4
_LONGEST_INTEGER = 20

SCALARS: Mapping[str, CqlType] = {
    "text": CqlType(_parse_text, _format_text, pa.string(), cqltypes.UTF8Type, '"a"'),
    "varchar": CqlType(_parse_text, _format_text, pa.string(), cqltypes.UTF8Type, '"a"'),
    "ascii": CqlType(_parse_ascii, _format_text, pa.string(), cqltypes.AsciiType, '"a"'),
    "uuid": CqlType(
        _parse_uuid,
        _format_uuid,
        pa.uuid(),
        cqltypes.UUIDType,
        '"123e4567-e89b-42d3-a456-426614174000"',
    ),
    "timeuuid": CqlType(
        _parse_timeuuid,
        _format_uuid,
        pa.uuid(),
        cqltypes.TimeUUIDType,
        '"123e4567-e89b-12d3-a456-426614174000"',
    ),
    "boolean": CqlType(
        _parse_boolean, lambda value: str(value).lower(), pa.bool_(), cqltypes.BooleanType, "true"
    ),
    "tinyint": _integer(8, pa.int8(), cqltypes.ByteType),
    "smallint": _integer(16, pa.int16(), cqltypes.ShortType),
    "int": _integer(32, pa.int32(), cqltypes.Int32Type),
    "bigint": _integer(64, pa.int64(), cqltypes.LongType),
    "varint": CqlType(_parse_varint, str, pa.string(), cqltypes.IntegerType, "1"),
    "decimal": CqlType(_parse_decimal, str, pa.string(), cqltypes.DecimalType, "1.5"),
    "float": CqlType(_parse_float, str, pa.float32(), cqltypes.FloatType, "1.5"),
    "double": CqlType(_parse_double, str, pa.float64(), cqltypes.DoubleType, "1.5"),
    "timestamp": CqlType(
        moments.parse_timestamp,
        moments.format_timestamp,
        pa.timestamp("ms", tz="UTC"),
        cqltypes.TimestampType,
        '"2026-11-01T12:30:00Z"',
    ),
    "date": CqlType(
        moments.parse_date, moments.format_date, pa.date32(), cqltypes.SimpleDateType, '"2026-11-01"'
    ),
    "time": CqlType(moments.parse_time, moments.format_time, pa.string(), cqltypes.TimeType, '"12:30:00"'),
    "duration": CqlType(
        moments.parse_duration, moments.format_duration, pa.string(), cqltypes.DurationType, '"P1Y2M3DT4H"'
    ),
    "inet": CqlType(_parse_inet, str, pa.string(), cqltypes.InetAddressType, '"10.0.0.1"'),
    "blob": CqlType(_parse_blob, _format_blob, pa.binary(), cqltypes.BytesType, '"0x00ff"'),
}
