"""Columns of the tests' keyspace, and both encoders for their values: by column and by value."""

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
    """Return the result of `encode_column`, after a check that encoding value by value gives the same."""
    encoded, reasons = encode_column(column(type_name), values)
    one_by_one, same_reasons = encode_values(column(type_name), values)
    assert encoded.to_pylist() == one_by_one.to_pylist()
    assert reasons == same_reasons
    encoded.validate(full=True)
    return encoded.to_pylist(), reasons
