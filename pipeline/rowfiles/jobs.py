"""The job that describes row files."""

from dataclasses import dataclass
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.splits import SourceFile
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class FileToRead:
    """A row file and how it is read."""

    path: str
    dialect: Dialect


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
