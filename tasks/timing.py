"""The last task of the chain: time the loop against the Pool, and write the report."""

import datetime as dt
import json
import os
from pathlib import Path

import luigi
from filelock import FileLock

from pipeline.errors import SettingError
from pipeline.measure.article import report
from pipeline.measure.jobs import SweepLatencies
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.settings import ClusterConfig, TimingConfig
from pipeline.workers.client import run_job
from pipeline.workers.codec import to_json_values
from pipeline.workers.jobs import Progress
from tasks import settings
from tasks.chain import InputTask, VerifyRows
from tasks.cluster import pool_size_of, running_cluster
from tasks.declared import parameter_of, with_settings
from tasks.inputs import described
from tasks.parameters import SettingParameter
from tasks.settings import build, embedded_spec, keyspace_config, output_folder
from tasks.targets import TableRef
from tasks.terminal import conclude, progress_of


@with_settings(settings.timing)
class Measurement(InputTask):
    """The base of measurements: verified rows, a report in the folder of its day, one measurement at a time.

    `report` is the file that is written last; `run.json` beside it has the settings of the measurement.
    """

    verify: type[VerifyRows]
    report: str

    pool_size = parameter_of(
        settings.load, "pool_size", description="Greenlets in the Pool, or auto.", significant=True
    )
    run_id = SettingParameter(default="", description="A name: measures again beside the day's first report.")

    def requires(self) -> list[luigi.Task]:
        """The verification and its requirements: rows that are proven to be loadable."""
        verify = self.clone(self.verify)
        return [*verify.requires(), verify]

    def output(self) -> luigi.LocalTarget:
        """The report, which is written last."""
        return luigi.LocalTarget(output_folder() / "reports" / f"{self.date}" / self.run_id / self.report)

    def complete(self) -> bool:
        """A report with other settings is neither taken for this one nor overwritten.

        Raises:
            SettingError: the day has a report with other settings.
        """
        if not self.output().exists():
            return False
        measured = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))["settings"]
        wanted = self.to_str_params(only_significant=True)
        if measured != wanted:
            differing = sorted(name for name in wanted if measured.get(name) != wanted[name])
            raise SettingError(
                f"{self.folder} holds a report with other settings ({', '.join(differing)}); "
                "name a --run-id to measure beside it"
            )
        return True

    @property
    def folder(self) -> Path:
        """The folder of the report."""
        return Path(self.output().path).parent

    def rows_to_time(self, progress: Progress) -> RowsToRead:
        """Return the rows that are written."""
        load = self.clone(self.verify.load)
        return RowsToRead(
            files=described(load.to_read(load.files()), progress),
            columns=load.columns_config(),
            values=load.values_config(),
        )

    @property
    def table_ref(self) -> TableRef:
        """The table whose rows are written, into a table beside it."""
        found: TableRef = self.clone(self.verify).table_ref
        return found

    @property
    def name_of_run(self) -> str:
        """The name of this run, for its scratch table."""
        return f"{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S}_{os.getpid()}"

    def run(self) -> None:
        """Measure and write; wait for another run that is measuring, which would disturb both."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(output_folder() / ".measuring.lock"):
            if not self.complete():
                self.measure(running_cluster())
        self.show()
        written = ("timings.csv", "timings.png", "run.json", self.report)
        files = sorted({self.folder / name for name in written if (self.folder / name).exists()})
        conclude(self, "measured", *files)

    def measure(self, cluster: ClusterConfig) -> None:
        """Measure and write the report."""
        raise NotImplementedError

    def show(self) -> None:
        """Print the report, or its path, on the terminal."""
        raise NotImplementedError


class TimeRows(Measurement):
    """Create one day's rows in a loop and through a Pool at each injected latency; write table and plot."""

    report = "timings.csv"

    def measure(self, cluster: ClusterConfig) -> None:
        """Time loop and Pool, by turns."""
        config = build(TimingConfig, self)
        result = run_job(
            SweepLatencies(
                cluster=cluster,
                keyspace=keyspace_config(),
                dataset=self.dataset,
                rows=self.rows_to_time(progress_of(self)),
                pool_size=pool_size_of(self, cluster, "create"),
                latencies_s=config.latencies_s,
                sync_repeats=config.sync_repeats,
                async_repeats=config.async_repeats,
                run=self.name_of_run,
            ),
            progress_of(self),
        )
        facts = to_json_values(result)
        del facts["cells"]
        report.write_report(
            self.folder, result.cells, {"settings": self.to_str_params(only_significant=True), **facts}
        )

    def show(self) -> None:
        """Print the table, and where its files are."""
        from tasks.seen.printed import show_report  # noqa: PLC0415 - rich, which other tasks do not need

        show_report(self.folder, embedded_spec())


@Measurement.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _show_what_is_there(task: Measurement) -> None:
    task.show()
