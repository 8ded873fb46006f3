"""The row files of an input, described by a worker: Luigi's own process needs no Arrow."""

from collections.abc import Sequence

from pipeline.rowfiles.jobs import DescribeFiles, FileToRead
from pipeline.rowfiles.sources import is_untouched
from pipeline.rowfiles.splits import SourceFile
from pipeline.workers.client import run_job
from pipeline.workers.jobs import Progress


def described(files: Sequence[FileToRead], progress: Progress | None = None) -> tuple[SourceFile, ...]:
    """Return row files as a load knows them: content, splits, or why one cannot be read.

    A file is read once as long as nobody touches it: Luigi asks again and again what is finished.

    Raises:
        RowFileError: one cannot be read, or is written to meanwhile.
    """
    unknown = tuple(file for file in files if not _is_known(file))
    if unknown:
        found = run_job(DescribeFiles(files=unknown), progress).files
        _known.update(zip(unknown, found, strict=True))
    return tuple(_known[file] for file in files)


def _is_known(file: FileToRead) -> bool:
    return file in _known and is_untouched(_known[file])


_known: dict[FileToRead, SourceFile] = {}
