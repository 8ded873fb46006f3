"""The last task of the chain: time the loop against the Pool, and write the report."""

import datetime as dt
import json
import os
from pathlib import Path

import luigi
from filelock import FileLock

from pipeline import jobs, report
from pipeline.config import ClusterConfig
from pipeline.errors import SettingError
from pipeline.processes import run_job
from pipeline.timing import Cell
from tasks import settings
from tasks.chain import InputTask, VerifyRows
from tasks.load import running_cluster
from tasks.parameters import Checked, Integer, Latencies
from tasks.settings import embedded_spec, keyspace_config, output_folder
from tasks.terminal import progress_of, show_report


class TimeRows(InputTask):
    """Create one day's rows in a loop and through a Pool at each injected latency; write table and plot."""

    verify: type[VerifyRows]

    pool_size = Integer(section=settings.load, minimum=1, description="Greenlets in the Pool.")
    latencies_s = Latencies(
        section=settings.timing, description="Injected latencies in seconds, separated by commas."
    )
    run_id = Checked(default="", description="A name: measures again beside the day's first report.")

    def requires(self) -> list[luigi.Task]:
        """The verification, and what it required: rows that are proven to be loadable."""
        verify = self.clone(self.verify)
        return [*verify.requires(), verify]

    def output(self) -> luigi.LocalTarget:
        """The timing table; plot and `run.json` stand beside it, written before it."""
        return luigi.LocalTarget(output_folder() / "reports" / f"{self.date}" / self.run_id / "timings.csv")

    def complete(self) -> bool:
        """A report with other settings is never passed off as this one, nor overwritten.

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
        """Where the report goes."""
        return Path(self.output().path).parent

    def run(self) -> None:
        """Measure and write; wait for another run that is measuring, which would disturb both."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(output_folder() / ".measuring.lock"):
            if not self.complete():
                self._measure(running_cluster())
        show_report(self.folder, embedded_spec())

    def _measure(self, cluster: ClusterConfig) -> None:
        section = settings.timing()
        result = run_job(
            jobs.SweepLatencies(
                cluster=cluster,
                keyspace=keyspace_config(),
                dataset=self.dataset,
                files=tuple(str(file) for file in self.clone(self.verify.load).files()),
                pool_size=self.pool_size,
                latencies_s=self.latencies_s,
                sync_repeats=section.sync_repeats,
                async_repeats=section.async_repeats,
                run=f"{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S}_{os.getpid()}",
            ),
            progress_of(self),
        )
        cells = [Cell(**cell) for cell in result.pop("cells")]
        report.write_report(
            self.folder, cells, {"settings": self.to_str_params(only_significant=True), **result}
        )


@TimeRows.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _show_what_is_there(task: TimeRows) -> None:
    show_report(task.folder, embedded_spec())
