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
    with lzma.LZMAFile(content) as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


_READERS: Mapping[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    "none": _plain,
    "gzip": _by_arrow("gzip"),
    "zstd": _by_arrow("zstd"),
    "bzip2": _by_arrow("bz2"),
    "xz": _xz,
    "lz4": _by_arrow("lz4"),
}
