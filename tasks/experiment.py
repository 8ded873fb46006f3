"""The experiment: compare contenders, find the best pool size, and compare two reports."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import luigi

from pipeline import embedded
from pipeline.errors import SlowerError
from pipeline.measure.article import report
from pipeline.measure.experiment.comparison import compare
from pipeline.measure.experiment.measurement import LATENCY_KINDS, LatencyKind, Repeat
from pipeline.measure.experiment.recommendation import Recommendation, recommend, write_recommendations
from pipeline.measure.jobs import RunExperiment
from pipeline.measure.reporting.measurements import read_measurements
from pipeline.measure.reporting.report import MEASUREMENTS, PAGE, write_experiment
from pipeline.settings import ClusterConfig, ExperimentConfig
from pipeline.workers.client import run_job
from pipeline.workers.codec import to_json_values
from tasks import settings
from tasks.cluster import POOL_SIZE_FILE, pool_size_of
from tasks.declared import with_settings
from tasks.parameters import SettingParameter
from tasks.settings import build, embedded_spec, keyspace_config, output_folder
from tasks.terminal import log, progress_of, say
from tasks.timing import Measurement


@with_settings(settings.experiment)
class Experiment(Measurement):
    """Times contenders at each latency, in turn, until every median is precise enough or time is up."""

    contenders: tuple[str, ...] = ()
    latency_kinds: tuple[LatencyKind, ...] = LATENCY_KINDS

    def measure(self, cluster: ClusterConfig) -> None:
        """Announce, time, write the report."""
        config = build(ExperimentConfig, self)
        until = dt.datetime.now().astimezone() + config.time_budget
        say(
            self,
            f"measures for at most {config.time_budget}, until {until:%H:%M}",
        )
        spec = embedded_spec()
        nodes = embedded.status(spec.folder).nodes if spec else ()
        result = run_job(
            RunExperiment(
                cluster=cluster,
                keyspace=keyspace_config(),
                dataset=self.dataset,
                rows=self.rows_to_time(progress_of(self)),
                contenders=self.contenders,
                latencies_s=self.latencies_s,
                latency_kinds=self.latency_kinds,
                pool_sizes=self.sizes(cluster),
                time_budget_s=config.time_budget.total_seconds(),
                repeat_s=config.repeat_s,
                precision=config.precision,
                server_pids=tuple(node.pid for node in nodes if node.pid),
                run=self.name_of_run,
            ),
            progress_of(self),
        )
        facts = {
            "measured_at": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            "settings": self.to_str_params(only_significant=True),
            "cluster": to_json_values(result.cluster),
            **report.environment(),
        }
        self.write(result.repeats, facts, recommend(result.repeats, result.methods))

    def sizes(self, cluster: ClusterConfig) -> tuple[int, ...]:
        """Return the pool sizes to time; the first one is for contenders that are not swept."""
        raise NotImplementedError

    def write(
        self, repeats: Sequence[Repeat], facts: dict[str, Any], recommendations: Sequence[Recommendation]
    ) -> None:
        """Write the report."""
        write_experiment(self.folder, repeats, facts, recommendations=recommendations)

    def show(self) -> None:
        """Print the path of the page."""
        log(self, f"the report is {self.folder / PAGE}")


class CompareContenders(Experiment):
    """Time every contender at each latency, slept and real, and sweep pool sizes; write the whole report."""

    report = f"contenders/{PAGE}"

    def sizes(self, cluster: ClusterConfig) -> tuple[int, ...]:
        """Return the pool size of the settings, then those of the sweep."""
        size = pool_size_of(self, cluster, "create")
        return (size, *(each for each in self.pool_sizes if each != size))


class SweepPoolSizes(Experiment):
    """Find the pool size that is best for `create` and `prepared` at each latency, for `--pool-size auto`."""

    report = f"pool_sizes/{PAGE}"
    contenders = ("create_pool", "prepared_pool")
    latency_kinds = ("network",)

    def sizes(self, cluster: ClusterConfig) -> tuple[int, ...]:
        """Return the pool sizes of the sweep."""
        del cluster
        return tuple(self.pool_sizes)

    def write(
        self, repeats: Sequence[Repeat], facts: dict[str, Any], recommendations: Sequence[Recommendation]
    ) -> None:
        """Write the report, and its recommendations again where loads look for them."""
        write_recommendations(self.folder / POOL_SIZE_FILE, recommendations)
        write_recommendations(output_folder() / POOL_SIZE_FILE, recommendations)
        super().write(repeats, facts, recommendations)


class CompareReports(luigi.Task):
    """Tell whether a report differs from another by more than chance; fail where it is slower."""

    base = SettingParameter(description="The folder of the report to compare with.")
    new = SettingParameter(description="The folder of the report that may be slower or faster.")

    def complete(self) -> bool:
        """Compare once in each run."""
        return getattr(self, "_is_done", False)

    def run(self) -> None:
        """Print the table.

        Raises:
            ResultsError: a report is missing or damaged, or they have no cell in common.
            SlowerError: the new one is slower.
        """
        from tasks.seen.printed import show_differences  # noqa: PLC0415 - rich, which other tasks do not need

        differences = compare(
            *(read_measurements(Path(folder) / MEASUREMENTS) for folder in (self.base, self.new))
        )
        show_differences(differences)
        slower = [each for each in differences if each.verdict == "slower"]
        if slower:
            worst = max(slower, key=lambda each: each.ratio)
            raise SlowerError(
                f"{self.new} is slower than {self.base} in {len(slower)} of {len(differences)} cells, "
                f"{worst.ratio:.2f} times as slow in {worst.cell}; look at what changed between them"
            )
        self._is_done = True
