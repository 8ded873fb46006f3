"""Row files as jobs name them, and the job that describes them."""

from dataclasses import dataclass, field
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.splits import SourceFile
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.values import ValuesConfig
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class FileToRead:
    """A row file and how it is read."""

    path: str
    dialect: Dialect


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
    """Read row files once: what they have, where their splits are, or why one cannot be read."""

    files: tuple[FileToRead, ...]

    def handler(self) -> Handler[DescribedFiles]:
        """Describe them."""
        from pipeline.rowfiles.handlers import describe_files  # noqa: PLC0415 - it needs Arrow

        return partial(describe_files, self)
