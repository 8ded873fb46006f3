"""The description of a row file before its rows are read: its content and its splits.

A row's place is a number of its own in its file, larger than those of the rows before it. It is the line on
which the row begins, where each row begins on another one; else it is the row's number. Both are from 1.
Whatever has to tell rows apart, or to put them in order, does it by their places.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.formats import format_of
from pipeline.rowfiles.stores.paths import FilePath, path_of
from pipeline.settings.objects import ObjectsConfig

if TYPE_CHECKING:
    from pipeline.rowfiles.formats.protocol import FileFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Rows of a file that are read, sent and settled together. Where it ends depends on the content alone.

    `number` counts the file's splits from 0. `first_place` is the place of its first row, and the next
    split's is `place_count` larger. `position` is what the file's format needs to read it without reading
    what comes before.
    """

    number: int
    first_place: int
    place_count: int
    position: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What is known of a text that is read once, before it is read: where it begins, and its size at a guess.

    `first_place` is the place of its first row, `estimated_places` how many places its rows may take, and
    `allotted_places` how many they must not exceed: the write timestamps of what follows begin behind them.
    """

    first_place: int
    estimated_places: int
    allotted_places: int


@dataclass(frozen=True, kw_only=True)
class FileContent:
    """The content of a row file: its SHA-256 in hex, the names in its header, and its splits in order.

    `fault` says why no load can read the file, naming it; it is empty where a load can. `remark` is what a
    person should know of it. Of an object, `sha256` is not that of its content, but of what identifies it
    (see `pipeline.rowfiles.stores.content.Version`). Where there is a `stream`, splits are found as it is
    read, and there are none here.
    """

    sha256: str
    stream: Stream | None = None
    header: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()
    fault: str = ""
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A row file with its content, by which it is the same wherever it lies.

    `dialect` is how its text is read, and how it is compressed. `version` is what the file system said of it
    when it was described: device, inode, size in bytes, when its content and when its inode was last changed,
    in ns since 1970. Of an object it is empty: what identifies it is its content's `sha256`. `objects` says
    how its store is reached.
    """

    path: str
    content: FileContent
    version: tuple[int, ...]
    dialect: Dialect = field(default_factory=Dialect)
    objects: ObjectsConfig = field(default_factory=ObjectsConfig)

    @property
    def format(self) -> "FileFormat":
        """The format of the file."""
        return format_of(self.place, self.dialect.format)

    @property
    def place(self) -> FilePath:
        """Where it is; an object other than the one that was described is an error when it is read."""
        return path_of(self.path, self.objects, self.content.sha256)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's content, in hex."""
        return self.content.sha256

    @property
    def places(self) -> int:
        """How many places are kept for its rows: at least one a row."""
        if self.content.stream:
            return self.content.stream.allotted_places
        splits = self.content.splits
        return splits[-1].first_place + splits[-1].place_count - splits[0].first_place if splits else 0

    @property
    def estimated_places(self) -> int:
        """How many places its rows take: at a guess where it is streamed."""
        return self.content.stream.estimated_places if self.content.stream else self.places

    def places_before(self, place: int) -> int:
        """Return how many places of rows are before a place."""
        stream = self.content.stream
        return place - (stream or self.content.splits[0]).first_place
