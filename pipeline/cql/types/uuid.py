"""uuid and timeuuid."""

import re
import uuid
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from cassandra import cqltypes

from pipeline.cql.bytearrays import (
    Bytes,
    fixed_width,
    from_hex,
    offsets_and_bytes,
    require,
    require_text,
    storage,
)
from pipeline.cql.grammar import Grammar
from pipeline.cql.types.cqltype import CqlType


def _parse_uuid(text: str) -> uuid.UUID:
    return uuid.UUID(_GRAMMAR.match(text)[0])


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


def _uuids(values: pa.Array) -> pa.BinaryArray:
    return fixed_width(_uuid_bytes(values))


def _timeuuids(values: pa.Array) -> pa.BinaryArray:
    uuids = _uuid_bytes(values)
    require(bool(((uuids[:, 6] >> 4 == 1) & (uuids[:, 8] >> 6 == 0b10)).all()))  # noqa: PLR2004 - RFC 9562
    return fixed_width(uuids)


def _uuid_bytes(values: pa.Array) -> Bytes:
    values = storage(values)
    if pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == UUID_BYTES:
        _, uuids = offsets_and_bytes(values.cast(pa.binary()))
        return uuids.reshape(-1, UUID_BYTES)
    require_text(values)
    offsets, letters = offsets_and_bytes(values)
    require(bool((np.diff(offsets) == _UUID_LETTERS).all()))
    grouped = letters.reshape(-1, _UUID_LETTERS)
    require(bool((grouped[:, [8, 13, 18, 23]] == ord("-")).all()))
    digits = np.concatenate(
        [grouped[:, a:b] for a, b in ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))], axis=1
    )
    return from_hex(digits).reshape(-1, UUID_BYTES)


def _takes_bytes(value: bytes) -> bool:
    return len(value) == UUID_BYTES


UUID_BYTES = 16
_UUID_LETTERS = 36
_GRAMMAR = Grammar(
    "a UUID such as 123e4567-e89b-12d3-a456-426614174000",
    re.compile(
        r"""
        (?P<brace>\{)?
        [0-9a-fA-F]{8} (?P<dash>-)?
        [0-9a-fA-F]{4} (?(dash)-)
        [0-9a-fA-F]{4} (?(dash)-)
        [0-9a-fA-F]{4} (?(dash)-)
        [0-9a-fA-F]{12}
        (?(brace)\})
        """,
        re.VERBOSE,
    ),
)


TYPES: Mapping[str, CqlType] = {
    "uuid": CqlType(
        parse=_parse_uuid,
        format=_format_uuid,
        arrow=pa.uuid(),
        driver=cqltypes.UUIDType,
        example='"123e4567-e89b-42d3-a456-426614174000"',
        encode=_uuids,
        takes_bytes=_takes_bytes,
    ),
    "timeuuid": CqlType(
        parse=_parse_timeuuid,
        format=_format_uuid,
        arrow=pa.uuid(),
        driver=cqltypes.TimeUUIDType,
        example='"123e4567-e89b-12d3-a456-426614174000"',
        encode=_timeuuids,
        takes_bytes=_takes_bytes,
    ),
}
