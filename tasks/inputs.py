"""The row files of an input, found and described: Arrow is only in a worker, not in Luigi's own process."""

import os
from collections.abc import Sequence
from functools import cached_property

import luigi

from pipeline.errors import AbsentInputError
from pipeline.rowfiles import finding
from pipeline.rowfiles.jobs import DescribedFiles, DescribeFiles, FileToRead, FindObjects, FoundObjects
from pipeline.rowfiles.sources import is_untouched
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.stores.paths import FilePath, is_object, path_of
from pipeline.workers.client import run_job, run_jobs
from pipeline.workers.jobs import Progress
from tasks.parameters import Flag, SettingParameter
from tasks.settings import objects_config
from tasks.terminal import log


def described(files: Sequence[FileToRead], progress: Progress | None = None) -> tuple[SourceFile, ...]:
    """Return row files as a load knows them: content, splits, or why one cannot be read.

    A file is read once as long as nobody touches it: Luigi asks again and again what is finished.

    Raises:
        RowFileError: one cannot be read, or is written to meanwhile.
    """
    unknown = tuple(file for file in files if not _is_known(file))
    if unknown:
        known = tuple(_known[file] for file in unknown if file in _known and is_object(file.path))
        for asked, found in zip(_shared(unknown), _describe(unknown, known, progress), strict=True):
            _known.update(zip(asked, found.files, strict=True))
    return tuple(_known[file] for file in files)


def _describe(
    files: Sequence[FileToRead], known: tuple[SourceFile, ...], progress: Progress | None
) -> list[DescribedFiles]:
    """Describe files in parallel, where there are several."""

    def tell(done: int, _: int, what: str) -> None:
        if progress:
            progress(done, len(files), what)

    return run_jobs([DescribeFiles(files=each, known=known) for each in _shared(files)], tell)


def _shared(files: Sequence[FileToRead]) -> list[tuple[FileToRead, ...]]:
    """Return which files each process describes: as many processes as there are cores, or files."""
    count = min(len(files), len(os.sched_getaffinity(0)))
    return [tuple(files[at::count]) for at in range(count)]


def find(pattern: str, *, any_ending: bool, flag_file: str = "") -> tuple[FilePath, ...]:
    """Return the row files that an input means: files of this machine, or objects.

    Raises:
        AbsentInputError: there is none, or the flag file is not beside them.
        RowFileError: one cannot be read, or is no row file.
    """
    if is_object(pattern):
        config = objects_config()
        found = _find_objects(pattern, any_ending=any_ending, flag_file=flag_file)
        return tuple(path_of(uri, config) for uri in found.uris)
    files = finding.find_files(pattern, any_ending=any_ending)
    if flag_file:
        finding.require_flags(files, flag_file)
    return files


def passed_over(pattern: str, *, any_ending: bool) -> str:
    """Return the names of what is not read of an input that is a folder, for people.

    Raises:
        RowFileError: the folder cannot be read.
    """
    if is_object(pattern):
        return _find_objects(pattern, any_ending=any_ending).passed_over
    return finding.listed(finding.passed_over(pattern, any_ending=any_ending))


def _find_objects(pattern: str, *, any_ending: bool, flag_file: str = "") -> FoundObjects:
    config = objects_config()
    # Refused here already: a worker would be told the credentials in it.
    path_of(pattern, config)
    return run_job(FindObjects(pattern=pattern, any_ending=any_ending, flag_file=flag_file, objects=config))


def _is_known(file: FileToRead) -> bool:
    """Return whether a file of this machine is known; of an object, the store must be asked."""
    return file in _known and not is_object(file.path) and is_untouched(_known[file])


_said: set[str] = set()
"""What was said of inputs that are not there: Luigi asks again and again."""

_known: dict[FileToRead, SourceFile] = {}


class RowFiles(luigi.ExternalTask):
    """Row files that others write: there, or waited for as Luigi waits for external tasks."""

    input = SettingParameter(description="Row files: a file, a folder or a glob.")
    any_ending = Flag(description="Whether their names may have any ending.")
    flag_file = SettingParameter(description="The file that says that they are complete; empty: none.")

    @cached_property
    def awaited_by(self) -> dict[str, luigi.Task]:
        """The tasks of this process that wait for them, by their ids."""
        return {}

    def complete(self) -> bool:
        """Return whether there are such files, and the file that says that they are complete.

        Raises:
            RowFileError: there is something else, or it cannot be read.
        """
        try:
            find(self.input, any_ending=self.any_ending, flag_file=self.flag_file)
        except AbsentInputError as error:
            if str(error) not in _said:
                _said.add(str(error))
                log(self, str(error))
            return False
        return True
