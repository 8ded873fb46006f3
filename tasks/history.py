"""The history of loads: `luigi --module tasks LoadHistory --days 90`."""

import datetime as dt
from collections.abc import Sequence

import luigi

from pipeline.errors import ClusterError
from pipeline.runs.ledger.jobs import ReadLedger
from pipeline.runs.ledger.lines import read_lines
from pipeline.runs.ledger.waiting import waiting_lines
from pipeline.runs.summary import RunSummary
from pipeline.settings import require_at_least
from pipeline.workers.client import run_job
from tasks.parameters import Integer, SettingParameter
from tasks.settings import cluster_config, keyspace_config, output_folder
from tasks.tablesections import named_sections
from tasks.targets import named_table
from tasks.terminal import conclude, say


class LoadHistory(luigi.Task):
    """Write a page and a CSV file of the last nights: what failed, what is missing, what stands out."""

    days = Integer(
        default=90,
        description="How many days back, today included.",
        check=lambda days: require_at_least("days", float(str(days)), 1),
    )
    table = SettingParameter(default="", description="keyspace.table; empty: every table that has runs.")

    def complete(self) -> bool:
        """Write it once in each run."""
        return getattr(self, "_is_done", False)

    def run(self) -> None:
        """Read the ledger, write the files.

        Raises:
            SettingError: a setting is wrong, or no run is known.
            ResultsError: `loads.csv`, or a line that waits, is damaged.
            OutputError: the files cannot be written.
        """
        # Imported here, because every task imports this module.
        from pipeline.history.nights import histories  # noqa: PLC0415
        from pipeline.history.writing import HISTORY_CSV, HISTORY_PAGE, write_history  # noqa: PLC0415

        today = dt.date.today()  # noqa: DTZ011 - the day of the machine that schedules, as cron means it
        first = today - dt.timedelta(days=int(self.days) - 1)
        runs, source = self._runs(first)
        scheduled = {f"{ref.keyspace.name}.{ref.table}" for ref in map(named_table, named_sections())}
        found = histories(runs, scheduled=scheduled, today=today)
        write_history(output_folder(), found, first=first, last=today, source=source)
        self._is_done = True
        troubled = sum(night.is_troubled for each in found for night in each.nights)
        conclude(
            self,
            f"{sum(len(each.nights) for each in found)} nights, {troubled} of them in trouble: "
            f"see {output_folder() / HISTORY_PAGE} and {HISTORY_CSV} beside it",
        )

    def _wanted(self, local: Sequence[RunSummary]) -> dict[str, tuple[str, ...]]:
        """Return keyspaces, and which tables of each: all of them if there is no name.

        They are that of the named table, else ours, those of the sections, and those of this machine's runs.
        """
        if self.table:
            ref = named_table(self.table)
            return {ref.keyspace.name: (ref.table,)}
        names = [
            keyspace_config().name,
            *(named_table(name).keyspace.name for name in named_sections()),
            *(run.keyspace for run in local),
        ]
        return dict.fromkeys(names, ())

    def _runs(self, first: dt.date) -> tuple[list[RunSummary], str]:
        """Return the runs of the ledger and of this machine, and where they are from."""
        local = [*read_lines(output_folder()), *(run for _, run in waiting_lines(output_folder()))]
        wanted = self._wanted(local)
        by_id: dict[str, RunSummary] = {}
        cluster = cluster_config()
        source = "From the runs of this machine: there is no cluster that runs."
        try:
            if cluster:
                read = run_job(ReadLedger(cluster=cluster, tables=tuple(wanted.items()), since=first))
                by_id = {run.run_id: run for run in read.runs}
                source = "From the ledger in the cluster and the runs of this machine."
        except ClusterError as error:
            say(self, f"warning: {error}")
            source = "From the runs of this machine alone: the ledger in the cluster cannot be read."
        for run in local:
            names = wanted.get(run.keyspace)
            if names is not None and run.date >= first and (not names or run.table in names):
                by_id.setdefault(run.run_id, run)
        return list(by_id.values()), source
