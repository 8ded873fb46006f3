"""The CQL types of one value each: their text form, their column in Parquet, and the driver's own type."""

import ipaddress
import math
import re
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

from pipeline.cql import moments

Parse = Callable[[str], object]
"""Text to value; ValueError, TypeError or ArithmeticError where the text is no such value."""


@dataclass(frozen=True)
class CqlType:
    """One CQL type: its text form both ways, its column in Parquet, and what the driver calls it."""

    parse: Parse
    format: Callable[..., str]
    arrow: pa.DataType
    driver: Any

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
    text.encode()  # half of a surrogate pair is no text
    return text


def _format_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal | uuid.UUID):
        raise TypeError(f"{type(value).__name__} is not text")
    return str(value)


def _parse_boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("neither true nor false") from None


def _parse_uuid(text: str) -> uuid.UUID:
    if not _UUID.fullmatch(text):
        raise ValueError("a UUID is 8-4-4-4-12 hexadecimal digits")
    return uuid.UUID(text)


def _parse_timeuuid(text: str) -> uuid.UUID:
    value = _parse_uuid(text)
    if value.version != 1:
        raise ValueError("not a UUID of version 1")
    return value


def _format_uuid(value: uuid.UUID | bytes) -> str:
    return str(uuid.UUID(bytes=value) if isinstance(value, bytes) else value)


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
    value = bytes.fromhex(text[2:])
    if 2 + 2 * len(value) != len(text):
        raise ValueError("a blob has nothing between its digits")
    return value


def _parse_double(text: str) -> float:
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError("out of range for 64 bits")
    return value


def _parse_float(text: str) -> float:
    value: float = struct.unpack(">f", struct.pack(">f", _parse_double(text)))[0]
    return value


def _parse_decimal(text: str) -> Decimal:
    value = Decimal(text)
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("Cassandra has no such decimal")  # noqa: TRY004 - an infinity or NaN, in Python's words
    if not -(1 << 31) < exponent <= 1 << 31:
        raise ValueError("out of range: the exponent of a decimal has 32 bits")
    if len(digits) > sys.get_int_max_str_digits():
        raise ValueError(f"more than {sys.get_int_max_str_digits()} digits")
    return value


def _number(convert: Parse) -> Parse:
    """Return `convert`, but without Python's licence to write 1_000 and other scripts' digits."""

    def parse(text: str) -> object:
        if "_" in text or not text.isascii():
            raise ValueError("not a number")
        return convert(text)

    return parse


def _integer(bits: int, arrow: pa.DataType, driver: type) -> CqlType:
    def parse(text: str) -> int:
        value = int(text)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise ValueError(f"out of range for {bits} bits")
        return value

    return CqlType(_number(parse), str, arrow, driver)


PROTOCOL_VERSION = 4
"""Version 5 loses requests under pipelining: see docs/decisions/0003-protocol-v4.md."""

_IPV4 = 4
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?")

SCALARS: Mapping[str, CqlType] = {
    "text": CqlType(_parse_text, _format_text, pa.string(), cqltypes.UTF8Type),
    "varchar": CqlType(_parse_text, _format_text, pa.string(), cqltypes.UTF8Type),
    "ascii": CqlType(
        lambda text: text.encode("ascii").decode("ascii"), _format_text, pa.string(), cqltypes.AsciiType
    ),
    "uuid": CqlType(_parse_uuid, _format_uuid, pa.uuid(), cqltypes.UUIDType),
    "timeuuid": CqlType(_parse_timeuuid, _format_uuid, pa.uuid(), cqltypes.TimeUUIDType),
    "boolean": CqlType(_parse_boolean, lambda value: str(value).lower(), pa.bool_(), cqltypes.BooleanType),
    "tinyint": _integer(8, pa.int8(), cqltypes.ByteType),
    "smallint": _integer(16, pa.int16(), cqltypes.ShortType),
    "int": _integer(32, pa.int32(), cqltypes.Int32Type),
    "bigint": _integer(64, pa.int64(), cqltypes.LongType),
    "varint": CqlType(_number(int), str, pa.string(), cqltypes.IntegerType),
    "decimal": CqlType(_number(_parse_decimal), str, pa.string(), cqltypes.DecimalType),
    "float": CqlType(_number(_parse_float), str, pa.float32(), cqltypes.FloatType),
    "double": CqlType(_number(_parse_double), str, pa.float64(), cqltypes.DoubleType),
    "timestamp": CqlType(
        moments.parse_timestamp,
        moments.format_timestamp,
        pa.timestamp("ms", tz="UTC"),
        cqltypes.TimestampType,
    ),
    "date": CqlType(moments.parse_date, moments.format_date, pa.date32(), cqltypes.SimpleDateType),
    "time": CqlType(moments.parse_time, moments.format_time, pa.string(), cqltypes.TimeType),
    "duration": CqlType(moments.parse_duration, moments.format_duration, pa.string(), cqltypes.DurationType),
    "inet": CqlType(_parse_inet, str, pa.string(), cqltypes.InetAddressType),
    "blob": CqlType(_parse_blob, lambda value: "0x" + value.hex(), pa.binary(), cqltypes.BytesType),
}
