"""Arrow arrays, a value at a time: what each stands for as a value of a CQL type, or why it is none.

Whatever a Parquet file has for a column, its text is what counts, so that Parquet and CSV mean the same and
fail the same. Bytes in a column that is neither blob nor uuid are text too: some writers mark no text so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from cassandra.cqltypes import (
    BytesType,
    SimpleDateType,
    TimestampType,
    TimeType,
    TimeUUIDType,
    UUIDType,
)
from cassandra.util import Date, Time

from pipeline.cql.moments import python_date
from pipeline.cql.types import CqlType
from pipeline.errors import shown


@dataclass(frozen=True)
class Wrong:
    """What is there in place of a value, cut to 80 characters, and why it is none."""

    shown: str
    fault: str

    def reason(self, type_name: str) -> str:
        """Say it in one line."""
        return f"{self.shown!r} is no {type_name}: {self.fault}"


def read_values(kind: CqlType, values: pa.Array) -> Iterator[object]:
    """Yield each value as Python has it, None for null, or what is `Wrong` with it."""
    for scalar in plain(values):
        if not scalar.is_valid:
            yield None
            continue
        text = ""
        try:
            text = text_of(kind, scalar)
            value = kind.parse(text)
        except (ValueError, TypeError, ArithmeticError) as error:
            yield Wrong(shown(text or _shown(scalar)), shown(str(error)))
        else:
            yield value


def any_text_of(kind: CqlType, scalar: pa.Scalar) -> str:
    """Return what CSV would have for a value of a `plain` array, one of `kind` or not; null is empty."""
    if not scalar.is_valid:
        return ""
    try:
        return text_of(kind, scalar)
    except (ValueError, TypeError, ArithmeticError):
        return _shown(scalar)


def plain(values: pa.Array) -> pa.Array:
    """Return the values in the simplest of the Arrow types that mean the same.

    Text and bytes have 32-bit offsets and no dictionary; moments are UTC without a zone, in microseconds at
    the finest.

    Raises:
        pyarrow.ArrowException: they are more than 2 GiB.
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return values.cast(pa.string())
    if pa.types.is_large_binary(values.type) or pa.types.is_binary_view(values.type):
        return values.cast(pa.binary())
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp(values.type.unit))
        if values.type.unit == "ns":
            return pc.floor_temporal(values, unit="microsecond").cast(pa.timestamp("us"))
    return values


def text_of(kind: CqlType, scalar: pa.Scalar) -> str:
    """Return what CSV would have for a value, not null, of an array that is `plain`.

    Raises:
        ValueError, TypeError, ArithmeticError: nothing of type `kind` is read from such an Arrow value.
    """
    if _is_moment(scalar.type) and kind.driver not in _TAKE_MOMENTS:
        raise ValueError(f"Parquet's {scalar.type} is not read as one")
    if pa.types.is_date32(scalar.type):
        value: object = python_date(Date(scalar.value))
    elif pa.types.is_time(scalar.type):
        value = Time(scalar.value * _NANOSECONDS[scalar.type.unit])
    else:
        value = scalar.as_py()
    if isinstance(value, bytes) and not _takes_bytes(kind, value):
        value = value.decode()
    if isinstance(value, str):
        return value
    try:
        return kind.format(value)
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"Parquet's {scalar.type} is not read as one") from error


def _is_moment(arrow: pa.DataType) -> bool:
    return any(is_of(arrow) for is_of in (pa.types.is_date, pa.types.is_time, pa.types.is_timestamp))


def _takes_bytes(kind: CqlType, value: bytes) -> bool:
    return kind.driver is BytesType or (kind.driver in {UUIDType, TimeUUIDType} and len(value) == _UUID_BYTES)


def _shown(scalar: pa.Scalar) -> str:
    if pa.types.is_string(scalar.type) or pa.types.is_binary(scalar.type):
        content: bytes = scalar.as_buffer().to_pybytes()
        return content.decode(errors="replace")
    if _is_moment(scalar.type):
        return str(scalar.cast(pa.string()))  # Arrow writes those too that Python cannot hold
    return str(scalar)


_UUID_BYTES = 16
_TAKE_MOMENTS = {SimpleDateType, TimestampType, TimeType}
_NANOSECONDS = {"s": Time.SECOND, "ms": Time.MILLI, "us": Time.MICRO, "ns": 1}
