"""The server's own limit: BATCH frames are encoded in advance, and sent as fast as they are acknowledged.

It uses the standard library, serialisers of the driver, and LZ4 of Arrow. Only sending, waiting and counting
answers are timed. The frames follow native protocol version 4, sections 2 and 4.1 of its specification.
"""

import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from typing import Any

import pyarrow as pa
from cassandra import ConsistencyLevel
from cassandra.cqltypes import DateType, DecimalType, Int32Type, UTF8Type, UUIDType
from cassandra.metadata import Murmur3Token

from bench.contest import Stopwatch, Task, arguments, task_of
from bench.tables import FROM_TEXT

_VERSION = 4
_HEADER = struct.Struct(">BBhBi")
_STARTUP, _READY, _RESULT, _PREPARE, _BATCH = 0x01, 0x02, 0x08, 0x09, 0x0D
_STREAMS = 0x8000
_COMPRESSED = 0x01
_UNLOGGED, _PREPARED, _DEFAULT_TIMESTAMP = 1, 1, 0x20
_SERIALISE = {
    "uuid": UUIDType.serialize,
    "int": Int32Type.serialize,
    "timestamp": DateType.serialize,
    "decimal": DecimalType.serialize,
    "text": UTF8Type.serialize,
}
_RECEIVE_BYTES = 1 << 20
_Serialise = tuple[Callable[[str], Any], Callable[[Any, int], bytes]]


class Connection:
    """A connection with the part of the protocol that this load needs."""

    def __init__(self, host: str, port: int, *, compression: str = "") -> None:
        self._socket = socket.create_connection((host, port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        options = {"CQL_VERSION": "3.0.0", **({"COMPRESSION": compression} if compression else {})}
        texts = b"".join(_string(text) for option in options.items() for text in option)
        self.send([_frame(0, _STARTUP, struct.pack(">H", len(options)) + texts)])
        self._expect(_READY)

    def send(self, frames: Sequence[bytes]) -> None:
        """Send `frames` in one write."""
        self._socket.sendall(b"".join(frames))

    def prepare(self, statement: str) -> bytes:
        """Return the id of the prepared statement."""
        text = statement.encode()
        self.send([_frame(0, _PREPARE, struct.pack(">i", len(text)) + text)])
        # The body holds the kind of the result, then the id as [short bytes].
        answer = self._expect(_RESULT)
        (size,) = struct.unpack_from(">H", answer, 4)
        return answer[6 : 6 + size]

    def acknowledged(self) -> int:
        """Wait for answers; return how many were received completely.

        Raises:
            RuntimeError: an answer is an error, or the server closed the connection.
        """
        return len(self._answers(_RESULT))

    def _expect(self, opcode: int) -> bytes:
        while True:
            if bodies := self._answers(opcode):
                return bodies[0]

    def _answers(self, opcode: int) -> list[bytes]:
        received = self._socket.recv(_RECEIVE_BYTES)
        if not received:
            raise RuntimeError("the server closed the connection; its log says why")
        self._received += received
        bodies, start, end = list[bytes](), 0, len(self._received)
        while end - start >= _HEADER.size:
            _, _, _, found, size = _HEADER.unpack_from(self._received, start)
            following = start + _HEADER.size + size
            if following > end:
                break
            bodies.append(bytes(self._received[start + _HEADER.size : following]))
            if found != opcode:
                raise RuntimeError(f"the server answered with opcode {found:#x}: {bodies[-1][:300]!r}")
            start = following
        del self._received[:start]
        return bodies


def batches(
    task: Task, prepared_id: bytes, rows_a_batch: int, window_bytes: int
) -> Iterator[tuple[int, bytes]]:
    """Yield the number of rows and the frame of each batch; each batch has its own timestamp."""
    serialise = [(FROM_TEXT[name], _SERIALISE[name]) for name in task.table.columns.values()]
    start = struct.pack(">BH", _PREPARED, len(prepared_id)) + prepared_id + struct.pack(">H", len(serialise))
    consistency = ConsistencyLevel.name_to_value[task.consistency]
    timestamp_us = time.time_ns() // 1000
    rows: Iterator[Sequence[str]] = task.read()
    if window_bytes:
        rows = by_token(rows, serialise[0], window_bytes)
    number = 0
    while some := list(islice(rows, rows_a_batch)):
        body = [struct.pack(">BH", _UNLOGGED, len(some))]
        for row in some:
            body.append(start)
            for (convert, serialised), text in zip(serialise, row, strict=True):
                value = serialised(convert(text), _VERSION)
                body.append(struct.pack(">i", len(value)) + value)
        body.append(struct.pack(">HBq", consistency, _DEFAULT_TIMESTAMP, timestamp_us + number))
        yield len(some), _frame(number % _STREAMS, _BATCH, b"".join(body))
        number += 1


def by_token(rows: Iterator[Sequence[str]], key: _Serialise, window_bytes: int) -> Iterator[Sequence[str]]:
    """Yield the rows by token, in windows of so many bytes of text; the first column is the key."""
    convert, serialised = key
    window: list[tuple[int, Sequence[str]]] = []
    size_bytes = 0
    for row in rows:
        window.append((Murmur3Token.hash_fn(serialised(convert(row[0]), _VERSION)), row))
        size_bytes += sum(map(len, row)) + len(row)
        if size_bytes >= window_bytes:
            yield from (row for _, row in sorted(window))
            window, size_bytes = [], 0
    yield from (row for _, row in sorted(window))


def _frame(stream: int, opcode: int, body: bytes) -> bytes:
    return _HEADER.pack(_VERSION, 0, stream, opcode, len(body)) + body


def _compressed(frame: bytes) -> bytes:
    """Return a frame with its body as an LZ4 block, after its length (section 5 of the specification)."""
    _, _, stream, opcode, size = _HEADER.unpack_from(frame)
    block: bytes = pa.Codec("lz4_raw").compress(frame[_HEADER.size :], asbytes=True)
    body = struct.pack(">i", size) + block
    return _HEADER.pack(_VERSION, _COMPRESSED, stream, opcode, len(body)) + body


def _string(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def _shares(frames: Sequence[bytes], count: int, *, is_neighbouring: bool) -> list[Sequence[bytes]]:
    """Return the frames of each connection: a part of the file, or each so-manieth frame."""
    if not is_neighbouring:
        return [frames[at::count] for at in range(count)]
    size = -(-len(frames) // count)
    return [frames[start : start + size] for start in range(0, len(frames), size)]


def _send(connection: Connection, frames: Sequence[bytes], in_flight: int) -> None:
    """Send frames, so many at a time, and wait until all are acknowledged."""
    sent = min(in_flight, len(frames))
    connection.send(frames[:sent])
    acknowledged = 0
    while acknowledged < len(frames):
        acknowledged += connection.acknowledged()
        following = min(acknowledged + in_flight, len(frames))
        if following > sent:
            connection.send(frames[sent:following])
            sent = following


def main() -> None:
    """Load the file that the command line names; print the outcome, with the CPU of the timed part only."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rows-a-batch", type=int, help="default: the table's, below the server's warning")
    parser.add_argument("--window-bytes", type=int, default=0, help="of rows sorted by token; default: none")
    parser.add_argument("--in-flight", type=int, default=64, help="frames; default: %(default)s")
    parser.add_argument("--connections", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--neighbouring", action="store_true", help="each connection sends a part of the file"
    )
    parser.add_argument("--lz4", action="store_true", help="compress the frames")
    found = parser.parse_args()
    task = task_of(found)
    compression = "lz4" if found.lz4 else ""
    connections = [
        Connection(task.host, task.port, compression=compression) for _ in range(found.connections)
    ]
    # Answers are compressed too once compression was agreed upon, so another connection prepares.
    prepared_id = Connection(task.host, task.port).prepare(task.insert)
    encoded = list(
        batches(task, prepared_id, found.rows_a_batch or task.table.limit_rows_a_batch, found.window_bytes)
    )
    frames = [_compressed(frame) if found.lz4 else frame for _, frame in encoded]
    shares = _shares(frames, found.connections, is_neighbouring=found.neighbouring)
    before = resource.getrusage(resource.RUSAGE_SELF)
    with Stopwatch() as watch, ThreadPoolExecutor(found.connections) as threads:
        in_flight = max(1, found.in_flight // found.connections)
        list(threads.map(_send, connections, shares, [in_flight] * found.connections))
    after = resource.getrusage(resource.RUSAGE_SELF)
    rows = sum(count for count, _ in encoded)
    outcome = watch.outcome("server limit", version=version("cassandra-driver"), rows=rows)
    used_s = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    replace(outcome, client_cpu_s=used_s).print()


if __name__ == "__main__":
    main()
