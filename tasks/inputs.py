"""The row files of an input, described by a worker: Luigi's own process needs no Arrow."""

from collections.abc import Sequence

import luigi

from pipeline.errors import AbsentInputError
from pipeline.rowfiles import finding
from pipeline.rowfiles.jobs import DescribeFiles, FileToRead
from pipeline.rowfiles.sources import is_untouched
from pipeline.rowfiles.splits import SourceFile
from pipeline.workers.client import run_job
from pipeline.workers.jobs import Progress
from tasks.parameters import Flag, SettingParameter
from tasks.terminal import log


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


_said: set[str] = set()
"""What was said of inputs that are not there: Luigi asks again and again."""

_known: dict[FileToRead, SourceFile] = {}


class RowFiles(luigi.ExternalTask):
    """Row files that others write: there, or waited for as Luigi waits for external tasks."""

    input = SettingParameter(description="Row files: a file, a folder or a glob.")
    any_ending = Flag(description="Whether their names may have any ending.")
    flag_file = SettingParameter(description="The file that says that they are complete; empty: none.")

    def complete(self) -> bool:
        """Return whether there are such files, and the file that says that they are complete.

        Raises:
            RowFileError: there is something else, or it cannot be read.
        """
        try:
            files = finding.find_files(self.input, any_ending=self.any_ending)
            if self.flag_file:
                finding.require_flags(files, self.flag_file)
        except AbsentInputError as error:
            if str(error) not in _said:
                _said.add(str(error))
                log(self, str(error))
            return False
        return True
