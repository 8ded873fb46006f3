"""What is noted of the run of a load or a verification while it runs, and its summary in the end."""

import contextlib
import logging
from collections import Counter
from typing import Any

import luigi

from pipeline.errors import PipelineError
from pipeline.load.jobs import FinishLoad, FinishRun, LoadPlan, RowCounts
from pipeline.load.sharing import SentRows
from pipeline.rowfiles.sources import size_of
from pipeline.runs.ledger.jobs import RecordRun
from pipeline.runs.ledger.waiting import keep_waiting
from pipeline.runs.summary import RunSummary, merged, seconds_since
from pipeline.sections.documents import text_of
from pipeline.settings import MetricsConfig, OutputConfig, WebhookConfig
from pipeline.workers.client import run_job
from tasks import settings
from tasks.notes import notes_of
from tasks.settings import build, cluster_config, output_folder
from tasks.terminal import log


def note_plan(task: luigi.Task, plan: LoadPlan, digest: str) -> None:
    """Note that a load is planned, and what is known of its server and its input."""
    sizes = size_of(plan.load.files)
    notes_of(task).step("plan", server_version=plan.server_version, digest=digest, input_bytes=sizes)


def note_sent(task: luigi.Task, sent: SentRows) -> None:
    """Note that every row is settled."""
    notes_of(task).step(
        "load",
        rows_per_s=sum(shard.rows for shard in sent.shards) / sent.elapsed_s,
        retries=dict(sum((Counter(shard.retries) for shard in sent.shards), Counter())),
        requests=merged(shard.requests for shard in sent.shards),
    )


def finish_run(task: luigi.Task, finish: FinishLoad) -> RowCounts:
    """Finish a load, with its line in the ledger; return the counts of its rows.

    Raises:
        PipelineError: it cannot be finished.
    """
    finished = run_job(FinishRun(finish=finish, run=summary_of(task, task), folder=str(output_folder())))
    notes_of(task).told = finished.run
    warn(task, finished.warning)
    return finished.counts


def summary_of(task: luigi.Task, load: Any, outcome: str = "", **known: Any) -> RunSummary:  # noqa: ANN401 - Luigi's attributes have no types
    """Return the run of a task so far. `load` is the task itself, or the load that it verifies."""
    notes, table = notes_of(task), load.table_ref
    return RunSummary(
        run_id=notes.run_id,
        task=task.task_family,
        is_verification=task is not load,
        outcome=outcome,
        keyspace=table.keyspace.name,
        table=table.table,
        date=load.date,
        input=load.source,
        started_at_s=notes.started_at_s,
        settings=_settings_of(load),
        **{
            "step_seconds": dict(notes.step_seconds),
            "seconds": seconds_since(notes.started_at_s),
            **notes.known,
            **known,
        },
    )


def record(load: Any, run: RunSummary) -> None:  # noqa: ANN401 - same
    """Write the line of a run into the ledger; keep it where the cluster cannot be asked."""
    try:
        cluster = cluster_config()
        if cluster is None:
            keep_waiting(output_folder(), run)
            return
        recorded = run_job(
            RecordRun(cluster=cluster, keyspace=load.table_ref.keyspace, folder=str(output_folder()), run=run)
        )
        warn(load, recorded.warning)
    except PipelineError as error:
        warn(load, str(error))


def tell(task: luigi.Task, run: RunSummary) -> None:
    """Tell of a run wherever it is to be told; warn of what failed."""
    from pipeline.runs.telling import Telling  # noqa: PLC0415 - other tasks are quicker without it

    telling = Telling(output=build(OutputConfig), metrics=build(MetricsConfig), webhook=build(WebhookConfig))
    for warning in telling.tell(run):
        warn(task, warning)


def warn(task: luigi.Task, warning: str) -> None:
    """Show a warning as a line of Luigi's log, if there is one."""
    if warning:
        log(task, f"warning: {warning}", level=logging.WARNING)


def _settings_of(load: Any) -> dict[str, str]:  # noqa: ANN401 - same
    """Return the settings of a load that differ from their defaults; of constants, the columns alone."""
    found: dict[str, str] = {}
    sections = (settings.cassandra, settings.load, settings.files, settings.columns, settings.values)
    for section in sections:
        for each in section.declared:
            if section is settings.cassandra and each.name not in _OF_CLUSTER:
                continue
            # A setting may be wrong, which is then why the run failed.
            with contextlib.suppress(PipelineError):
                value = getattr(
                    load if each.is_on_tasks and section is not settings.cassandra else section(), each.name
                )
                if value != each.default:
                    found[each.name] = text_of(
                        tuple(name for name, _ in value) if each.name == "constants" else value
                    )
    return {**found, **({"reload": "true"} if load.reload else {})}


_OF_CLUSTER = ("consistency_level", "datacentre")
