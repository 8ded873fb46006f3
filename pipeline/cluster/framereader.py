"""A connection's bytes taken apart into frames of the native protocol, without an object for each result."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from cassandra import ProtocolVersion
from cassandra.connection import ProtocolError


class FrameHeader(NamedTuple):
    """A frame's header, as the driver expects it; `version` is without the direction bit."""

    version: int
    flags: int
    stream: int
    opcode: int


class FrameReader:
    """Splits a stream of bytes, in pieces of any size, into frames; the time is proportional to the bytes.

    The format is that of versions 3 and 4 of the native protocol (its specification, section 2): version,
    flags, stream, opcode, length of the body, body.
    """

    def __init__(self) -> None:
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._filled = 0

    @property
    def free(self) -> memoryview:
        """The buffer for the next bytes; never empty."""
        return self._buffer[self._filled :]

    def received(self, count: int) -> Iterator[tuple[FrameHeader, bytes] | list[int]]:
        """Yield the header and body of every frame that is complete after `count` more bytes in `free`.

        Neighbouring results without content are yielded together, as a list of their streams. Exhaust the
        iterator before the next use of `free`.

        Raises:
            ProtocolError: the bytes are not such frames.
        """
        buffer, begin, end, size = self._buffer, 0, self._filled + count, 0
        while end - begin >= _HEADER.size:
            if stream_ids := _leading_voids(buffer[begin:end]):
                begin += len(stream_ids) * _VOID_FRAME.size
                yield stream_ids
                continue
            version, flags, stream, opcode, length = _HEADER.unpack_from(buffer, begin)
            version &= _VERSION_BITS
            if version not in _VERSIONS or not 0 <= length <= _LONGEST_BODY_BYTES:
                raise ProtocolError(f"version {version} of the protocol, {length} bytes in a frame")
            size = _HEADER.size + length
            if end - begin < size:
                break
            body = bytes(buffer[begin + _HEADER.size : begin + size])
            begin += size
            yield FrameHeader(version, flags, stream, opcode), body
        if len(buffer) != max(size, READ_BYTES):
            self._buffer = memoryview(bytearray(max(size, READ_BYTES)))
        self._filled = end - begin
        self._buffer[: self._filled] = buffer[begin:end]


def _leading_voids(frames: memoryview) -> list[int]:
    """Return the streams of the results without content that these bytes begin with."""
    stream_ids = []
    complete = frames[: len(frames) // _VOID_FRAME.size * _VOID_FRAME.size]
    for version_and_flags, stream_id, rest in _VOID_FRAME.iter_unpack(complete):
        if rest != _VOID_REST or version_and_flags not in _VOID_STARTS:
            break
        stream_ids.append(stream_id)
    return stream_ids


READ_BYTES = 1 << 18
"""The size of one read: thousands of acknowledgements, or a page of rows."""

RESULT = 0x08
_HEADER = struct.Struct(">BBhBi")
_VERSION_BITS = 0x7F
_VERSIONS = frozenset(known for known in ProtocolVersion.SUPPORTED_VERSIONS if known >= ProtocolVersion.V3)
"""Later versions too: a server refuses an unknown version in this format, under its own version."""

VOID = struct.pack(">i", 1)
"""The body of a result without content (native protocol 4, section 4.2.5.1)."""

_VOID_FRAME = struct.Struct(">Hh9s")
_VOID_STARTS = frozenset(0x8000 | version << 8 for version in _VERSIONS)
_VOID_REST = struct.pack(">Bi", RESULT, len(VOID)) + VOID

_LONGEST_BODY_BYTES = 256 << 20
