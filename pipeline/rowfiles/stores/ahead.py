"""Reads an object ahead of whoever unpacks it: the time that the network takes passes beside the work."""

import io
from collections.abc import Generator, Iterator
from typing import Any

from gevent import monkey

from pipeline.rowfiles.stores.content import ObjectContent
from pipeline.workers.threads import off_the_loop


def read_ahead(content: ObjectContent) -> Generator[bytes, None, None]:
    """Yield the content of an object in pieces, in order; a native thread reads the next two meanwhile.

    Raises:
        RowFileError: it cannot be read, or another object has taken its place.
    """
    pieces, wanted = _SimpleQueue(), _SimpleQueue()
    for _ in range(_PIECES_AHEAD):
        wanted.put(_MORE)
    _start_new_thread(_read, (content, pieces, wanted))
    try:
        while piece := off_the_loop(pieces.get):
            if isinstance(piece, Exception):
                raise piece
            wanted.put(_MORE)
            yield piece
    finally:
        wanted.put(_NO_MORE)


class PiecesFile(io.RawIOBase):
    """A file to read once, forward, made of pieces in order. `handed_bytes` is how much of it was read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._piece, self._at = b"", 0
        self.handed_bytes = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size_bytes: int | None = -1) -> bytes:
        """Return the next bytes, at most so many; none only at the end."""
        if self._at == len(self._piece):
            self._piece, self._at = next(self._pieces, b""), 0
        end = len(self._piece) if size_bytes is None or size_bytes < 0 else self._at + size_bytes
        block = self._piece[self._at : end]
        self._at += len(block)
        self.handed_bytes += len(block)
        return block


def _read(content: ObjectContent, pieces: Any, wanted: Any) -> None:  # noqa: ANN401 - queues without types
    try:
        following = content.pieces()
        while wanted.get() == _MORE:
            pieces.put(next(following, b""))
    except Exception as error:  # noqa: BLE001 - whoever takes the pieces raises it
        pieces.put(error)


_PIECES_AHEAD = 2
_MORE, _NO_MORE = "more", "no more"
# Not gevent's, whose threads are greenlets: they would wait for the network in the event loop's thread.
_SimpleQueue = monkey.get_original("queue", "SimpleQueue")
_start_new_thread = monkey.get_original("_thread", "start_new_thread")
