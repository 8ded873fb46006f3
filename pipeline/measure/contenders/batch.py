"""This project's own load: columns to UNLOGGED batches, with the journal; it adapts its concurrency."""

from gevent import monkey

monkey.patch_all()

import tempfile  # noqa: E402 - nothing comes before the patch
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

from pipeline.load.handlers import open_journal  # noqa: E402
from pipeline.load.jobs import Load  # noqa: E402
from pipeline.load.planning import plan_of  # noqa: E402
from pipeline.load.shard import Shard  # noqa: E402
from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender  # noqa: E402
from pipeline.rowfiles.files import write_rows  # noqa: E402
from pipeline.rowfiles.sources import describe_file  # noqa: E402
from pipeline.settings import KeyspaceConfig, LoadConfig  # noqa: E402


def _prepare(context: TrialContext) -> Write:
    trial = context.trial
    folder = Path(tempfile.mkdtemp(prefix="rows", dir=Path(trial.file).parent))
    write_rows(folder / "rows.csv", context.dataset.columns, context.rows)
    load = Load(
        cluster=trial.cluster,
        keyspace=KeyspaceConfig(name=trial.keyspace),
        table=trial.table,
        files=(describe_file(folder / "rows.csv"),),
        config=LoadConfig(method="batch", pool_size=trial.in_flight),
        checkpoints=str(folder / "checkpoints"),
        bad_rows=str(folder),
    )
    plan = plan_of(context.session, load)
    journal = open_journal(context.session, plan, anew=True)
    plan = replace(plan, timestamp_us=journal.timestamp_us)
    shard = Shard(context.session, plan, journal)
    shard.prepare(None)

    def write() -> None:
        context.latencies = shard.run().tally.latencies

    return write


if __name__ == "__main__":
    run_contender(Contender(label="batch", method="batch", prepare=_prepare, latency_kinds=("network",)))
