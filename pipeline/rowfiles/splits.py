"""The description of a row file before its rows are read: its content and its splits."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.formats import format_of

if TYPE_CHECKING:
    from pipeline.rowfiles.formats.protocol import FileFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Rows of a file that are read, sent and settled together. Where it ends depends on the content alone.

    `number` counts the file's splits from 0. `first_line` is where its first row begins, from 1: a line of a
    text file, the number of a row in others; `line_count` is how many of these it has. `position` is what the
    file's format needs to read it without reading what comes before.
    """

    number: int
    first_line: int
    line_count: int
    position: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class FileContent:
    """The content of a row file: its SHA-256 in hex, the names in its header, and its splits in order.

    `fault` says why no load can read the file, naming it; it is empty where a load can. `remark` is what a
    person should know of it.
    """

    sha256: str
    header: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()
    fault: str = ""
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A row file with its content, by which it is the same wherever it lies.

    `dialect` is how its text is read, and how it is compressed. `version` is what the file system said of it
    when it was described: device, inode, size in bytes, when its content and when its inode was last changed,
    in ns since 1970.
    """

    path: str
    content: FileContent
    version: tuple[int, ...]
    dialect: Dialect = field(default_factory=Dialect)

    @property
    def format(self) -> "FileFormat":
        """The format of the file."""
        return format_of(self.path, self.dialect.format)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's content, in hex."""
        return self.content.sha256

    @property
    def lines(self) -> int:
        """How many lines its rows take, without the header; a row counts as one where a file has no lines."""
        splits = self.content.splits
        return splits[-1].first_line + splits[-1].line_count - splits[0].first_line if splits else 0

    def lines_before(self, line: int) -> int:
        """Return how many lines of rows are before a line of the file."""
        return line - self.content.splits[0].first_line
