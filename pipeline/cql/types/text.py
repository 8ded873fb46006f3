"""text, varchar and ascii."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

import pyarrow as pa
from cassandra import cqltypes

from pipeline.cql.bytearrays import offsets_and_bytes, require, require_text
from pipeline.cql.types.cqltype import CqlType, Encoder, Parse


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


def _texts(values: pa.Array) -> pa.BinaryArray:
    require_text(values)
    _, letters = offsets_and_bytes(values)
    if letters.max(initial=0) >= _FIRST_BEYOND_ASCII:
        values.validate(full=True)  # Parquet's text may be no UTF-8
    return values.cast(pa.binary())


def _ascii(values: pa.Array) -> pa.BinaryArray:
    require_text(values)
    _, letters = offsets_and_bytes(values)
    require(letters.max(initial=0) < _FIRST_BEYOND_ASCII)
    return values.cast(pa.binary())


def _text(parse: Parse, encode: Encoder, driver: type) -> CqlType:
    return CqlType(
        parse=parse,
        format=_format_text,
        arrow=pa.string(),
        driver=driver,
        example='"a"',
        encode=encode,
        is_text=True,
    )


_FIRST_BEYOND_ASCII = 0x80

TYPES: Mapping[str, CqlType] = {
    "text": _text(_parse_text, _texts, cqltypes.UTF8Type),
    "varchar": _text(_parse_text, _texts, cqltypes.UTF8Type),
    "ascii": _text(_parse_ascii, _ascii, cqltypes.AsciiType),
}
