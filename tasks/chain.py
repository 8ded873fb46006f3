"""The chain, for any dataset: set up, generate, load, verify. A dataset's own tasks name it, no more."""

import datetime as dt
import json
import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import luigi

from pipeline import embedded, jobs, rowfiles
from pipeline.atomic import write_text
from pipeline.config import FILE_FORMATS, ClusterConfig
from pipeline.errors import EmbeddedError, RowFileError
from pipeline.processes import run_job, run_jobs
from tasks import settings
from tasks.parameters import Checked, Choice, Day, Integer, Switch
from tasks.settings import cluster_config, embedded_spec, keyspace_config, output_folder
from tasks.targets import CassandraTarget, TableTarget, describe
from tasks.terminal import progress_of, say

_STARTED_S = time.time()


class SetupKeyspace(luigi.Task):
    """Start the embedded Cassandra unless a cluster is named; create the keyspace and the table if absent."""

    date = Day(significant=False, description="Any day: the keyspace is the same for all.")
    dataset = Checked(default="pipeline.datasets.users", description="The module that defines DATASET.")
    drop = Switch(default=False, description="Drop the table, with all its rows, and create it anew.")

    def output(self) -> TableTarget:
        """The table."""
        return TableTarget(self.dataset)

    def complete(self) -> bool:
        """Where the table is to be dropped, only a table with another id than before will do."""
        before = self._table_id_before if self.drop else None
        return describe(self.dataset, [])["table_id"] not in {None, before}

    @cached_property
    def _table_id_before(self) -> str | None:
        table_id: str | None = describe(self.dataset, [])["table_id"]
        return table_id

    def run(self) -> None:
        """Do it."""
        if spec := embedded_spec():
            embedded.start(spec)
        run_job(
            jobs.SetUpTable(
                cluster=running_cluster(), keyspace=keyspace_config(), dataset=self.dataset, drop=self.drop
            )
        )


class RowsTask(luigi.Task):
    """What the tasks on one day's generated rows share; `dataset` is the module that defines DATASET."""

    dataset: str

    date = Day(description="The day of the batch. Date, seed and locale determine the generated rows.")
    rows = Integer(section=settings.generate, minimum=1, description="How many rows to generate.")
    seed = Integer(section=settings.generate, description="What the fake data is drawn from.")
    locale = Checked(section=settings.generate, description="Faker's locale, such as en_US.")
    file_format = Choice(section=settings.generate, choices=FILE_FORMATS, description="csv or parquet.")

    @property
    def name(self) -> str:
        """The dataset's short name."""
        return self.dataset.rpartition(".")[2]

    @property
    def generated(self) -> str:
        """What tells these generated rows from others of the same day."""
        return f"{self.rows}-rows_seed-{self.seed}_{self.locale}.{self.file_format}"

    def set_up(self) -> SetupKeyspace:
        """The task that every task on the cluster requires."""
        return SetupKeyspace(date=self.date, dataset=self.dataset)


class GenerateRows(RowsTask):
    """Write one day's fake rows to a row file."""

    def requires(self) -> SetupKeyspace:
        """The keyspace first: no file is made for a cluster that cannot take it."""
        return self.set_up()

    def output(self) -> luigi.LocalTarget:
        """The row file."""
        return luigi.LocalTarget(output_folder() / "rows" / self.name / f"{self.date}" / self.generated)

    def run(self) -> None:
        """Write it."""
        run_job(
            jobs.GenerateFile(
                dataset=self.dataset,
                date=self.date,
                rows=self.rows,
                seed=self.seed,
                locale=self.locale,
                file=str(self.output().path),
            ),
            progress_of(self),
        )


class InputTask(RowsTask):
    """What the tasks after generation share: the rows may be a user's own files."""

    input = Checked(
        default="", description="Row files in place of generated ones: a file, a folder or a glob."
    )


class LoadRows(InputTask):
    """Load one day's generated rows, or a user's own files, into the dataset's table."""

    generate: type[GenerateRows]

    pool_size = Integer(
        section=settings.load, minimum=1, significant=False, description="Requests in flight."
    )
    processes = Integer(
        section=settings.load, minimum=1, significant=False, description="Worker processes to share the load."
    )
    reload = Switch(default=False, description="Load again although the marker says it is finished.")

    def requires(self) -> list[luigi.Task]:
        """The table, and the generated rows unless the files are the user's."""
        generated = [] if self.input else [self.clone(self.generate)]
        return [self.set_up(), *generated]

    def output(self) -> CassandraTarget:
        """The marker of this load."""
        files = self._files_if_there()
        return CassandraTarget(
            dataset=self.dataset,
            date=self.date,
            source=self.input or self.generated,
            input_sha256=rowfiles.digest(files) if files else None,
            since_s=_STARTED_S if self.reload else None,
        )

    @classmethod
    def bulk_complete(cls, parameters: Iterable[dt.date]) -> list[dt.date]:
        """Return the dates that are loaded, by one query."""
        by_date = {date: cls(date) for date in parameters}
        if not by_date:
            return []
        description = describe(next(iter(by_date.values())).dataset, list(by_date))
        return [date for date, task in by_date.items() if task.output().is_in(description)]

    def files(self) -> tuple[Path, ...]:
        """Return the row files.

        Raises:
            RowFileError: there is none.
        """
        return rowfiles.find_files(self.input or self.clone(self.generate).output().path)

    def run(self) -> None:
        """Check the files from end to end, load them, and mark the load as finished."""
        if not self.reload and self.output().exists():
            say(self, "loaded already: the marker was found once the server ran")
            return
        files = tuple(str(file) for file in self.files())
        checked = run_job(jobs.CheckFiles(dataset=self.dataset, files=files))
        self._require_all_rows(checked["rows"])
        where: dict[str, Any] = {
            "cluster": running_cluster(),
            "keyspace": keyspace_config(),
            "dataset": self.dataset,
        }
        shares = [
            jobs.LoadFiles(
                **where,
                files=files,
                total_rows=checked["rows"],
                pool_size=self.pool_size,
                share=share,
                shares=self.processes,
            )
            for share in range(self.processes)
        ]
        results = run_jobs(shares, progress_of(self))
        run_job(jobs.MarkFinished(**where, **checked, date=self.date, source=self.input or self.generated))
        elapsed_s = max(result["elapsed_s"] for result in results)
        say(self, f"{checked['rows']} rows in {elapsed_s:.2f} s, {checked['rows'] / elapsed_s:.0f} rows/s")

    def _files_if_there(self) -> tuple[Path, ...]:
        if not self.input and not self.clone(self.generate).output().exists():
            return ()
        return self.files()

    def _require_all_rows(self, found: int) -> None:
        if not self.input and found != self.rows:
            file = self.clone(self.generate).output().path
            raise RowFileError(
                f"{file}: {found} rows where {self.rows} were generated; delete it to make it anew"
            )


class VerifyRows(InputTask):
    """Prove that every row of the load's files is in the table, with its values, read back by key."""

    load: type[LoadRows]

    pool_size = Integer(
        section=settings.load, minimum=1, significant=False, description="Requests in flight."
    )
    exact = Switch(default=False, description="Prove also that the table holds no other row.")

    def requires(self) -> list[luigi.Task]:
        """The load, and what it required: its files are read again."""
        load = self.clone(self.load)
        return [*load.requires(), load]

    def output(self) -> luigi.LocalTarget:
        """What was counted, as JSON."""
        loaded = self.clone(self.load).output()
        name = f"{loaded.source.replace('/', '_')}{'_exact' if self.exact else ''}.json"
        return luigi.LocalTarget(output_folder() / "verified" / self.name / f"{self.date}" / name)

    def complete(self) -> bool:
        """Only of a load that still stands: a dropped table or a changed input is to be verified anew."""
        return bool(self.output().exists() and self.clone(self.load).complete())

    def run(self) -> None:
        """Read back and compare."""
        counted = run_job(
            jobs.VerifyFiles(
                cluster=running_cluster(),
                keyspace=keyspace_config(),
                dataset=self.dataset,
                files=tuple(str(file) for file in self.clone(self.load).files()),
                pool_size=self.pool_size,
                exact=self.exact,
            ),
            progress_of(self),
        )
        write_text(Path(self.output().path), json.dumps(counted, indent=2) + "\n")
        say(self, f"{counted['present']} of {counted['distinct_keys']} rows are in the table")


def running_cluster() -> ClusterConfig:
    """Return the cluster to talk to.

    Raises:
        SettingError: a setting is wrong.
        EmbeddedError: it is the embedded one, and that has ended.
    """
    cluster = cluster_config()
    if cluster is None:
        raise EmbeddedError("the embedded Cassandra has ended; run the command again, or: make start")
    return cluster
