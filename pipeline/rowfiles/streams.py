"""Objects of text, which are read once: their splits are found as they are read, not beforehand."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats import format_of
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import FileContent, SourceFile, Split, Stream
from pipeline.rowfiles.stores.ahead import PiecesFile
from pipeline.rowfiles.stores.content import ObjectContent
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.rowfiles.texts import StreamText, open_text, unpacked_text

if TYPE_CHECKING:
    from pipeline.rowfiles.formats.protocol import Pieces, TextFormat

WAY = "streamed: splits of 6 MiB"
"""How streams are divided into splits. A version that does so in another way has another text here."""


@dataclass(frozen=True)
class StreamEnd:
    """The end of a stream: how many splits it has, and what a person should know of it."""

    split_count: int
    remark: str


def describe_stream(path: ObjectPath, dialect: Dialect) -> FileContent:
    """Return what an object of text has, as far as its beginning tells: its header, and its size at a guess.

    Raises:
        RowFileError: it cannot be read, or is not there.
    """
    text_format = cast("TextFormat", format_of(path, dialect.format))
    with ObjectContent(path) as content:
        stored = PiecesFile(content.pieces())
        source = StreamText(path, lambda: unpacked_text(path, _blocks(stored), dialect))
        sha256 = content.version.sha256
        try:
            header = text_format.header(source, dialect)
            split, _ = next(text_format.find(source, dialect), (None, []))
            stream = _guessed(split, source, stored, content.size_bytes)
        except RowFileError as error:
            return FileContent(sha256=sha256, fault=str(error))
    return FileContent(sha256=sha256, header=header, stream=stream)


def read_stream(
    file: SourceFile, fields: Sequence[Field], is_wanted: Callable[[Split, str], bool]
) -> Iterator[SplitRows | StreamEnd]:
    """Yield the rows of the splits that are wanted, in order, then the end of the stream.

    `is_wanted` is given each split and the SHA-256 of its text, in hex.

    Raises:
        RowFileError: the object cannot be read, is damaged or cut off, was replaced, or has more rows than
            are allotted to it.
    """
    text_format = cast("TextFormat", file.format)
    last: Split | None = None
    with open_text(file.place, file.dialect) as source:
        source.hold(0)
        for split, pieces in text_format.find(source, file.dialect):
            _require_allotted(file, split)
            sha256 = _sha256(pieces)
            if is_wanted(split, sha256):
                yield replace(text_format.read_split(file, source, fields, split), sha256=sha256)
            last = split
            start, size_bytes, *_ = split.position
            source.hold(start + size_bytes)
        lacks = bool(last and source.lacks_line_break and text_format.needs_line_break(last))
    if lacks and file.dialect.requires_final_newline:
        raise RowFileError(
            f"{file.path}: cut off, its last line has no line break; copy it again, or, if it is whole, end "
            "it with one"
        )
    remark = f"{file.path}: its last line has no line break; it was loaded as it is" if lacks else ""
    yield StreamEnd(split_count=last.number + 1 if last else 0, remark=remark)


def _sha256(pieces: "Pieces") -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _blocks(stored: PiecesFile) -> Iterator[bytes]:
    while block := stored.read(_STORED_BLOCK_BYTES):
        yield block


def _guessed(split: Split | None, source: StreamText, stored: PiecesFile, size_bytes: int) -> Stream:
    """Return how many rows a stream may have, by its first split."""
    if split is None:
        return Stream(first_place=1, estimated_places=0, allotted_places=0)
    start, text_bytes, *_ = split.position
    if source.is_end(start + text_bytes):
        places = split.place_count
        return Stream(first_place=split.first_place, estimated_places=places, allotted_places=places)
    places_a_stored_byte = split.place_count / text_bytes * source.read_bytes / stored.handed_bytes
    estimated = max(split.place_count, round(places_a_stored_byte * size_bytes))
    return Stream(
        first_place=split.first_place,
        estimated_places=estimated,
        allotted_places=max(_LEAST_ALLOTTED, _ALLOTTED_TIMES * estimated),
    )


def _require_allotted(file: SourceFile, split: Split) -> None:
    """Return if a stream has no more rows yet than are allotted to it.

    Raises:
        RowFileError: it has.
    """
    if file.places_before(split.first_place) + split.place_count > file.places:
        raise RowFileError(
            f"{file.path}: more rows than its beginning made expect: {file.places:,} were allotted, so that "
            "write timestamps follow the order of the rows; divide the object into smaller ones, or copy it "
            "to this machine and load the file"
        )


# Small, because what an unpacker has read and not yet unpacked counts as read.
_STORED_BLOCK_BYTES = 1 << 14
_LEAST_ALLOTTED = 50_000
_ALLOTTED_TIMES = 2
