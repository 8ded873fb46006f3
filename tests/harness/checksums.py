"""Packed content with the checksums that Arrow leaves out and the tools write: frames of zstd and lz4."""

import pyarrow as pa


def zstd_frame(content: bytes) -> bytes:
    """Return a frame of zstd with a checksum of its content."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    frame = bytearray(sink.getvalue().to_pybytes())
    frame[_ZSTD_FLAGS_AT] |= _ZSTD_HAS_CHECKSUM
    return bytes(frame) + (xxh64(content) & 0xFFFFFFFF).to_bytes(4, "little")


def lz4_frame(content: bytes) -> bytes:
    """Return a frame of lz4 with a checksum of its content, in blocks of at most 64 KiB."""
    descriptor = bytes([0b0110_0100, 0b0100_0000])
    frame = b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
    for start in range(0, len(content), 1 << 16):
        block = content[start : start + (1 << 16)]
        packed = pa.compress(block, codec="lz4_raw", asbytes=True)
        is_smaller = len(packed) < len(block)
        size = len(packed) if is_smaller else len(block) | 1 << 31
        frame += size.to_bytes(4, "little") + (packed if is_smaller else block)
    return frame + bytes(4) + xxh32(content).to_bytes(4, "little")


def xxh32(content: bytes) -> int:
    """Return the XXH32 of some bytes, with seed 0. https://github.com/Cyan4973/xxHash defines it."""
    one, two, three, four, five = _PRIMES_32

    def mixed(lane: int, word: int) -> int:
        return _turned(lane + word * two, 13, 32) * one

    found, at = five, 0
    if len(content) >= 16:
        lanes = [one + two, two, 0, -one]
        for at in range(16, len(content) + 1, 16):
            lanes = list(map(mixed, lanes, _words(content[at - 16 : at], 4)))
        found = sum(_turned(lane, by, 32) for lane, by in zip(lanes, _TURNS, strict=True))
    found += len(content)
    rest = content[at:]
    for word in _words(rest[: len(rest) // 4 * 4], 4):
        found = _turned(found + word * three, 17, 32) * four
    for octet in rest[len(rest) // 4 * 4 :]:
        found = _turned(found + octet * five, 11, 32) * one
    return _shuffled(found, 32, (15, two), (13, three), (16, 1))


def xxh64(content: bytes) -> int:
    """Return the XXH64 of some bytes, with seed 0. https://github.com/Cyan4973/xxHash defines it."""
    one, two, three, four, five = _PRIMES_64

    def mixed(lane: int, word: int) -> int:
        return _turned(lane + word * two, 31, 64) * one

    found, at = five, 0
    if len(content) >= 32:
        lanes = [one + two, two, 0, -one]
        for at in range(32, len(content) + 1, 32):
            lanes = list(map(mixed, lanes, _words(content[at - 32 : at], 8)))
        found = sum(_turned(lane, by, 64) for lane, by in zip(lanes, _TURNS, strict=True))
        for lane in lanes:
            found = (found ^ mixed(0, lane)) * one + four
    found += len(content)
    rest = content[at:]
    for word in _words(rest[: len(rest) // 8 * 8], 8):
        found = _turned(found ^ mixed(0, word), 27, 64) * one + four
    rest = rest[len(rest) // 8 * 8 :]
    for word in _words(rest[: len(rest) // 4 * 4], 4):
        found = _turned(found ^ word * one, 23, 64) * two + three
    for octet in rest[len(rest) // 4 * 4 :]:
        found = _turned(found ^ octet * five, 11, 64) * one
    return _shuffled(found, 64, (33, two), (29, three), (32, 1))


def _words(content: bytes, width: int) -> list[int]:
    return [int.from_bytes(content[at : at + width], "little") for at in range(0, len(content), width)]


def _turned(number: int, by: int, bits: int) -> int:
    number &= (1 << bits) - 1
    return (number << by | number >> bits - by) & (1 << bits) - 1


def _shuffled(number: int, bits: int, *steps: tuple[int, int]) -> int:
    mask = (1 << bits) - 1
    number &= mask
    for by, prime in steps:
        number = (number ^ number >> by) * prime & mask
    return number


_TURNS = (1, 7, 12, 18)
_PRIMES_32 = (2654435761, 2246822519, 3266489917, 668265263, 374761393)
_PRIMES_64 = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)
_ZSTD_FLAGS_AT, _ZSTD_HAS_CHECKSUM = 4, 0b100
