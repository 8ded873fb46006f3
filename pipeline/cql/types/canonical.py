"""Values in one form, so that they can be compared."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from cassandra.util import Date, Duration, OrderedMap, SortedSet, Time

from pipeline.cql.types import nested
from pipeline.cql.types.temporal import texts


def canonical(value: object) -> object:
    """Return a value in one form that can be compared and hashed, whether parsed or read through the driver.

    An empty collection is null to Cassandra, and so is a UDT without a value in it: they become None. The
    driver's own collection, date and time types become Python's.
    """
    if isinstance(value, Mapping | OrderedMap):
        return frozenset((canonical(key), canonical(item)) for key, item in nested.pairs_of(value)) or None
    if isinstance(value, set | frozenset | SortedSet):
        return frozenset(canonical(item) for item in value) or None
    if isinstance(value, list | tuple):
        items = tuple(canonical(item) for item in value)
        return (
            None
            if isinstance(value, tuple) and not any(item is not None for item in items)
            else items or None
        )
    if isinstance(value, Duration):
        return (value.months, value.days, value.nanoseconds)
    return _canonical_scalar(value)


def _canonical_scalar(value: object) -> object:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"  # the only value that does not equal itself
    if isinstance(value, datetime):
        # The driver reads a timestamp by way of a float, which is off by microseconds far from 1970.
        value += timedelta(microseconds=500)
        return value - timedelta(microseconds=value.microsecond % 1000)
    if isinstance(value, Date):
        return texts.python_date(value)
    return texts.python_time(value) if isinstance(value, Time) else value
