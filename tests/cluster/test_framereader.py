"""Frames read from a stream of bytes, in pieces of any size."""

import struct

import pytest
from cassandra.connection import ProtocolError

from pipeline.cluster.framereader import READ_BYTES, VOID, FrameReader

BODIES = [b"", b"x", bytes(range(256)) * 9, b"long" * READ_BYTES, b"", b"last"]
FRAMES = b"".join(struct.pack(">BBhBi", 0x84, 0, at, 8, len(body)) + body for at, body in enumerate(BODIES))


def read_in_pieces(stream: bytes, size: int) -> list[tuple[int, bytes]]:
    """Return the stream number and body of every frame of a stream that arrives in pieces of `size` bytes."""
    reader = FrameReader()
    found = []
    while stream:
        free = reader.free
        count = min(size, len(free), len(stream))
        free[:count] = stream[:count]
        for answer in reader.received(count):
            if isinstance(answer, list):
                found += [(stream_id, VOID) for stream_id in answer]
            else:
                header, body = answer
                found.append((header.stream, body))
        stream = stream[count:]
    return found


@pytest.mark.parametrize("size", [7, 9, 4096, READ_BYTES, len(FRAMES)])
def test_frames_are_the_same_however_they_arrive(size: int) -> None:
    """Frames are parsed completely and in order, in pieces of any size, also when longer than one read."""
    if size < 10:
        short = FRAMES[:2350]
        assert read_in_pieces(short, size) == list(enumerate(BODIES[:3]))
    else:
        assert read_in_pieces(FRAMES, size) == list(enumerate(BODIES))


@pytest.mark.parametrize("size", [13, 20, READ_BYTES])
def test_results_without_content_are_taken_together(size: int) -> None:
    """Neighbouring results without content are one list of streams; frames between them are kept."""
    void = [struct.pack(">BBhBi", 0x84, 0, at, 8, 4) + VOID for at in range(6)]
    warned = struct.pack(">BBhBi", 0x84, 8, 6, 8, 10) + struct.pack(">HH", 1, 2) + b"no" + VOID
    error = struct.pack(">BBhBi", 0x84, 0, 7, 0, 4) + VOID
    stream = b"".join([*void[:3], warned, error, *void[3:]])
    found = read_in_pieces(stream, size)
    assert [at for at, _ in found] == [0, 1, 2, 6, 7, 3, 4, 5]
    assert [body for _, body in found if body != VOID] == [warned[9:]]
    reader = FrameReader()
    reader.free[: len(stream)] = stream
    together = [answer for answer in reader.received(len(stream)) if isinstance(answer, list)]
    assert together == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n", b"\x84\0\0\0\x08\xff\xff\xff\xff", b"\x15\3\1\0\2\2\x46\0\0"]
)
def test_what_is_no_frame_is_refused(answer: bytes) -> None:
    """Bytes of another protocol raise an error; the connection does not wait for gigabytes."""
    with pytest.raises(ProtocolError, match=r"version \d+ of the protocol, -?\d+ bytes"):
        read_in_pieces(answer, len(answer))
