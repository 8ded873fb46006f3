"""The text of a row file as UTF-8, whatever its encoding and compression, up to the empty lines at its end.

A text always ends with a line break: where the file has none, one is added. A plain file is read at any
place; any other is read forward, and from its beginning again for what has been released.
"""

import abc
import codecs
import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from pipeline.errors import RowFileError
from pipeline.rowfiles.compression import BLOCK_BYTES, unpacked
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.encodings import in_utf8
from pipeline.rowfiles.opening import open_content
from pipeline.rowfiles.stores.ahead import PiecesFile, read_ahead
from pipeline.rowfiles.stores.content import ObjectContent
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings.files import NONE


class Text(abc.ABC):
    """The text of one file. `lacks_line_break`: one was added at its end; known once the end was read."""

    path: FilePath
    lacks_line_break: bool

    @abc.abstractmethod
    def window(self, start: int, size_bytes: int) -> bytes:
        """Return `size_bytes` of the text from `start`, fewer only where it ends.

        Raises:
            RowFileError: the file is damaged, or ends before it did.
        """

    @abc.abstractmethod
    def is_end(self, position: int) -> bool:
        """Return whether the text has nothing from `position` on."""

    @abc.abstractmethod
    def is_empty(self) -> bool:
        """Return whether the file itself has nothing in it; the text may be empty of line breaks too."""

    @abc.abstractmethod
    def release(self, position: int) -> None:
        """Note that nothing before `position` is wanted soon."""

    @abc.abstractmethod
    def hold(self, position: int) -> None:
        """Keep the text from `position` on, though it is released, unless it is longer than two rows may be.

        So a split of a stream can be read after its end was looked for.
        """

    def next_line(self, start: int) -> int:
        """Return where the line after the one that `start` is in begins. What is before it is released."""
        while not self.is_end(start):
            window = self.window(start, _WINDOW_BYTES)
            found = LINE_END.search(window)
            if found is None:
                start += len(window)
                self.release(start)
            elif found.group() != b"\r" or found.end() < len(window) or self.is_end(start + found.end()):
                return start + found.end()
            else:
                start += found.start()
        return start


class PlainText(Text):
    """A file that is UTF-8 and not compressed, read at any place."""

    def __init__(self, path: FilePath, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream
        self._file_bytes = stream.seek(0, io.SEEK_END)
        self._added = b""
        self._size_bytes = self._file_bytes
        self._size_bytes = self._end_of_rows()
        self.lacks_line_break = self._size_bytes > 0 and self.window(self._size_bytes - 1, 1) not in _BREAKS
        if self.lacks_line_break:
            self._added = b"\n"
            self._size_bytes += 1

    def window(self, start: int, size_bytes: int) -> bytes:
        """Return a part of the text."""
        self._stream.seek(start)
        in_file = self._size_bytes - len(self._added)
        expected_bytes = max(0, min(size_bytes, in_file - start))
        content = self._stream.read(expected_bytes)
        if len(content) < expected_bytes:
            raise RowFileError(f"{self.path}: became shorter while it was read; load it when it is complete")
        return content + self._added if start + size_bytes > in_file >= start else content

    def is_end(self, position: int) -> bool:
        """Return whether the text has nothing from `position` on."""
        return position >= self._size_bytes

    def is_empty(self) -> bool:
        """Return whether the file has nothing in it."""
        return self._file_bytes == 0

    def release(self, position: int) -> None:
        """Do nothing: nothing is kept."""

    def hold(self, position: int) -> None:
        """Do nothing: any place is read again."""

    def _end_of_rows(self) -> int:
        """Return where the line that is the last but for empty ones ends; 0 where all are empty."""
        end = self._size_bytes
        while end:
            start = max(0, end - _WINDOW_BYTES)
            window = self.window(start, end - start)
            if kept := window.rstrip(b"\r\n"):
                return self.next_line(start + len(kept) - 1)
            end = start
        return 0


class StreamText(Text):
    """A text that is made of blocks in order; what is released is forgotten.

    `blocks` begins at the file's beginning each time that it is called.
    """

    def __init__(self, path: FilePath, blocks: Callable[[], Iterator[bytes]]) -> None:
        self.path = path
        self._begin = blocks
        self.lacks_line_break = False
        self._has_content = False
        self._held: int | None = None
        self._restart()

    def window(self, start: int, size_bytes: int) -> bytes:
        """Return a part of the text, which is kept until it is released."""
        if start < self._start:
            self._restart()
            self.release(start)
        self._read_to(start + size_bytes)
        return bytes(self._kept[start - self._start : start - self._start + size_bytes])

    def is_end(self, position: int) -> bool:
        """Return whether the text has nothing from `position` on."""
        return not self.window(position, 1)

    def is_empty(self) -> bool:
        """Return whether the file, unpacked, has nothing in it."""
        self._read_to(1)
        return not self._has_content

    def release(self, position: int) -> None:
        """Forget what is before `position`, and not held."""
        if self._held is not None and position - self._held <= 2 * ROW_MAX_BYTES:
            position = min(position, self._held)
        while self._start < position and not (self._is_whole and not self._kept):
            gone = min(position - self._start, len(self._kept))
            del self._kept[:gone]
            self._start += gone
            self._read_to(self._start + 1)

    def hold(self, position: int) -> None:
        """Keep the text from `position` on."""
        self._held = position

    @property
    def read_bytes(self) -> int:
        """How much of the text was read, from its beginning."""
        return self._start + len(self._kept)

    def _restart(self) -> None:
        self._blocks = self._without_empty_end(self._begin())
        self._kept, self._start, self._is_whole = bytearray(), 0, False

    def _read_to(self, end: int) -> None:
        while self._start + len(self._kept) < end and not self._is_whole:
            block = next(self._blocks, None)
            if block is None:
                self._is_whole = True
            else:
                self._kept += block

    def _without_empty_end(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks, of the line breaks at the end only the first; add one where there is none."""
        held, has_text = _LineBreaks(), False
        for block in blocks:
            self._has_content = True
            kept = block.rstrip(b"\r\n")
            if kept or held.kept_bytes > _MOST_EMPTY_BYTES:
                has_text = True
                yield from held.blocks
                yield kept
                held = _LineBreaks()
            held.add(block[len(kept) :])
        if has_text:
            found = LINE_END.match(held.begin())
            self.lacks_line_break = found is None
            yield found.group() if found else b"\n"


class _LineBreaks:
    """Line breaks in blocks. Blocks that are alike, of which a file may have any number, are kept once."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.kept_bytes = 0

    def add(self, block: bytes) -> None:
        """Take the next block."""
        if self.blocks and self.blocks[-1] == block:
            block = self.blocks[-1]
        else:
            self.kept_bytes += len(block)
        if block:
            self.blocks.append(block)

    def begin(self) -> bytes:
        """Return the first two bytes, fewer where there are no more."""
        return b"".join(block[:2] for block in self.blocks[:2])[:2]


def is_plain(dialect: Dialect) -> bool:
    """Return whether a file of this dialect is its own text."""
    return dialect.compression == NONE and dialect.encoding == "utf-8"


@contextlib.contextmanager
def open_text(path: FilePath, dialect: Dialect) -> Iterator[Text]:
    """Open the text of a file or an object.

    Raises:
        RowFileError: it cannot be read.
    """
    with open_content(path) as content:
        yield text_of_file(path, content, dialect)


def text_of_file(path: FilePath, content: BinaryIO, dialect: Dialect) -> Text:
    """Return the text of an open file, or of an open object, which is read forward."""
    if isinstance(content, ObjectContent):
        return StreamText(path, lambda: unpacked_text(path, read_ahead(content), dialect))
    if is_plain(dialect):
        return PlainText(path, content)

    def blocks() -> Iterator[bytes]:
        # Of its own, because Arrow closes what it reads.
        with os.fdopen(os.dup(content.fileno()), "rb") as own:
            own.seek(0)
            yield from in_utf8(path, unpacked(path, own, dialect.compression), dialect.encoding)

    return StreamText(path, blocks)


def unpacked_text(path: FilePath, pieces: Iterator[bytes], dialect: Dialect) -> Iterator[bytes]:
    """Yield the text of a file, in UTF-8, whose content as it is stored comes in pieces.

    Raises:
        RowFileError: it is damaged.
    """
    if dialect.compression != NONE:
        pieces = unpacked(path, cast("BinaryIO", PiecesFile(pieces)), dialect.compression)
    return in_utf8(path, pieces, dialect.encoding)


LINE_END = re.compile(rb"\r\n|\n|\r")
BYTE_ORDER_MARK = codecs.BOM_UTF8
# The most that a stock server takes in one mutation is 16 MiB; a blob in hexadecimal, or a text of nothing
# but quotes, is twice as long in the file.
ROW_MAX_BYTES = 32 << 20
# Of lines of a few bytes, a split of a few MiB has millions. Each may be a bad row, which takes 170 bytes.
SPLIT_MAX_ROWS = 300_000
_BREAKS = {b"\n", b"\r"}
_WINDOW_BYTES = BLOCK_BYTES
_MOST_EMPTY_BYTES = 32 << 20
