"""The time to live and the write timestamp of each row, from fields of its file: what CQL has after USING."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.arrowvalues import any_text_of, normalised
from pipeline.cql.bytearrays import fixed_width
from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column
from pipeline.errors import abbreviated
from pipeline.rowfiles.fields import TTL, Field
from pipeline.rowfiles.forms import rewritten
from pipeline.rowfiles.moments import microseconds_of
from pipeline.settings.load import TTL_MAX_S
from pipeline.settings.values import EPOCHS, ValuesConfig, forms_of


def encode_using(field: Field, values: pa.Array) -> tuple[pa.BinaryArray, Mapping[int, str]]:
    """Return the values of `TTL ?` or `TIMESTAMP ?` as bytes, and what is wrong with those of which rows.

    A null stays null: the table's default time to live. A row without a write timestamp is wrong.
    """
    if field.column == TTL:
        return _encode_ttl(field, values)
    values = normalised(values)
    numbers = _microseconds(values, field.values)
    missing = numbers.is_null().to_numpy(zero_copy_only=False)
    encoded = fixed_width(
        pc.fill_null(numbers, 0).to_numpy().astype(">i8").view(np.uint8).reshape(len(numbers), 8)
    )
    return encoded, {at: _not_a_timestamp(field, values[at]) for at in np.flatnonzero(missing).tolist()}


def integers_of(encoded: pa.BinaryArray) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return the numbers of eight bytes that an array has, none of them null."""
    joined = encoded.cast(pa.binary(8))
    return np.frombuffer(joined.buffers()[1], ">i8")[joined.offset :][: len(joined)].astype(np.int64)


def _encode_ttl(field: Field, values: pa.Array) -> tuple[pa.BinaryArray, Mapping[int, str]]:
    texts, wrong = rewritten(field.column, values, field.values)
    encoded, more = encode_column(field.column, texts)
    reasons = {**wrong, **more}
    seconds = _seconds(encoded)
    for at in np.flatnonzero((seconds < 0) | (seconds > TTL_MAX_S)).tolist():
        reasons[at] = f"{seconds[at]} is not a time to live: expected 0 to {TTL_MAX_S} seconds"
    return encoded, {at: f"ttl_field {field.name}: {reason}" for at, reason in reasons.items()}


def _seconds(encoded: pa.BinaryArray) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    filled = pc.fill_null(encoded, bytes(4)).cast(pa.binary(4))
    return np.frombuffer(filled.buffers()[1], ">i4")[filled.offset :][: len(filled)].astype(np.int64)


def _microseconds(values: pa.Array, config: ValuesConfig) -> pa.Array:
    """Return write timestamps; null where a value is none."""
    if pa.types.is_integer(values.type):
        fits = (
            pc.less_equal(values, pa.scalar(2**63 - 1, pa.uint64())) if values.type == pa.uint64() else True
        )
        return pc.if_else(fits, values, pa.scalar(None, values.type)).cast(pa.int64())
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    if not pa.types.is_string(values.type):
        return pa.nulls(len(values), pa.int64())
    none = pa.scalar(None, pa.string())
    is_number = pc.match_substring_regex(values, r"^-?[0-9]{1,18}$")
    if _has_epoch(config):
        is_number = pc.and_(is_number, pa.scalar(value=False))
    numbers = pc.if_else(is_number, values, none).cast(pa.int64())
    texts, _ = rewritten(_MOMENT, pc.if_else(is_number, none, values), config)
    return pc.coalesce(numbers, microseconds_of(texts))


def _not_a_timestamp(field: Field, value: pa.Scalar) -> str:
    text = abbreviated(any_text_of(field.column.cql_type, value))
    expected = f"a timestamp of the form {field.values.timestamp_formats}"
    if not _has_epoch(field.values):
        expected = f"microseconds since 1970, or {expected}"
    return f"timestamp_field {field.name}: {text!r} is not a write timestamp: expected {expected}"


def _has_epoch(config: ValuesConfig) -> bool:
    return not EPOCHS.keys().isdisjoint(forms_of(config.timestamp_formats))


_MOMENT = Column("", "timestamp", is_key=False)
