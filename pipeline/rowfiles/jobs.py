"""Row files as jobs name them, and the job that describes them."""

from dataclasses import dataclass, field
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.splits import SourceFile
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.objects import ObjectsConfig
from pipeline.settings.values import ValuesConfig
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class FileToRead:
    """A row file and how it is read."""

    path: str
    dialect: Dialect
    objects: ObjectsConfig = field(default_factory=ObjectsConfig)


@dataclass(frozen=True, kw_only=True)
class RowsToRead:
    """The rows of files: which field of them feeds which column, and how values are written."""

    files: tuple[SourceFile, ...]
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)
    values: ValuesConfig = field(default_factory=ValuesConfig)


@dataclass(frozen=True, kw_only=True)
class DescribedFiles:
    """Row files as a load knows them, in the order in which they were asked for."""

    files: tuple[SourceFile, ...]


@dataclass(frozen=True, kw_only=True)
class DescribeFiles(Job[DescribedFiles]):
    """Read row files once: what they have, where their splits are, or why one cannot be read.

    Objects in `known` are described again only if another one has taken their place.
    """

    files: tuple[FileToRead, ...]
    known: tuple[SourceFile, ...] = ()

    def handler(self) -> Handler[DescribedFiles]:
        """Describe them."""
        from pipeline.rowfiles.handlers import describe_files  # noqa: PLC0415 - it needs Arrow

        return partial(describe_files, self)


@dataclass(frozen=True, kw_only=True)
class FoundObjects:
    """The URIs of the objects that an input means, sorted, and the names of what is passed over."""

    uris: tuple[str, ...]
    passed_over: str


@dataclass(frozen=True, kw_only=True)
class FindObjects(Job[FoundObjects]):
    """Ask a store which objects an input means; if a `flag_file` is named, it must be beside them."""

    pattern: str
    any_ending: bool
    flag_file: str = ""
    objects: ObjectsConfig

    def handler(self) -> Handler[FoundObjects]:
        """Find them."""
        from pipeline.rowfiles.handlers import find_objects  # noqa: PLC0415 - it needs Arrow

        return partial(find_objects, self)
