"""What a CQL type is to a row file: its text, its Arrow type, its bytes, and what kind of type it is."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from cassandra.util import Date

Parse = Callable[[str], object]
"""Text to value; ValueError where the text is no such value, with what was expected for a message."""

Encoder = Callable[[pa.Array], pa.BinaryArray]
"""A column to serialised values without a loop over rows. The array has no nulls.

It never guesses: it raises ValueError where one value or more may not be what the type's own `parse` and the
driver's serialiser make of it, and NotImplementedError where it does not take values of this Arrow type.
"""

PROTOCOL_VERSION = 4
"""Version 5 loses requests under pipelining: see docs/decisions/0003-protocol-v4.md."""


class Kind(enum.Enum):
    """The kinds of CQL types."""

    SCALAR = enum.auto()
    LIST = enum.auto()
    SET = enum.auto()
    MAP = enum.auto()
    TUPLE = enum.auto()
    USER_TYPE = enum.auto()
    VECTOR = enum.auto()


def _takes_no_bytes(value: bytes) -> bool:
    del value
    return False


@dataclass(frozen=True, kw_only=True)
class CqlType:
    """One CQL type.

    `parse` and `format` convert its text form, `arrow` is its column in Parquet, `driver` the driver's own
    type, and `example` a value of it inside JSON. `encode` converts whole columns, where there is such a
    function.

    `is_text`: its values are texts, of which the empty one is a value. `is_day`: a moment is a value only at
    midnight. `takes_moments`: it takes Arrow's dates, times and timestamps. `takes_bytes` returns whether
    bytes are a value; other bytes are read as text. `is_frozen`: its column is one cell, whatever its kind.
    """

    parse: Parse
    format: Callable[..., str]
    arrow: pa.DataType
    driver: Any
    example: str
    encode: Encoder | None = None
    kind: Kind = Kind.SCALAR
    is_text: bool = False
    is_day: bool = False
    takes_moments: bool = False
    takes_bytes: Callable[[bytes], bool] = _takes_no_bytes
    is_frozen: bool = False

    @property
    def is_multicell(self) -> bool:
        """Whether each element or field of a value in a column is a cell of its own."""
        return self.kind in _MULTICELL and not self.is_frozen

    @property
    def is_multicell_list(self) -> bool:
        """Whether it is a list of cells: written twice, it has each element twice."""
        return self.kind is Kind.LIST and self.is_multicell

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


@dataclass(frozen=True, kw_only=True)
class NestedType(CqlType):
    """A type whose text is JSON: from what JSON holds to the value, and back.

    `takes` tells whether values of an Arrow type have the shape of this type's. `inner` are the types of its
    elements: one of a list, a set or a vector, two of a map, one a field of a tuple or a UDT. `field_count`
    is how many values each of its values has, where that is fixed.
    """

    load: Callable[[object], object]
    dump: Callable[..., object]
    takes: Callable[[pa.DataType], bool]
    inner: tuple[CqlType, ...]
    field_count: int | None = None

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of a UDT's fields."""
        names: tuple[str, ...] = self.driver.fieldnames
        return names


_MULTICELL = {Kind.LIST, Kind.SET, Kind.MAP, Kind.USER_TYPE}
