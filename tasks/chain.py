"""The chain for any dataset: set up, generate, load, verify. A dataset's tasks only name the dataset."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import luigi

from pipeline.checks.folder import size_of
from pipeline.cluster.jobs import SetUpTable
from pipeline.datasets.jobs import GenerateFile
from pipeline.datasets.parts import count_parts, joined
from pipeline.rowfiles import finding
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.jobs import FileToRead
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings import ColumnsConfig, ValuesConfig
from pipeline.workers.client import run_job, run_jobs
from tasks import settings
from tasks.cluster import running_cluster
from tasks.declared import with_settings
from tasks.load import LoadTask
from tasks.options import FileParameters
from tasks.parameters import Day, Flag, Input, SettingParameter
from tasks.settings import keyspace_config, output_folder
from tasks.targets import TableRef, TableTarget, describe
from tasks.terminal import conclude, progress_of
from tasks.verify import Verify


class SetupKeyspace(luigi.Task):
    """Start the embedded Cassandra unless a cluster is named; create the keyspace and the table if absent."""

    date = Day(significant=False, description="Any day: the keyspace is the same for all.")
    dataset = SettingParameter(
        default="pipeline.datasets.users", description="The module that defines DATASET."
    )
    drop = Flag(default=False, description="Drop the table, with all its rows, and create it anew.")

    def output(self) -> TableTarget:
        """The table."""
        return TableTarget(self._table_ref)

    def complete(self) -> bool:
        """With --drop, only a table with another id than before counts as complete."""
        before = self._table_id_before if self.drop else None
        return describe(self._table_ref, []).table_id not in {None, before}

    @property
    def _table_ref(self) -> TableRef:
        return TableRef(keyspace_config(), dataset=self.dataset)

    @cached_property
    def _table_id_before(self) -> str | None:
        return describe(self._table_ref, []).table_id

    def run(self) -> None:
        """Start the cluster, and create what is absent."""
        ref = self._table_ref
        run_job(SetUpTable(cluster=running_cluster(), **ref.as_job, drop=self.drop))
        conclude(self, f"the tables of keyspace {ref.keyspace.name} are there")


@with_settings(settings.generate)
class RowsTask(luigi.Task):
    """The base of the tasks on one day's generated rows: the settings of [generate], and the day.

    `dataset` is the module that defines DATASET.
    """

    dataset: str

    date = Day(description="The day of the batch. Date, seed and locale determine the generated rows.")

    @property
    def name(self) -> str:
        """The dataset's short name."""
        return self.dataset.rpartition(".")[2]

    @property
    def generated(self) -> str:
        """The name of these generated rows; it differs from that of others of the same day."""
        return f"{self.rows}-rows_seed-{self.seed}_{self.locale}.{self.file_format}"

    def set_up(self) -> SetupKeyspace:
        """The task that every task on the cluster requires."""
        return SetupKeyspace(date=self.date, dataset=self.dataset)


class GenerateRows(RowsTask):
    """Write one day's fake rows to a row file."""

    def requires(self) -> SetupKeyspace:
        """The keyspace first: no file is generated for a cluster that cannot load it."""
        return self.set_up()

    def output(self) -> luigi.LocalTarget:
        """The row file."""
        return luigi.LocalTarget(output_folder() / "rows" / self.name / f"{self.date}" / self.generated)

    def run(self) -> None:
        """Write the file; many rows are written in parallel parts."""
        parts = count_parts(self.rows, self.file_format)
        file = Path(self.output().path)
        with joined(file, parts) as files:

            def written(_: float) -> float:
                return sum(part.stat().st_size for part in files if part.exists())

            run_jobs(
                [
                    GenerateFile(
                        dataset=self.dataset,
                        date=self.date,
                        rows=self.rows,
                        seed=self.seed,
                        locale=self.locale,
                        file_format=self.file_format,
                        file=str(path),
                        part=part,
                        parts=parts,
                    )
                    for part, path in enumerate(files)
                ],
                progress_of(self, written),
            )
        conclude(self, f"{self.rows} rows, {size_of(file.stat().st_size)}", file)


class InputTask(RowsTask, FileParameters):
    """The base of the tasks after generation: the rows may be in a user's own files."""

    input = Input(default="", description="Row files in place of generated ones: a file, a folder or a glob.")


class LoadRows(LoadTask, InputTask):
    """Load one day's generated rows, or a user's own files, into the dataset's table, `table_name`."""

    generate: type[GenerateRows]
    table_name: str

    def requires(self) -> list[luigi.Task]:
        """The table, and the generated rows or the files that the user names."""
        return [self.set_up(), self.row_files() if self.input else self.clone(self.generate)]

    @property
    def table_ref(self) -> TableRef:
        """The dataset's table."""
        return TableRef(keyspace_config(), dataset=self.dataset, table=self.table_name)

    @property
    def source(self) -> str:
        """The input as it is given, or the name of the generated rows."""
        return self.named_input() or self.generated

    @property
    def rows_generated(self) -> int:
        """The number of generated rows; 0 if the user names files."""
        return 0 if self.input else int(self.rows)

    def files(self) -> tuple[FilePath, ...]:
        """Return the row files.

        Raises:
            RowFileError: there is none.
        """
        if self.input:
            return self.find(self.named_input())
        return finding.find_files(self.clone(self.generate).output().path)

    def columns_config(self) -> ColumnsConfig:
        """Return which field feeds which column: in generated files, names alone say it."""
        return super().columns_config() if self.input else ColumnsConfig()

    def values_config(self) -> ValuesConfig:
        """Return how values are written, which is the default's way in generated files."""
        return super().values_config() if self.input else ValuesConfig()

    def to_read(self, files: Sequence[FilePath]) -> tuple[FileToRead, ...]:
        """Return the files with their dialect, which is the default's for generated ones."""
        if self.input:
            return super().to_read(files)
        return tuple(FileToRead(path=str(file), dialect=Dialect()) for file in files)

    def is_input_there(self) -> bool:
        """Whether the user's files are there; generated ones may be deleted after the load."""
        return not self.input or bool(self.row_files().complete())

    def _files_if_there(self) -> tuple[FilePath, ...]:
        """Where generated files are deleted, their settings identify the rows."""
        if not self.input and not self.clone(self.generate).output().exists():
            return ()
        return self.files()


class VerifyRows(Verify, InputTask):
    """Prove that every row of the load's files is in the dataset's table, with its values."""

    load: type[LoadRows]
