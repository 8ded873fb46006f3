"""Columns of the tests' keyspace, and the two roads by which their values are encoded."""

import pyarrow as pa
from hypothesis import HealthCheck, settings

from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values
from tests.harness.values import USER_TYPES

PROVE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def column(type_name: str) -> Column:
    """Return a column of this type."""
    return Column("value", type_name, is_key=False, user_types=USER_TYPES)


def both_roads(type_name: str, values: pa.Array) -> tuple[list[bytes | None], dict[int, str]]:
    """Return what `encode_column` makes of the values, proved to be the same a value at a time."""
    encoded, reasons = encode_column(column(type_name), values)
    one_by_one, same_reasons = encode_values(column(type_name), values)
    assert encoded.to_pylist() == one_by_one.to_pylist()
    assert reasons == same_reasons
    encoded.validate(full=True)
    return encoded.to_pylist(), reasons
