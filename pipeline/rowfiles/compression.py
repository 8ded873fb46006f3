"""Compressed row files, read as a stream of what is in them."""

import bz2
import lzma
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import BinaryIO

import pyarrow as pa

from pipeline.errors import RowFileError
from pipeline.rowfiles.stores.paths import FilePath

BLOCK_BYTES = 1 << 20


def unpacked(file: FilePath, content: BinaryIO, compression: str) -> Iterator[bytes]:
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


def _by_python(
    decompressor: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], padding_bytes: int
) -> Callable[[BinaryIO], Iterator[bytes]]:
    """Return what reads streams. Behind each there may be zeros, `padding_bytes` or a multiple of it.

    Python's own file objects take what is no stream behind one for the end.
    """

    def read(content: BinaryIO) -> Iterator[bytes]:
        packed = content.read(_PACKED_BYTES)
        while packed:
            stream = decompressor()
            while not stream.eof:
                if stream.needs_input and not packed:
                    packed = content.read(_PACKED_BYTES)
                    if not packed:
                        raise EOFError("it ends within a stream")
                if block := stream.decompress(packed, BLOCK_BYTES):
                    yield block
                packed = b""
            packed = stream.unused_data or content.read(_PACKED_BYTES)
            if padding_bytes:
                packed = _without_padding(content, packed, padding_bytes)

    return read


def _without_padding(content: BinaryIO, packed: bytes, padding_bytes: int) -> bytes:
    """Return the beginning of the next stream; nothing where there is none."""
    zeros = 0
    while packed:
        rest = packed.lstrip(b"\0")
        zeros += len(packed) - len(rest)
        packed = rest or content.read(_PACKED_BYTES)
        if rest:
            break
    if zeros % padding_bytes:
        raise EOFError(f"{zeros} zeros behind a stream")
    return packed


# What is left of it behind a stream is copied, and a file may have nothing but small streams.
_PACKED_BYTES = 1 << 16
# `xz -9` needs 65 MiB; a file may say that it needs any number.
_XZ_MAX_BYTES = 256 << 20
_READERS: Mapping[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    "none": _plain,
    "gzip": _by_arrow("gzip"),
    "zstd": _by_arrow("zstd"),
    # Arrow's reader fails where streams without content follow one another.
    "bzip2": _by_python(bz2.BZ2Decompressor, 0),
    "xz": _by_python(partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_XZ_MAX_BYTES), 4),
    "lz4": _by_arrow("lz4"),
}
