"""Loads into any existing table: `luigi --module tasks LoadTable`, `VerifyTable`, `ReplayBadRows`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.cluster.jobs import CreateTable
from pipeline.cql.statements import table_created_by
from pipeline.errors import SettingError
from pipeline.rowfiles.badrows import REJECTED_GLOB
from pipeline.rowfiles.dialect import dialect_beside
from pipeline.rowfiles.jobs import FileToRead
from pipeline.rowfiles.stores.paths import FilePath, is_object
from pipeline.workers.client import run_job
from tasks.cluster import running_cluster
from tasks.configfile import folder_of
from tasks.inputs import RowFiles
from tasks.load import LoadTask
from tasks.options import FileParameters, LoadParameters
from tasks.parameters import Input, SettingParameter, Worded
from tasks.settings import output_folder
from tasks.tablesections import settings_of_table
from tasks.targets import TableRef, loads_of, named_table
from tasks.verify import Verify

Params = Sequence[tuple[str, Worded]]
"""The parameters of a kind of tasks by their names, as Luigi has them."""


class TableParameters(LoadParameters, FileParameters):
    """The parameters for a table and its files; `[table …]` in luigi.cfg has those of one table."""

    table = SettingParameter(description="keyspace.table; without a keyspace, the one in luigi.cfg.")
    input = Input(
        description="Row files: a file, a folder or a glob; {year}, {month}, {day}, {date} are the day's."
    )

    of_one_run: tuple[str, ...] = ("table", "date", "reload", "dry_run", "create")
    """The parameters whose values are never those of the table's section."""

    @classmethod
    def get_param_values(cls, params: Params, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Return the values of the parameters, those of the table's section where no others are given.

        Raises:
            SettingError: a value is of the wrong type or out of range, or the section has an unknown setting.
        """
        positional = [name for name, parameter in params if parameter.positional]
        given = {**dict(zip(positional, args, strict=False)), **kwargs}
        by_name = dict(params)
        family = cls.get_task_family()
        if "table" not in given and not by_name["table"].has_task_value(family, "table"):
            return super().get_param_values(params, args, kwargs)
        table = given.get("table") or by_name["table"].task_value(family, "table")
        known = [name for name, _ in LoadTable.get_params() if name not in LoadTable.of_one_run]
        section, texts = settings_of_table(str(table), known)
        values = {
            name: _parsed(section, by_name[name], text)
            for name, text in texts.items()
            if name in by_name
            and name not in {*cls.of_one_run, *given}
            and not by_name[name].is_on_command_line(family)
        }
        return super().get_param_values(params, args, {**values, **kwargs})


def _parsed(section: str, parameter: Worded, text: str) -> object:
    """Return a value of a table's section; a relative path begins in the folder of luigi.cfg."""
    try:
        value = parameter.parse(text)
        if isinstance(parameter, Input) and value and not is_object(str(value)):
            return str(folder_of(section, parameter.known_as) / str(value))
        return parameter.normalize(value)
    except SettingError as error:
        raise SettingError(f"[{section}] {error}") from error


class LoadTable(LoadTask, TableParameters):
    """Load row files into any existing table, or into one that `--create` describes."""

    create = SettingParameter(
        default="", significant=False, description="A file with the CREATE TABLE for a table that is absent."
    )

    def requires(self) -> RowFiles:
        """The row files, which others write."""
        return self.row_files()

    def is_input_there(self) -> bool:
        """Whether the row files are there."""
        return bool(self.row_files().complete())

    @property
    def table_ref(self) -> TableRef:
        """The named table."""
        return named_table(self.table)

    @property
    def source(self) -> str:
        """The input of the day."""
        return self.named_input()

    def files(self) -> tuple[FilePath, ...]:
        """Return the input's files."""
        return self.find(self.source)

    def run(self) -> None:
        """Create the table if it is absent and a statement is given, then load."""
        if self.create and not self.dry_run:
            self._create(_text_of(Path(self.create)))
        super().run()

    def _create(self, statement: str) -> None:
        table = self.table_ref
        named, wanted = table_created_by(statement), (table.keyspace.name, table.table)
        if named != wanted:
            raise SettingError(
                f"create: {self.create} creates {'.'.join(named)}, and the load is into {'.'.join(wanted)}; "
                "correct one of them"
            )
        run_job(CreateTable(cluster=running_cluster(), **table.as_job, statement=statement))


def _text_of(file: Path) -> str:
    """Return a statement in a file, without the semicolon at its end."""
    try:
        return file.read_text(encoding="utf-8").strip().removesuffix(";")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"create: cannot read {file}: {error}; name a file with a CREATE TABLE") from error


class ReplayBadRows(LoadTable):
    """Load the rows that a day's loads into a table rejected, after they are corrected in their files."""

    input = Input(default="", description="The mended files; else all rejected rows of that table and day.")

    of_one_run = (*LoadTable.of_one_run, "input", "flag_file")

    def named_input(self) -> str:
        """Return the input of the day, or the folder of the rejected rows."""
        rejected = output_folder() / loads_of(self.table_ref, self.date) / "*" / REJECTED_GLOB
        return super().named_input() or str(rejected)

    def to_read(self, files: Sequence[FilePath]) -> tuple[FileToRead, ...]:
        """Return the files, each with the dialect that is written beside it."""
        return tuple(
            file
            if is_object(file.path)
            else replace(file, dialect=dialect_beside(Path(file.path)) or file.dialect)
            for file in super().to_read(files)
        )


class VerifyTable(Verify, TableParameters):
    """Prove that every row of some files is in a table, with its values."""

    load = LoadTable
