"""Arrow arrays, one value at a time: its value in a CQL type, or why it is not valid.

A value of a Parquet file is read by its text, so that Parquet and CSV have the same meaning and the same
errors. Bytes for a column that is neither blob nor uuid are text too: some writers do not mark text as text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from cassandra.util import Date, Time

from pipeline.cql.types import CqlType, nested
from pipeline.cql.types.temporal.texts import python_date
from pipeline.errors import abbreviated


@dataclass(frozen=True)
class Wrong:
    """An invalid value, cut to 80 characters, and the reason."""

    abbreviated: str
    fault: str

    def reason(self, type_name: str) -> str:
        """Return the reason in one line."""
        return f"{self.abbreviated!r} is not a valid {abbreviated(type_name)}: {self.fault}"


def read_values(kind: CqlType, values: pa.Array) -> Iterator[object]:
    """Yield each value as a Python object, None for null, or `Wrong` if it is not valid."""
    for scalar in normalised(values):
        if not scalar.is_valid:
            yield None
            continue
        text = ""
        try:
            text = text_of(kind, scalar)
            value = kind.parse(text)
        except ValueError as error:
            yield Wrong(abbreviated(text or _shown(scalar)), abbreviated(str(error), _FAULT_CHARACTERS))
        else:
            yield value


def any_text_of(kind: CqlType, scalar: pa.Scalar) -> str:
    """Return what CSV would have for a value of a `normalised` array, one of `kind` or not; null is empty."""
    if not scalar.is_valid:
        return ""
    try:
        return text_of(kind, scalar)
    except ValueError:
        return _shown(scalar)


def normalised(values: pa.Array) -> pa.Array:
    """Return the values in the simplest of the Arrow types that mean the same.

    Text and bytes have 32-bit offsets and no dictionary; moments are UTC without a zone. Only a UUID keeps
    its extension type, by which it differs from 16 bytes.

    Raises:
        pyarrow.ArrowException: they are more than 2 GiB.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    values = without_views(values)
    if pa.types.is_large_string(values.type):
        return values.cast(pa.string())
    if pa.types.is_large_binary(values.type):
        return values.cast(pa.binary())
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp(values.type.unit))
    return values


def without_views(values: pa.Array) -> pa.Array:
    """Return the values without Arrow's view types, at any depth: it cannot take rows out of these.

    An extension type in others but a UUID becomes the type that it is stored in.

    Raises:
        pyarrow.ArrowException: they are more than 2 GiB.
    """
    if isinstance(values, pa.ExtensionArray) and not isinstance(values.type, pa.UuidType):
        values = values.storage
    kind = _without_views(values.type)
    if kind == values.type:
        return values
    # A cast would check whether texts are UTF-8; the reader of the file checks that.
    if pa.types.is_string_view(values.type):
        return values.view(pa.binary_view()).cast(pa.binary()).view(pa.string())
    return values.cast(kind)


def _without_views(kind: pa.DataType) -> pa.DataType:  # noqa: PLR0911 - one a type
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return _without_views(kind.storage_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_map(kind):
        return pa.map_(_without_views(kind.key_type), _without_views(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_views(field.type)) for field in kind])
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_without_views(kind.value_type)), kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_list_view(kind):
        return pa.list_(kind.value_field.with_type(_without_views(kind.value_type)))
    if pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind):
        return pa.large_list(kind.value_field.with_type(_without_views(kind.value_type)))
    return kind


def text_of(kind: CqlType, scalar: pa.Scalar) -> str:
    """Return what CSV would have for a value, not null, of an array that is `normalised`.

    Raises:
        ValueError: nothing of type `kind` is read from such an Arrow value.
    """
    arrow = scalar.type
    if kind.is_day and _has_nanoseconds(scalar):
        # Python would show another moment. With its nanoseconds it is no day.
        return _shown(scalar)
    # What is text or a number may be anything; the rest must be of the type's own shape.
    if nested.fits(kind, arrow) or not (pa.types.is_nested(arrow) or nested.is_moment(arrow)):
        value = _python(scalar)
        try:
            return nested.text_of(kind, value)
        except OverflowError:
            raise ValueError("out of range") from None
        except (AttributeError, TypeError, KeyError):
            pass
    raise ValueError(
        f"Parquet's {abbreviated(str(arrow), 40)} is not read as one; write the type's own, or text"
    )


def _python(scalar: pa.Scalar) -> object:  # noqa: PLR0911 - one a type
    """Return a value as Python, or else the driver, has it; a map is its pairs, a UUID of no type bytes."""
    arrow = scalar.type
    if not scalar.is_valid:
        return None
    if isinstance(arrow, pa.UuidType):
        return scalar.as_py()
    if isinstance(scalar, pa.ExtensionScalar | pa.DictionaryScalar):
        return _python(scalar.value)
    if pa.types.is_map(arrow):
        return [(_python(pair[0]), _python(pair[1])) for pair in scalar.values]
    if pa.types.is_struct(arrow):
        return _fields(scalar)
    if pa.types.is_nested(arrow):
        return [_python(item) for item in scalar.values]
    if nested.is_moment(arrow):
        return _moment(scalar)
    if pa.types.is_duration(arrow):
        raise ValueError("Parquet's duration is not read as one; write text such as P1DT2H")
    return _as_py(scalar)


def _fields(scalar: pa.StructScalar) -> dict[str, object]:
    names = [field.name for field in scalar.type]
    if len(set(names)) < len(names):
        raise ValueError("two fields have the same name")
    return {name: _python(scalar[at]) for at, name in enumerate(names)}


def _moment(scalar: pa.Scalar) -> object:
    arrow = scalar.type
    if pa.types.is_date32(arrow):
        return python_date(Date(scalar.value))
    if pa.types.is_date64(arrow):
        days, rest = divmod(scalar.value, _DAY_MS)
        if rest or not -(1 << 31) <= days < 1 << 31:
            raise ValueError("not a whole day, or beyond the dates that Cassandra knows")
        return python_date(Date(days))
    if pa.types.is_time(arrow):
        nanoseconds = scalar.value * _NANOSECONDS[arrow.unit]
        if not 0 <= nanoseconds < Time.DAY:
            raise ValueError("there is no such time of day")
        return Time(nanoseconds)
    microseconds, rest = divmod(scalar.value * _NANOSECONDS[arrow.unit], 1000)
    # Python has no nanoseconds: a moment just after midnight stays after it, and so is no date.
    microseconds += rest > 0 and microseconds % 1000 == 0
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise ValueError("beyond the years 1 to 9999 in UTC") from None


def _has_nanoseconds(scalar: pa.Scalar) -> bool:
    arrow = scalar.type
    return bool(pa.types.is_timestamp(arrow) and arrow.unit == "ns" and scalar.value % 1000)


def _as_py(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None


def _shown(scalar: pa.Scalar) -> str:
    """Return something to recognise a value by that is no value of its column's type."""
    if isinstance(scalar, pa.BinaryScalar):
        content: bytes = scalar.as_buffer().to_pybytes()
        if pa.types.is_string(scalar.type):
            return content.decode(errors="replace")
        try:
            return content.decode()
        except UnicodeDecodeError:
            return "0x" + content.hex()
    if isinstance(scalar, pa.ExtensionScalar):
        return str(scalar.as_py())
    if pa.types.is_nested(scalar.type) or nested.is_moment(scalar.type) or pa.types.is_duration(scalar.type):
        # Arrow writes those too that Python cannot hold.
        lines = pa.repeat(scalar, 1).to_string(skip_new_lines=True)
        return " ".join(lines.split())[1:-1].strip()
    return str(scalar)


_FAULT_CHARACTERS = 160
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive is UTC
_DAY_MS = 24 * 3600 * 1000
_NANOSECONDS = {"s": Time.SECOND, "ms": Time.MILLI, "us": Time.MICRO, "ns": 1}
