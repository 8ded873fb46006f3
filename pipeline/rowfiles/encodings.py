"""Text of any encoding as UTF-8."""

import codecs
from collections.abc import Iterator

from pipeline.errors import RowFileError
from pipeline.rowfiles.stores.paths import FilePath


def in_utf8(path: FilePath, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text in UTF-8; for what is not in the encoding, the byte 0xff, which UTF-8 never has.

    Raises:
        RowFileError: the encoding gives up on the text, as UTF-16 does without its byte-order mark.
    """
    if encoding == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)(_NOT_TEXT)
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", _NOT_TEXT)
        yield decoder.decode(b"", final=True).encode("utf-8", _NOT_TEXT)
    except UnicodeError as error:
        hint = f", such as {encoding}-le or {encoding}-be" if encoding in _WITH_MARK else ""
        raise RowFileError(
            f"{path}: not {encoding} text ({error}); name the file's encoding{hint}"
        ) from error


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    """Decode what is not in the encoding as half of a character, and encode any such half as 0xff."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    if isinstance(error, UnicodeEncodeError):
        return b"\xff" * (error.end - error.start), error.end
    raise error


_NOT_TEXT = "rowfiles-not-text"
codecs.register_error(_NOT_TEXT, _mark)
_WITH_MARK = {"utf-16", "utf-32"}
