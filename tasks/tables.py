"""Loads into any existing table: `luigi --module tasks LoadTable`, `VerifyTable`, `ReplayBadRows`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.rowfiles import finding
from pipeline.rowfiles.badrows import REJECTED_GLOB
from pipeline.rowfiles.dialect import dialect_beside
from pipeline.rowfiles.jobs import FileToRead
from tasks.load import LoadTask
from tasks.options import FileParameters, LoadParameters
from tasks.parameters import Input, SettingParameter
from tasks.settings import output_folder
from tasks.targets import TableRef, loads_of, named_table
from tasks.verify import Verify


class TableParameters(LoadParameters, FileParameters):
    """The parameters for a table and its files."""

    table = SettingParameter(description="keyspace.table; without a keyspace, the one in luigi.cfg.")
    input = Input(description="Row files: a file, a folder or a glob.")


class LoadTable(LoadTask, TableParameters):
    """Load row files into any existing table."""

    @property
    def table_ref(self) -> TableRef:
        """The named table."""
        return named_table(self.table)

    @property
    def source(self) -> str:
        """The input as it is given."""
        return str(self.input)

    def files(self) -> tuple[Path, ...]:
        """Return the input's files."""
        return finding.find_files(self.input)


class ReplayBadRows(LoadTable):
    """Load the rows that a day's loads into a table rejected, after they are corrected in their files."""

    input = Input(default="", description="The mended files; else all rejected rows of that table and day.")

    @property
    def source(self) -> str:
        """The input as it is given, or the folder of the rejected rows."""
        return str(self.input or output_folder() / loads_of(self.table_ref, self.date) / "*" / REJECTED_GLOB)

    def files(self) -> tuple[Path, ...]:
        """Return the corrected files."""
        return finding.find_files(self.source)

    def to_read(self, files: Sequence[Path]) -> tuple[FileToRead, ...]:
        """Return the files, each with the dialect that is written beside it."""
        return tuple(
            replace(file, dialect=dialect_beside(Path(file.path)) or file.dialect)
            for file in super().to_read(files)
        )


class VerifyTable(Verify, TableParameters):
    """Prove that every row of some files is in a table, with its values."""

    load = LoadTable
