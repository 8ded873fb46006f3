"""The content of an object, read by ranges and tried again where the network fails.

An object may be replaced while it is read. After each range its version is asked for again, so that what was
read is for certain of the object that was opened.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from pipeline.rowfiles.stores.paths import ObjectPath, replaced
from pipeline.rowfiles.stores.requests import retried

PIECE_BYTES = 8 << 20
"""The largest range that is asked for at a time: large enough that the time to ask counts little."""


@dataclass(frozen=True)
class Version:
    """What identifies an object's content before it is read.

    `sha256` is that of its ETag and size, in hex; of its size and time where the store has no ETag.
    """

    size_bytes: int
    sha256: str


class ObjectContent(io.RawIOBase):
    """An open object. `handed_bytes` is how much of it `pieces` has handed out.

    Raises:
        RowFileError: it cannot be read, or is not the one that its path means.
    """

    def __init__(self, path: ObjectPath) -> None:
        super().__init__()
        self.path = path
        self._file, self.version = retried(path, self._open)
        if path.sha256 and self.version.sha256 != path.sha256:
            raise replaced(path)
        self.handed_bytes = 0
        self._at = 0

    @property
    def size_bytes(self) -> int:
        """Its size."""
        return self.version.size_bytes

    def read_at(self, start: int, size_bytes: int) -> bytes:
        """Return a range, shorter only where the object ends.

        Raises:
            RowFileError: it cannot be read, or another object has taken its place.
        """
        wanted_bytes = max(0, min(size_bytes, self.size_bytes - start))
        return retried(self.path, lambda: self._range(start, wanted_bytes)) if wanted_bytes else b""

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole content in order.

        Raises:
            RowFileError: it cannot be read, or another object has taken its place.
        """
        self.handed_bytes = 0
        while piece := self.read_at(self.handed_bytes, PIECE_BYTES):
            self.handed_bytes += len(piece)
            yield piece

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; return it."""
        begins = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size_bytes}
        self._at = max(0, begins[whence] + offset)
        return self._at

    def tell(self) -> int:
        """Return the place where the next byte is read."""
        return self._at

    def read(self, size_bytes: int | None = -1) -> bytes:
        """Return the next bytes, all there are if no number is given."""
        whole = size_bytes is None or size_bytes < 0
        content = self.read_at(self._at, self.size_bytes if whole or size_bytes is None else size_bytes)
        self._at += len(content)
        return content

    def _open(self) -> tuple[pa.NativeFile, Version]:
        from pipeline.rowfiles.stores.filesystems import location_of  # noqa: PLC0415 - it takes a while

        store, location = location_of(self.path)
        file = store.open_input_file(location)
        return file, _version_of(file, lambda: store.get_file_info(location).mtime_ns)

    def _range(self, start: int, size_bytes: int) -> bytes:
        if self._file.closed:
            self._file, _ = self._open()
        try:
            content: bytes = self._file.read_at(size_bytes, start)
        except OSError as error:
            self._file.close()
            # A range that is not there: a smaller object may have taken the place of this one.
            if _BEYOND_THE_END in str(error):
                self._reopen()
            raise
        self._reopen()
        if len(content) < size_bytes:
            raise OSError(f"{len(content)} bytes where {size_bytes} were asked for")
        return content

    def _reopen(self) -> None:
        """Open the object again, if it is the same."""
        self._file, version = self._open()
        if version != self.version:
            raise replaced(self.path)


def digest_of(content: BinaryIO) -> str:
    """Return the SHA-256, in hex, of a file's content, or what identifies an object."""
    if isinstance(content, ObjectContent):
        return content.version.sha256
    content.seek(0)
    sha256 = hashlib.sha256()
    while block := content.read(_BLOCK_BYTES):
        sha256.update(block)
    return sha256.hexdigest()


def _version_of(file: pa.NativeFile, changed_ns: Callable[[], int]) -> Version:
    """Return the version of an open object."""
    size_bytes = file.size()
    said = {name.lower(): value for name, value in (file.metadata() or {}).items()}
    name = said.get("etag") or said.get("generation")
    if not name:
        name = str(changed_ns())
    return Version(size_bytes, hashlib.sha256(b"%d|%s" % (size_bytes, _as_bytes(name))).hexdigest())


def current_version(path: ObjectPath) -> Version:
    """Return the version of an object as it is now.

    Raises:
        RowFileError: it cannot be read, or is not there.
    """
    with ObjectContent(ObjectPath(path.uri, path.config)) as content:
        return content.version


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


_BLOCK_BYTES = 1 << 20
_BEYOND_THE_END = "HTTP status 416"
