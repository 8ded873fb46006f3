"""blob."""

import re
import uuid
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from cassandra import cqltypes

from pipeline.cql.bytearrays import from_hex, from_offsets, offsets_and_bytes, require, require_text, storage
from pipeline.cql.grammar import Grammar
from pipeline.cql.types.cqltype import CqlType


def _parse_blob(text: str) -> bytes:
    return bytes.fromhex(_GRAMMAR.match(text)["digits"])


def _format_blob(value: bytes | uuid.UUID) -> str:
    return "0x" + (value.bytes if isinstance(value, uuid.UUID) else value).hex()


def _blobs(values: pa.Array) -> pa.BinaryArray:
    values = storage(values)
    if pa.types.is_binary(values.type) or pa.types.is_fixed_size_binary(values.type):
        return values.cast(pa.binary())
    require_text(values)
    offsets, letters = offsets_and_bytes(values)
    sizes = np.diff(offsets)
    require(bool((sizes >= len("0x")).all() and not (sizes & 1).any()))
    starts = offsets[:-1]
    require(bool((letters[starts] == ord("0")).all() and (letters[starts + 1] == ord("x")).all()))
    is_digit = np.ones(len(letters), np.bool_)
    is_digit[starts] = is_digit[starts + 1] = False
    return from_offsets((offsets - 2 * np.arange(len(offsets))) // 2, from_hex(letters[is_digit]))


_GRAMMAR = Grammar(
    "0x and two hexadecimal digits a byte, such as 0x00ff",
    re.compile(r"0x(?P<digits>([0-9a-fA-F]{2})*)"),
    {r"(?!0x)[0-9a-zA-Z+/_-]{2,}={0,2}": "--blob-form names Base64, or digits without 0x"},
)


TYPES: Mapping[str, CqlType] = {
    "blob": CqlType(
        parse=_parse_blob,
        format=_format_blob,
        arrow=pa.binary(),
        driver=cqltypes.BytesType,
        example='"0x00ff"',
        encode=_blobs,
        takes_bytes=lambda _: True,
    )
}
