"""Equality of set elements and map keys in Cassandra, where Python's differs.

NaN is itself, 0.0 is not -0.0, and 1.0 is 1.00.
"""

import math
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from cassandra.cqltypes import DecimalType, DoubleType, FloatType, VectorType
from cassandra.util import Duration, OrderedMap, SortedSet


def differs(kind: Any) -> bool:  # noqa: ANN401 - the driver's types are classes without types
    """Return whether two values of one of the driver's types may be the same to Cassandra or Python alone."""
    inner = [kind.subtype] if issubclass(kind, VectorType) else kind.subtypes
    return kind in {DecimalType, DoubleType, FloatType} or any(map(differs, inner))


def distinct_set(values: Iterable[object], serialise: Callable[[object], bytes]) -> SortedSet:
    """Return the driver's set of the values, each once; the same values make the same set in any order.

    Raises:
        ValueError: 0.0 and -0.0 are among them, which are one to the driver.
    """
    by_identity = {_identity(value): value for value in sorted(values, key=serialise)}
    found = SortedSet(by_identity.values())
    if len(found) < len(by_identity):
        raise ValueError("0.0 and -0.0 in one set; write one of them")
    return found


def count_distinct(keys: Iterable[object]) -> int:
    """Return how many different keys there are."""
    return len({_identity(key) for key in keys})


def _identity(value: object) -> Hashable:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, list | tuple):
        return tuple(map(_identity, value))
    if isinstance(value, SortedSet):
        return frozenset(map(_identity, value))
    if isinstance(value, Mapping | OrderedMap):
        return frozenset((_identity(key), _identity(item)) for key, item in value.items())
    if isinstance(value, Duration):
        return (value.months, value.days, value.nanoseconds)
    return value
