"""The files of a load, each known by its content: moved or renamed it is the same, edited it is another."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pipeline.jobs import SourceFile
from pipeline.rowfiles.chunk import reading
from pipeline.rowfiles.parquetfile import count_parquet_rows


def describe_file(file: Path) -> SourceFile:
    """Return what a load knows of a row file.

    Raises:
        RowFileError: it cannot be read.
    """
    with reading(file):
        stat = file.stat()
    return _describe(file, stat.st_ino, stat.st_size, stat.st_mtime_ns)


def digest(files: Iterable[SourceFile], options: str) -> str:
    """Return the SHA-256, in hex, of what the files hold, whatever their names, and of how it is loaded."""
    content = "\n".join([*sorted(file.sha256 for file in files), options])
    return hashlib.sha256(content.encode()).hexdigest()


def options_of(mapping: Mapping[str, str], nulls: str, ttl_s: int, timestamp_us: int) -> str:
    """Return what of a load's settings changes what it writes, as text."""
    return json.dumps([sorted(mapping.items()), nulls, ttl_s, timestamp_us])


@functools.lru_cache(maxsize=1024)
def _describe(file: Path, *_: int) -> SourceFile:
    """Read a file once as long as nobody touches it: Luigi asks again and again what is finished."""
    with reading(file), file.open("rb") as content:
        if file.suffix == ".parquet":
            sha256, lines = hashlib.file_digest(content, "sha256").hexdigest(), count_parquet_rows(file)
        else:
            sha256, lines = _digest_and_lines(content)
    return SourceFile(path=str(file), sha256=sha256, lines=lines)


def _digest_and_lines(content: BinaryIO) -> tuple[str, int]:
    """Return the SHA-256 of a text, in hex, and how many lines it has: one may end with LF, CR or both."""
    sha256, lines, last = hashlib.sha256(), 0, b""
    while block := content.read(_BLOCK_BYTES):
        sha256.update(block)
        lines += int(np.count_nonzero(np.frombuffer(block, np.uint8) == _LINE_FEED))
        # To look for a CR is faster than to count none.
        if b"\r" in block:
            lines += block.count(b"\r") - block.count(b"\r\n")
        lines -= last == b"\r" and block.startswith(b"\n")
        last = block[-1:]
    return sha256.hexdigest(), lines


_BLOCK_BYTES = 1 << 20
_LINE_FEED = ord("\n")
