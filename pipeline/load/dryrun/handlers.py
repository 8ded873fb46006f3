"""The handlers of a dry run: rows are read and encoded as a load does, then judged, and none is sent."""

from pipeline.cluster.session import open_session
from pipeline.load.dryrun.jobs import CheckedRows, CheckRows, JudgedRows, JudgeRows
from pipeline.load.encoded import InsertPlan, encode_split
from pipeline.load.jobs import WHOLE
from pipeline.load.judging import judge
from pipeline.load.refusing import require_some
from pipeline.load.shard import count_rows
from pipeline.requests.replicas import Replicas
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.sources import as_seen_here, require_unchanged
from pipeline.workers.jobs import Progress


def check_rows(job: CheckRows, progress: Progress) -> CheckedRows:
    """Read and encode rows as a load does.

    Raises:
        RowFileError: a file is damaged, or was changed meanwhile.
        ClusterError: the cluster does not answer.
    """
    plan, load = job.plan, job.plan.load
    with open_session(load.cluster) as session:
        replicas = Replicas(session, plan.table.keyspace)
    shape = InsertPlan.of(plan)
    rows, bad = 0, list[BadRow]()
    total = sum(file.estimated_places for file in load.files)
    own = None if job.splits is None else frozenset(job.splits)
    for number, file in enumerate(load.files):
        is_whole = own is None or (number, WHOLE) in own
        wanted = [split for split in file.content.splits if own is None or (number, split.number) in own]
        if not is_whole and not wanted:
            continue
        source = as_seen_here(file) if job.is_elsewhere else file
        for split_rows in read_splits(source, shape.read, None if is_whole else wanted):
            encoded = encode_split(split_rows, shape, replicas)
            rows += encoded.row_count
            bad += encoded.bad
            progress(min(rows, total), total, "rows checked")
        require_unchanged(source)
    return CheckedRows(rows=rows, bad=tuple(bad))


def judge_rows(job: JudgeRows, _: Progress) -> JudgedRows:
    """Write the bad rows.

    Raises:
        BadRowsError: they are more than the load may have, or none is good.
    """
    judge(job.plan, job.bad, job.rows)
    bad = count_rows(job.bad)
    # Nothing is sent: good rows count as if the cluster had acknowledged them.
    require_some(job.bad, read=job.rows, sent=0, acknowledged=job.rows - bad)
    columns = tuple(field.column.name for field in job.plan.fields)
    return JudgedRows(rows=job.rows, bad=bad, columns=columns)
