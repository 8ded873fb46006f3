"""Requests as bytes of native protocol v4, made without one object per row.

Format: native_protocol_v4.spec of Apache Cassandra, sections 2 (frame header), 4.1.6 (EXECUTE), 4.1.7
(BATCH), 2.2 and 9 (warnings, errors).
"""

import bisect
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from cassandra.protocol import ProtocolHandler

from pipeline.cluster.framereader import FrameHeader

REQUEST_MAX_BYTES = 15 * 1024 * 1024
"""Below the default limits of a frame and of a mutation, both 16 MiB."""


@dataclass(frozen=True)
class EncodedRows:
    """Encoded rows, one after another in `data`; row i is from `offsets[i]` to `offsets[i + 1]`.

    Each is a statement of a BATCH: kind, id of the prepared INSERT, number of values, values. `sizes` are the
    bytes of each row that the server's batch thresholds count.
    """

    data: memoryview
    offsets: Sequence[int]
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)


def statement_prefix(query_id: bytes) -> bytes:
    """Return what precedes a row's values in a BATCH: the kind of a prepared statement, and its id."""
    return b"\x01" + struct.pack(">H", len(query_id)) + query_id


def batch_body(
    rows: EncodedRows, start: int, stop: int, consistency: int, timestamp_us: int
) -> list[bytes | memoryview]:
    """Return the body of an UNLOGGED BATCH of rows `start` to `stop`."""
    return [
        struct.pack(">BH", _UNLOGGED, stop - start),
        rows.data[rows.offsets[start] : rows.offsets[stop]],
        struct.pack(">HBq", consistency, _WITH_TIMESTAMP, timestamp_us),
    ]


def cut_batches(sizes: np.ndarray, most_rows: int, most_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield start and stop of batches: of at most `most_rows`, and at most `most_bytes` or a single row."""
    ends = np.cumsum(sizes).data  # a memoryview, which makes Python ints of the items on access
    start, before = 0, 0
    while start < len(ends):
        stop = bisect.bisect_right(ends, before + most_bytes, start, min(len(ends), start + most_rows))
        stop = max(stop, start + 1)
        yield start, stop
        start, before = stop, ends[stop - 1]


class Message:
    """A request that is already encoded: its opcode, and its body in pieces, `size_bytes` in total."""

    __slots__ = ("body", "opcode", "size_bytes")

    def __init__(self, opcode: int, body: Sequence[bytes | memoryview]) -> None:
        self.opcode = opcode
        self.body = body
        self.size_bytes = sum(map(len, body))

    def __len__(self) -> int:
        return 1

    def frames(self, stream_ids: Sequence[int], protocol_version: int) -> bytes:
        """Return the whole frame."""
        head = _HEADER.pack(protocol_version, 0, stream_ids[0], self.opcode, self.size_bytes)
        return b"".join((head, *self.body))


class Executes:
    """An EXECUTE for each of the rows at `positions`."""

    __slots__ = ("_consistency", "_positions", "_query_id", "_rows", "_timestamp_us", "size_bytes")

    def __init__(
        self,
        rows: EncodedRows,
        positions: Sequence[int],
        query_id: bytes,
        consistency: int,
        timestamp_us: int,
    ) -> None:
        self._rows = rows
        self._positions = positions
        self._query_id = query_id
        self._consistency = consistency
        self._timestamp_us = timestamp_us
        self.size_bytes = sum(rows.offsets[at + 1] - rows.offsets[at] for at in positions)

    def __len__(self) -> int:
        return len(self._positions)

    def first(self, count: int) -> "Executes":
        """Return the first `count` of them."""
        if count >= len(self):
            return self
        positions = self._positions[:count]
        return Executes(self._rows, positions, self._query_id, self._consistency, self._timestamp_us)

    def frames(self, stream_ids: Sequence[int], protocol_version: int) -> bytes:
        """Return the frames, one after another, each on its stream."""
        data, offsets, prefix_bytes = self._rows.data, self._rows.offsets, 3 + len(self._query_id)
        statement = struct.pack(">H", len(self._query_id)) + self._query_id
        statement += struct.pack(">HB", self._consistency, _WITH_VALUES | _WITH_TIMESTAMP)
        timestamp = struct.pack(">q", self._timestamp_us)
        fixed_bytes = len(statement) + len(timestamp)
        pieces: list[bytes | memoryview] = []
        for stream_id, at in zip(stream_ids, self._positions, strict=True):
            values = data[offsets[at] + prefix_bytes : offsets[at + 1]]
            head = _HEADER.pack(protocol_version, 0, stream_id, EXECUTE, fixed_bytes + len(values))
            pieces += (head, statement, values, timestamp)
        return b"".join(pieces)


class Warned:
    """The answer to a request that was carried out with warnings.

    The warnings precede the rest of the body. They are decoded only on access.
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    @property
    def warnings(self) -> list[str]:
        """The server's warnings."""
        return [text.decode("utf-8", "replace") for text in self._split()[0]]

    @property
    def tells_overload(self) -> bool:
        """Whether the server is at a limit: of requests a second, of bytes in flight, or of its queue."""
        return any(text in self._answer for text in _OVERLOAD_WARNINGS)

    @property
    def body(self) -> bytes:
        """The body without the warnings."""
        return self._answer[self._split()[1] :]

    def _split(self) -> tuple[list[bytes], int]:
        [count] = struct.unpack_from(">H", self._answer)
        at, texts = 2, []
        for _ in range(count):
            [size_bytes] = struct.unpack_from(">H", self._answer, at)
            texts.append(self._answer[at + 2 : at + 2 + size_bytes])
            at += 2 + size_bytes
        return texts, at


def body_of(answer: bytes | Warned) -> bytes:
    """Return the body of an answer without the warnings."""
    return answer.body if isinstance(answer, Warned) else answer


def decode_answer(header: FrameHeader, body: bytes) -> object:
    """Return the body of a success, `Warned` if it has warnings; for a failure the driver's own message."""
    if header.opcode == _RESULT:
        return Warned(body) if header.flags & _WARNING else body
    version, flags, stream_id, opcode = header
    return ProtocolHandler.decode_message(version, {}, stream_id, flags, opcode, body, None, None)


EXECUTE, BATCH = 0x0A, 0x0D
_HEADER = struct.Struct(">BBhBi")
_RESULT = 0x08
_WARNING = 0x08
_UNLOGGED = 1
_OVERLOAD_WARNINGS = (b" and triggered backpressure", b" of the maximum timeout ")
"""Parts of a server's warnings: it answers late, because it is at a limit."""

_WITH_VALUES, _WITH_TIMESTAMP = 0x01, 0x20
