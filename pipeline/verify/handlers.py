"""The step that verifies a load: its files read again, the table read back, every row accounted for."""

import tempfile
from dataclasses import replace
from pathlib import Path

from pipeline.cluster.session import has_murmur3_tokens, open_session
from pipeline.load.encoded import InsertPlan
from pipeline.rowfiles.badrows import BAD_ROWS, read_bad_places
from pipeline.rowfiles.sources import as_seen_here, require_unchanged
from pipeline.verify.comparison import Comparison
from pipeline.verify.fingerprints import FileIndex, RowFiles
from pipeline.verify.jobs import VerifiedRows, VerifyFiles
from pipeline.verify.rows import views_of
from pipeline.verify.spill import SpillFile
from pipeline.workers.jobs import Progress
from pipeline.workers.progress import reporting


def verify(job: VerifyFiles, progress: Progress) -> VerifiedRows:
    """Compare a table with the files it was loaded from: its rows, then its partitions' static cells.

    Raises:
        VerificationError: they differ; the message names the first few differences by key.
        RowFileError: a file is damaged, or was changed meanwhile.
        ClusterError: the cluster, or the table, is not what the load needs.
    """
    plan, load = job.plan, job.plan.load
    if job.is_elsewhere:
        load = replace(load, files=tuple(map(as_seen_here, load.files)), checkpoints=tempfile.gettempdir())
    files = sorted(load.files, key=lambda file: file.path)
    left_out = read_bad_places(Path(load.bad_rows) / BAD_ROWS) if job.left_out is None else job.left_out
    places = sum(file.estimated_places for file in load.files)
    with open_session(load.cluster) as session:
        source = RowFiles(files, InsertPlan.of(plan), left_out)
        results: list[VerifiedRows] = []
        for view in views_of(plan.table, [field.column for field in plan.fields]):
            with SpillFile(Path(load.checkpoints)) as spilled:
                index = FileIndex(
                    source,
                    view,
                    lambda rows: progress(min(rows, places), places, "rows read"),
                    rows=places,
                    has_tokens=has_murmur3_tokens(session),
                    file=spilled,
                )
                comparison = Comparison(session, load, view, source, index, exact=job.exact)
                found = comparison.found
                with reporting(progress, found.distinct_keys, "rows verified", found):
                    comparison.run()
            for file in load.files:
                require_unchanged(file)
            found.require_equal(
                f"{plan.table} is not what was loaded",
                found.advice(load.config.timestamp_us, load.columns.timestamp_field),
            )
            results.append(
                VerifiedRows(
                    read=index.read,
                    bad=index.bad,
                    distinct_keys=found.distinct_keys,
                    duplicate_keys=len(index.twice),
                    duplicates=tuple(index.duplicates),
                    present=found.present,
                    in_table=found.in_table if job.exact else None,
                )
            )
    return results[0]
