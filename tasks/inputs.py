"""The row files of an input, described by a worker: Luigi's own process needs no Arrow."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.rowfiles.jobs import DescribeFiles
from pipeline.rowfiles.sources import is_untouched
from pipeline.rowfiles.splits import SourceFile
from pipeline.workers.client import run_job
from pipeline.workers.jobs import Progress


def described(files: Sequence[Path], progress: Progress) -> tuple[SourceFile, ...]:
    """Return row files as a load knows them: content, splits, or why one cannot be read.

    A file is read once as long as nobody touches it: Luigi asks again and again what is finished.

    Raises:
        RowFileError: one cannot be read, or is written to meanwhile.
    """
    unknown = tuple(str(file) for file in files if not _is_known(str(file)))
    if unknown:
        found = run_job(DescribeFiles(paths=unknown), progress).files
        _known.update((file.path, file) for file in found)
    return tuple(_known[str(file)] for file in files)


def _is_known(path: str) -> bool:
    return path in _known and is_untouched(_known[path])


_known: dict[str, SourceFile] = {}
