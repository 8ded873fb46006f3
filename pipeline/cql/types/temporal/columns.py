"""Timestamps, dates and times of day, a column at a time; for what an encoder promises see `Encoder`."""

from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.bytearrays import big_endian, offsets_and_bytes, require

Longs = npt.NDArray[np.int64]


def timestamps(values: pa.Array) -> pa.BinaryArray:
    """Serialise moments, those without a zone as UTC, cut to milliseconds."""
    if pa.types.is_timestamp(values.type):
        units, unit = values.cast(pa.int64()).to_numpy(), values.type.unit
    elif pa.types.is_string(values.type):
        units, unit = _microseconds(values), "us"
    else:
        raise NotImplementedError
    a_second = _A_SECOND[unit]
    # The years that Python, and with it the driver, can read back.
    require(bool(((units >= _FIRST_S * a_second) & (units < _END_S * a_second)).all()))
    milliseconds = units * 1000 if unit == "s" else units // (a_second // 1000)
    return big_endian(milliseconds, ">i8")


def _microseconds(texts: pa.Array) -> Longs:
    """Return ISO 8601 moments in microseconds since 1970; those of either form, with and without a zone."""
    has_zone = _has_zone(texts)
    found = np.empty(len(texts), np.int64)
    for zone, chosen in (("UTC", has_zone), (None, ~has_zone)):
        if chosen.all():
            return _to_int64(texts, pa.timestamp("us", zone))
        found[chosen] = _to_int64(texts.filter(pa.array(chosen)), pa.timestamp("us", zone))
    return found


def _has_zone(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which end in Z or in an offset such as +01:00 or +0100."""
    offsets, letters = offsets_and_bytes(texts)
    sizes = np.diff(offsets)
    is_day = sizes == len("YYYY-MM-DD")
    require(bool((is_day | (sizes >= len("YYYY-MM-DDTHH:MM"))).all()))
    ends = offsets[1:]
    # Arrow reads hours without minutes.
    colons = np.minimum(offsets[:-1] + len("YYYY-MM-DDTHH"), len(letters) - 1)
    require(bool((is_day | (letters[colons] == ord(":"))).all()))
    with_colon = _is_sign(letters[ends - 6]) & (letters[ends - 3] == ord(":"))
    return (letters[ends - 1] == ord("Z")) | with_colon | _is_sign(letters[ends - 5])  # type: ignore[no-any-return]


def _is_sign(letters: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (letters == ord("+")) | (letters == ord("-"))  # type: ignore[no-any-return]


def _to_int64(texts: pa.Array, kind: pa.DataType) -> Longs:
    return texts.cast(kind).cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]


def dates(values: pa.Array) -> pa.BinaryArray:
    """Serialise dates as days, 1970 in the middle of 32 unsigned bits."""
    is_text = pa.types.is_string(values.type)
    if not is_text and not pa.types.is_date32(values.type):
        raise NotImplementedError
    days = values.cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    # A text without a sign is a date of Python's, whose first year is 1.
    require(not is_text or days.min() >= _FIRST_DAY)
    return big_endian(days + (1 << 31), ">u4")


def times(values: pa.Array) -> pa.BinaryArray:
    """Serialise times of day as nanoseconds."""
    if pa.types.is_time(values.type):
        nanoseconds = values.cast(pa.time64("ns")).cast(pa.int64()).to_numpy()
    elif pa.types.is_string(values.type):
        require(pc.min(pc.binary_length(values)).as_py() >= len("HH:MM"))
        moments = pc.binary_join_element_wise("1970-01-01T", values, "")
        nanoseconds = _to_int64(moments, pa.timestamp("ns"))
    else:
        raise NotImplementedError
    require(bool(((nanoseconds >= 0) & (nanoseconds < _DAY_NS)).all()))
    return big_endian(nanoseconds, ">i8")


_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_S = int(datetime.min.replace(tzinfo=UTC).timestamp())
_END_S = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()) + 1
_FIRST_DAY = (date.min - date(1970, 1, 1)).days
_DAY_NS = 24 * 3600 * 10**9
