"""The parameters that a load and its verification share."""

import traceback
from collections.abc import Sequence
from dataclasses import replace

import luigi

from pipeline.errors import PipelineError
from pipeline.rowfiles import finding
from pipeline.rowfiles.dialect import dialect_of_file, values_of_dialect
from pipeline.rowfiles.jobs import FileToRead
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.runs.wording import told_of
from pipeline.settings import ColumnsConfig, FilesConfig, ValuesConfig
from tasks import settings
from tasks.declared import with_settings
from tasks.inputs import RowFiles, find
from tasks.parameters import Day


@with_settings(settings.load)
class LoadParameters(luigi.Task):
    """The parameters of a load and of the tasks after it: the settings of [load], and the day."""

    date = Day(description="The day of the batch.")

    def on_failure(self, exception: BaseException) -> str:
        """Return what Luigi's page and its e-mail say of a failure: nothing that may be from a row."""
        frames = () if isinstance(exception, PipelineError) else traceback.format_tb(exception.__traceback__)
        return f"{''.join(frames)}{type(exception).__name__}: {told_of(exception)}"


@with_settings(settings.files)
@with_settings(settings.columns)
@with_settings(settings.values)
class FileParameters(luigi.Task):
    """How a user's own row files are read: the settings of [files], [columns] and [values]."""

    def named_input(self) -> str:
        """Return the input of the day; an empty text where none is named.

        Raises:
            SettingError: it has an unknown word in braces.
        """
        return finding.input_of_day(self.input, self.date)

    def find(self, named: str) -> tuple[FilePath, ...]:
        """Return the row files that an input means.

        Raises:
            AbsentInputError: there is none.
            RowFileError: one cannot be read, or is no row file.
        """
        return find(named, any_ending=bool(self.format))

    def row_files(self) -> RowFiles:
        """Return the task that waits for the input."""
        files = RowFiles(input=self.named_input(), any_ending=bool(self.format), flag_file=self.flag_file)
        files.awaited_by[self.task_id] = self
        return files

    def columns_config(self) -> ColumnsConfig:
        """Return which field of the files feeds which column.

        Raises:
            SettingError: a setting is out of range, or two contradict each other.
        """
        config = settings.build(ColumnsConfig, self)
        filled = ((column, value.replace("{date}", f"{self.date}")) for column, value in config.constants)
        return replace(config, constants=tuple(filled))

    def values_config(self) -> ValuesConfig:
        """Return how values are written in the files: as settings say, or else as the dialect has it.

        Raises:
            SettingError: a setting is out of range, or contradicts another.
        """
        return values_of_dialect(settings.build(ValuesConfig, self), settings.build(FilesConfig, self))

    def to_read(self, files: Sequence[FilePath]) -> tuple[FileToRead, ...]:
        """Return files with the dialect of each.

        Raises:
            SettingError: the settings contradict each other.
        """
        config = settings.build(FilesConfig, self)
        objects = settings.objects_config()
        return tuple(
            FileToRead(path=str(file), dialect=dialect_of_file(file, config), objects=objects)
            for file in files
        )
