"""The end of a run: it is told wherever it is to be told, and nothing that fails there fails the run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.runs.clearing import clear_old
from pipeline.runs.lastruns import LastRuns, read_last_runs, write_last_runs
from pipeline.runs.ledger.lines import append_line
from pipeline.runs.summary import RunSummary
from pipeline.settings import MetricsConfig, OutputConfig, WebhookConfig


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Where runs are told."""

    output: OutputConfig
    metrics: MetricsConfig
    webhook: WebhookConfig

    def tell(self, run: RunSummary) -> list[str]:
        """Append the run to `loads.csv`, write and push metrics, tell the webhook, clear what is old.

        Return what failed of that, a line each.
        """
        folder = Path(self.output.folder)
        before = read_last_runs(folder, run.keyspace, run.table)
        last = before.with_run(run)
        warnings: list[str] = []
        for do in (
            lambda: append_line(folder, run),
            lambda: write_last_runs(folder, last),
            lambda: self._measure(last),
            lambda: self._push(last),
            lambda: self._post(run, before.of_kind(run)),
            lambda: clear_old(folder, self.output.keep_days),
        ):
            _tried(do, warnings)
        return warnings

    def _measure(self, last: LastRuns) -> None:
        from pipeline.runs.metrics import write_metrics  # noqa: PLC0415 - takes time that only runs need

        write_metrics(Path(self.metrics.folder or Path(self.output.folder, "metrics")), last)

    def _push(self, last: LastRuns) -> None:
        if self.metrics.pushgateway:
            from pipeline.runs.metrics import push_metrics  # noqa: PLC0415 - same

            push_metrics(self.metrics.pushgateway, last)

    def _post(self, run: RunSummary, before: RunSummary | None) -> None:
        from pipeline.runs.webhook import is_news, post_run, webhook_url  # noqa: PLC0415 - same

        url = webhook_url(self.webhook)
        if url and is_news(run, before, self.webhook):
            post_run(url, run, self.webhook.form)


def _tried(do: Callable[[], object], warnings: list[str]) -> None:
    try:
        do()
    except PipelineError as error:
        warnings.append(str(error))
