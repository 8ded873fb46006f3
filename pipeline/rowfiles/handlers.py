"""Describing row files, as a worker does it."""

from pathlib import Path

from pipeline.rowfiles.jobs import DescribedFiles, DescribeFiles
from pipeline.rowfiles.sources import describe_file
from pipeline.workers.jobs import Progress


def describe_files(job: DescribeFiles, progress: Progress) -> DescribedFiles:
    """Describe each file, in order.

    Raises:
        RowFileError: one cannot be read, or is written to meanwhile.
    """
    files = []
    for count, file in enumerate(job.files, start=1):
        files.append(describe_file(Path(file.path), file.dialect))
        progress(count, len(job.files), "files read for the first time")
    return DescribedFiles(files=tuple(files))
