"""Finding and describing row files, as a worker does it."""

from pipeline.rowfiles.finding import find_files, listed, passed_over, require_flags
from pipeline.rowfiles.jobs import DescribedFiles, DescribeFiles, FindObjects, FoundObjects
from pipeline.rowfiles.sources import describe_file, is_untouched
from pipeline.rowfiles.stores.paths import path_of
from pipeline.workers.jobs import Progress


def describe_files(job: DescribeFiles, progress: Progress) -> DescribedFiles:
    """Describe each file, in order.

    Raises:
        RowFileError: one cannot be read, or is written to meanwhile.
    """
    known = {(file.path, file.dialect): file for file in job.known}
    files = []
    for count, file in enumerate(job.files, start=1):
        found = known.get((file.path, file.dialect))
        if found is None or not is_untouched(found):
            found = describe_file(path_of(file.path, file.objects), file.dialect)
        files.append(found)
        progress(count, len(job.files), "files read for the first time")
    return DescribedFiles(files=tuple(files))


def find_objects(job: FindObjects, _: Progress) -> FoundObjects:
    """Ask the store.

    Raises:
        AbsentInputError: there is no such object, or the flag file is not there.
        RowFileError: the store refuses it, or one of the objects is no row file.
    """
    files = find_files(job.pattern, any_ending=job.any_ending, objects=job.objects)
    if job.flag_file:
        require_flags(files, job.flag_file)
    passed = passed_over(job.pattern, any_ending=job.any_ending, objects=job.objects)
    return FoundObjects(uris=tuple(map(str, files)), passed_over=listed(passed))
