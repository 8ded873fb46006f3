import random
import struct

import numpy as np
import pyarrow as pa
from cassandra.metadata import Murmur3Token
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cql.tokens import by_token, murmur3_tokens

MIX = random.Random(4)  # noqa: S311 - a fixed mixture, no secret


def test_tokens_are_the_drivers() -> None:
    """Keys of up to 100 bytes, alone and mixed, have the same token as in the driver."""
    keys = [MIX.randbytes(size) for size in range(101) for _ in range(3)] + [bytes(40), b"\xff" * 40]
    MIX.shuffle(keys)
    expected = [Murmur3Token.hash_fn(key) for key in keys]
    assert murmur3_tokens([pa.array(keys)]).tolist() == expected
    assert murmur3_tokens([pa.array([bytes(16), *keys])[1:]]).tolist() == expected
    assert [murmur3_tokens([pa.array([key])])[0] for key in keys] == expected
    assert murmur3_tokens([pa.array([], pa.binary())]).tolist() == []


@given(rows=st.lists(st.tuples(*[st.binary(max_size=300)] * 3), min_size=1))
def test_tokens_of_a_composite_key_are_the_drivers(rows: list[tuple[bytes, ...]]) -> None:
    """A partition key of several columns is framed as Cassandra frames it."""
    framed = [b"".join(struct.pack(">H", len(part)) + part + b"\0" for part in row) for row in rows]
    columns = [pa.array(values, pa.binary()) for values in zip(*rows, strict=True)]
    assert murmur3_tokens(columns).tolist() == [Murmur3Token.hash_fn(key) for key in framed]


@given(tokens=st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-3, 3)))
def test_rows_are_ordered_by_token(tokens: list[int]) -> None:
    """Every row is there once; tokens rise, but for their last bits; rows with one token keep their order."""
    order = by_token(np.array(tokens, dtype=np.int64)).tolist()
    assert sorted(order) == list(range(len(tokens)))
    bits = max(1, len(tokens) - 1).bit_length()
    assert order == sorted(range(len(tokens)), key=lambda at: (tokens[at] >> bits, at))
