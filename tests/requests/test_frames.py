import itertools
import struct

import numpy as np
import pyarrow as pa
import pytest
from cassandra import ConsistencyLevel
from cassandra.protocol import (
    _UNSET_VALUE,
    BatchMessage,
    ExecuteMessage,
    OverloadedErrorMessage,
    ProtocolHandler,
)
from cassandra.query import BatchType
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cluster.framereader import VOID, FrameHeader
from pipeline.cql.encoding import join_rows
from pipeline.requests.frames import (
    BATCH,
    EncodedRows,
    Executes,
    Message,
    Warned,
    batch_body,
    body_of,
    cut_batches,
    decode_answer,
    statement_prefix,
)

ROWS = st.lists(st.tuples(*[st.none() | st.binary(max_size=20)] * 3), min_size=1, max_size=20)
QUERY_IDS = st.binary(min_size=1, max_size=40)
TIMESTAMPS = st.integers(0, (1 << 63) - 1)
CONSISTENCY = st.sampled_from([ConsistencyLevel.ONE, ConsistencyLevel.LOCAL_QUORUM])
STREAM_ID = 321


def encoded(rows: list[tuple[bytes | None, ...]], query_id: bytes, nulls: str) -> EncodedRows:
    """Return rows as a load encodes them."""
    columns = [pa.array(column, pa.binary()) for column in zip(*rows, strict=True)]
    data, offsets = join_rows(columns, nulls=nulls, prefix=statement_prefix(query_id))
    return EncodedRows(memoryview(data), offsets.tolist(), np.zeros(len(rows)))


def driver_values(row: tuple[bytes | None, ...], nulls: str) -> list[object]:
    """Return a row as the driver binds it."""
    null = _UNSET_VALUE if nulls == "unset" else None
    return [null if value is None else value for value in row]


def by_driver(message: object, stream_id: int = STREAM_ID) -> bytes:
    """Return the frame that the driver would send."""
    frame: bytes = ProtocolHandler.encode_message(
        message, stream_id, 4, None, allow_beta_protocol_version=False
    )
    return frame


@given(
    rows=ROWS,
    query_id=QUERY_IDS,
    nulls=st.sampled_from(["unset", "write"]),
    consistency=CONSISTENCY,
    timestamp_us=TIMESTAMPS,
    data=st.data(),
)
def test_a_batch_is_the_drivers(
    rows: list[tuple[bytes | None, ...]],
    query_id: bytes,
    nulls: str,
    consistency: int,
    timestamp_us: int,
    data: st.DataObject,
) -> None:
    """Rows of a split in one UNLOGGED BATCH give byte for byte the frame that the driver would send."""
    start = data.draw(st.integers(0, len(rows) - 1))
    stop = data.draw(st.integers(start + 1, len(rows)))
    body = batch_body(encoded(rows, query_id, nulls), start, stop, consistency, timestamp_us)
    queries = [(True, query_id, driver_values(row, nulls)) for row in rows[start:stop]]
    wanted = BatchMessage(BatchType.UNLOGGED, queries, consistency, timestamp=timestamp_us)
    assert Message(BATCH, body).frames([STREAM_ID], 4) == by_driver(wanted)


@given(
    rows=ROWS,
    query_id=QUERY_IDS,
    nulls=st.sampled_from(["unset", "write"]),
    consistency=CONSISTENCY,
    timestamp_us=TIMESTAMPS,
)
def test_an_execute_is_the_drivers(
    rows: list[tuple[bytes | None, ...]], query_id: bytes, nulls: str, consistency: int, timestamp_us: int
) -> None:
    """An EXECUTE for each row of a split gives byte for byte the frames that the driver would send."""
    requests = Executes(encoded(rows, query_id, nulls), range(len(rows)), query_id, consistency, timestamp_us)
    stream_ids = range(STREAM_ID, STREAM_ID + len(rows))
    wanted = [
        by_driver(
            ExecuteMessage(query_id, driver_values(row, nulls), consistency, timestamp=timestamp_us),
            stream_id,
        )
        for stream_id, row in zip(stream_ids, rows, strict=True)
    ]
    assert requests.frames(stream_ids, 4) == b"".join(wanted)
    for count in range(1, len(rows) + 1):
        assert requests.first(count).frames(stream_ids[:count], 4) == b"".join(wanted[:count])


@given(
    sizes=st.lists(st.integers(1, 10_240) | st.integers(1, 200), max_size=300),
    most_rows=st.sampled_from([1, 7, 65_535]),
    most_bytes=st.sampled_from([1, 5120, 40_960]),
)
def test_batches_are_as_large_as_they_may_be(sizes: list[int], most_rows: int, most_bytes: int) -> None:
    """Each row is in one batch, in order; no batch of several rows is too large or has room for one more."""
    cuts = list(cut_batches(np.array(sizes, dtype=np.int64), most_rows, most_bytes))
    assert [at for start, stop in cuts for at in range(start, stop)] == list(range(len(sizes)))
    for start, stop in cuts:
        assert stop - start == 1 or (stop - start <= most_rows and sum(sizes[start:stop]) <= most_bytes)
    for (start, stop), _ in itertools.pairwise(cuts):
        assert stop - start == most_rows or sum(sizes[start : stop + 1]) > most_bytes


@pytest.mark.parametrize("warnings", [["too large"], ["a", "é" * 300]])
def test_warnings_are_read_beside_the_answer(warnings: list[str]) -> None:
    """The server's warnings are returned as text, and the answer's body is what follows them."""
    texts = [warning.encode() for warning in warnings]
    warned = struct.pack(">H", len(texts)) + b"".join(struct.pack(">H", len(text)) + text for text in texts)
    found = decode_answer(FrameHeader(4, 0x08, STREAM_ID, 0x08), warned + VOID)
    assert isinstance(found, Warned)
    assert found.warnings == warnings
    assert body_of(found) == VOID


def test_an_answer_without_warnings_is_its_body() -> None:
    """The body of an answer without warnings is returned unchanged."""
    assert decode_answer(FrameHeader(4, 0, STREAM_ID, 0x08), VOID) == VOID


def test_an_error_is_the_drivers() -> None:
    """A server's error is decoded to the driver's own message."""
    text = b"busy"
    body = struct.pack(">iH", 0x1001, len(text)) + text
    found = decode_answer(FrameHeader(4, 0, STREAM_ID, 0x00), body)
    assert isinstance(found, OverloadedErrorMessage)
    assert found.message == "busy"
