import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cql.bytearrays import are_distinct


@pytest.mark.parametrize("width", [0, 1, 4, 8, 16, 20])
def test_values_are_distinct_or_not_as_a_set_says(width: int) -> None:
    """Equal values are found, and only these, for any width and in a slice of an array."""
    few = st.binary(min_size=width, max_size=width) | st.sampled_from([bytes(width), b"\1" * width])

    @given(values=st.lists(few | st.binary(max_size=20), max_size=30) | st.lists(few, max_size=30))
    def prove(values: list[bytes]) -> None:
        part = pa.array([b"before", *values, b"behind"], pa.binary())[1:-1]
        assert are_distinct(part) == (len(set(values)) == len(values))

    prove()


def test_halves_that_make_one_number_of_different_values_are_no_matter() -> None:
    """Different 16-byte values whose halves combine to the same number are not taken for equal."""
    factor = 0x9E3779B97F4A7C15
    words = np.array([[0, 0], [factor, 1], [5, 7]], np.uint64)
    assert len({int(first) ^ int(last) * factor % 2**64 for first, last in words}) == 2
    assert are_distinct(pa.array([row.tobytes() for row in words], pa.binary()))
