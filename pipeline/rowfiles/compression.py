"""Compressed row files, read as a stream of what is in them."""

import lzma
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from pipeline.errors import RowFileError

BLOCK_BYTES = 1 << 20


def unpacked(file: Path, content: BinaryIO, compression: str) -> Iterator[bytes]:
    """Yield what a file has, unpacked, in blocks; `content` is read once, to its end.

    Members or frames that follow one another are one file, as each format's own tools have it.

    Raises:
        RowFileError: the file is damaged, cut off, or not compressed so.
    """
    try:
        yield from _READERS[compression](content)
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowInvalid) as error:
        raise RowFileError(
            f"{file}: damaged, cut off, or not {compression} ({error}); copy it again, or name its format"
        ) from error


def _plain(content: BinaryIO) -> Iterator[bytes]:
    while block := content.read(BLOCK_BYTES):
        yield block


def _by_arrow(codec: str) -> Callable[[BinaryIO], Iterator[bytes]]:
    def read(content: BinaryIO) -> Iterator[bytes]:
        stream = pa.CompressedInputStream(pa.PythonFile(content, mode="r"), codec)
        while block := stream.read(BLOCK_BYTES):
            yield block

    return read


def _xz(content: BinaryIO) -> Iterator[bytes]:
    """Yield what streams of xz have. Python's own reader takes what is no stream after one for the end."""
    packed = content.read(BLOCK_BYTES)
    while packed:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MAX_BYTES)
        while not stream.eof:
            if stream.needs_input and not packed:
                packed = content.read(BLOCK_BYTES)
                if not packed:
                    raise EOFError("it ends within a stream")
            if block := stream.decompress(packed, BLOCK_BYTES):
                yield block
            packed = b""
        packed = _without_padding(content, stream.unused_data)


def _without_padding(content: BinaryIO, packed: bytes) -> bytes:
    """Return the beginning of the next stream of xz: streams may have zeros after them, by fours."""
    padding_bytes = 0
    while packed := packed or content.read(BLOCK_BYTES):
        rest = packed.lstrip(b"\0")
        padding_bytes += len(packed) - len(rest)
        packed = rest
        if rest:
            break
    if padding_bytes % 4:
        raise lzma.LZMAError(f"{padding_bytes} zeros after a stream")
    return packed


_READERS: Mapping[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    "none": _plain,
    "gzip": _by_arrow("gzip"),
    "zstd": _by_arrow("zstd"),
    "bzip2": _by_arrow("bz2"),
    "xz": _xz,
    "lz4": _by_arrow("lz4"),
}
# `xz -9` needs 65 MiB; a file may say that it needs any number.
_XZ_MAX_BYTES = 256 << 20
