"""The handlers of a load's jobs: plan it, begin it, load each shard, finish it; or check its rows."""

import contextlib
import hashlib
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cassandra.cluster import Session
from cassandra.cqlengine.models import Model

from pipeline.cluster.keyspace import bind_model
from pipeline.cluster.marker import ensure_marker_table, reserve_list_timestamps, void_marker, write_marker
from pipeline.cluster.retry import with_retries
from pipeline.cluster.session import open_session
from pipeline.cluster.table import find_table_of
from pipeline.cql.tables import Table
from pipeline.datasets.dataset import find_dataset
from pipeline.errors import BadRowsError, RowFileError, SchemaError, StoreError, WorkerError
from pipeline.load.eventlogs.cluster import ensure_journal_table
from pipeline.load.eventlogs.opening import log_at, log_named
from pipeline.load.jobs import (
    BeginLoad,
    BegunLoad,
    FinishLoad,
    KeepBadRows,
    KeptBadRows,
    Load,
    LoadedShard,
    LoadPlan,
    LoadShard,
    PlanLoad,
    ReserveAttempts,
    RowCounts,
)
from pipeline.load.journal import Journal, LoadKey, begin_run, read_journal, take_over
from pipeline.load.judging import judge, keep
from pipeline.load.planning import plan_of
from pipeline.load.reading import left_of
from pipeline.load.refusing import require_some
from pipeline.load.restoring import bad_rows_of
from pipeline.load.shard import Shard, count_rows, in_order_of
from pipeline.load.timestamps import list_step_us
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.sources import options_of, require_unchanged, still_same
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.streams import WAY
from pipeline.runs.summary import Requests
from pipeline.workers.codec import to_json_values
from pipeline.workers.jobs import Progress
from pipeline.workers.progress import reporting


def plan_load(job: PlanLoad, _: Progress) -> LoadPlan:
    """Return the plan of a load; raise as `plan_of` does."""
    with open_session(job.load.cluster) as session:
        return plan_of(session, job.load)


def begin(job: BeginLoad, _: Progress) -> BegunLoad:
    """Check that the files are unchanged, then open the journal."""
    load, table = job.plan.load, job.plan.table
    holder = f"{socket.gethostname()}-{os.getppid()}-{uuid.uuid4().hex[:8]}"
    for file in load.files:
        still_same(file)
    with open_session(load.cluster) as session:
        ensure_marker_table(session, table.keyspace, manage_schema=load.keyspace.manage_schema)
        if load.config.journal == "cluster":
            ensure_journal_table(session, load.keyspace)
        _reserve_timestamps(session, job.plan, anew=job.anew)
        journal = open_journal(session, job.plan, anew=job.anew)
        take_over(journal, {_place_of(file): file.sha256 for file in load.files})
        if job.day:
            void_marker(table, day=job.day, source=job.source, input_sha256=job.input_sha256)
        if job.plan.has_lists:
            with_retries(lambda: journal.log.hold(holder), budget_s=load.config.retry_budget_s)
            journal.reserve_attempts(journal.attempts + 1)
    plan = replace(job.plan, timestamp_us=journal.timestamp_us)
    left = tuple(left_of(journal, in_order_of(journal, load.files)))
    return BegunLoad(plan=plan, journal=journal.log.place, rows=journal.rows, left=left, holder=holder)


def _place_of(file: SourceFile) -> str:
    """Return where a file is: the same text for each way to name it."""
    place = file.place
    return str(place.resolve() if isinstance(place, Path) else place)


def _reserve_timestamps(session: Session, plan: LoadPlan, *, anew: bool) -> None:
    """Reserve the timestamps of a new load, if its user has chosen them and they must not be used twice."""
    load, table = plan.load, plan.table
    names = [field.column.name for field in plan.fields]
    first_us = load.config.timestamp_us
    if not first_us or not table.has_lists(names):
        return
    if anew or not log_named(session, plan, load_key(session, table, load).name).read():
        places = sum(file.places for file in load.files)
        reserve_list_timestamps(table, first_us, max(1, places) * list_step_us(table, names))


def open_journal(session: Session, plan: LoadPlan, *, anew: bool) -> Journal:
    """Return the journal of a load. Begin one if there is none, or if `anew`.

    Raises:
        OutputError: it cannot be written, or the disk is full.
    """
    load = plan.load
    key = load_key(session, plan.table, load)
    log = log_named(session, plan, key.name)
    return begin_run(log, key, timestamp_us=load.config.timestamp_us or None, anew=anew)


def load_key(session: Session, table: Table, load: Load) -> LoadKey:
    """Return the key by which another run recognises the same load."""
    config = load.config
    files = sorted(load.files, key=lambda file: file.path)
    positions = sorted(
        (file.sha256, [WAY] if file.content.stream else [split.position for split in file.content.splits])
        for file in files
    )
    return LoadKey(
        cluster=session.cluster.metadata.cluster_name,
        keyspace=table.keyspace,
        table_id=table.id,
        emptied_at=table.emptied_at,
        files=[file.sha256 for file in files],
        splits=hashlib.sha256(repr(positions).encode()).hexdigest(),
        options=options_of(
            load.columns,
            [file.dialect for file in files],
            load.values,
            config.nulls,
            config.ttl_s,
            config.timestamp_us,
        ),
    )


def load_shard(job: LoadShard, progress: Progress, *, model: type[Model] | None = None) -> LoadedShard:
    """Load one shard. If too many rows are bad, fail with the bad rows found so far.

    `model` is for the method `create` into a table that has no dataset.
    """
    load = job.plan.load
    if load.dataset:
        model = bind_model(find_dataset(load.dataset).model, load.keyspace.name)
    with _session_again(load) as session:
        journal = read_journal(log_at(session, job.plan, job.journal))
        if job.ticket and job.plan.has_lists:
            journal.take(job.ticket)
        shard = Shard(
            session,
            job.plan,
            journal,
            splits=job.splits,
            holder=job.holder,
            is_elsewhere=job.is_elsewhere,
        )
        total = sum(file.estimated_places for file in load.files)
        try:
            began_s = time.perf_counter()
            with reporting(progress, total, "rows loaded", shard):
                shard.prepare(model)
                nodes = shard.run()
                elapsed_s = time.perf_counter() - began_s
        except BadRowsError as error:
            raise BadRowsError(str(error), to_json_values(shard.bad)) from error
    latencies = nodes.tally.latencies
    return LoadedShard(
        rows=shard.done,
        elapsed_s=elapsed_s,
        retries=dict(nodes.tally.retries),
        warned=nodes.tally.warned,
        warning=nodes.tally.warning,
        limits=nodes.limits,
        requests=Requests(counts=latencies.counts, sum_s=latencies.sum_s, limits=nodes.limits),
    )


def keep_bad_rows(job: KeepBadRows, _: Progress) -> KeptBadRows:
    """Write the bad rows that a load found before it was given up."""
    return KeptBadRows(advice=keep(job.plan, job.bad))


def reserve_attempts(job: ReserveAttempts, _: Progress) -> None:
    """Reserve the timestamps of one more attempt to send the rows of a shard; withdraw its ticket."""
    with _session_again(job.plan.load) as session:
        journal = read_journal(log_at(session, job.plan, job.journal))
        journal.withdraw(job.withdrawn)
        journal.reserve_attempts(journal.attempts + 1)


@contextlib.contextmanager
def _session_again(load: Load) -> Iterator[Session]:
    """Open a session; a step before this one reached the cluster, so a failure now is transient."""
    with contextlib.ExitStack() as stack:
        yield with_retries(
            lambda: stack.enter_context(open_session(load.cluster)), budget_s=load.config.retry_budget_s
        )


def finish(
    job: FinishLoad, _: Progress, *, then: Callable[[Session, RowCounts], None] | None = None
) -> RowCounts:
    """Prove that every split is settled, write the marker, remove the journal; `then` has the session."""
    load = job.plan.load
    with _session_again(load) as session:
        journal = read_journal(log_at(session, job.plan, job.journal))
        files = in_order_of(journal, load.files)
        for number, file in enumerate(files):
            _require_settled(journal, number, file)
        try:
            for file in load.files:
                require_unchanged(file)
        except StoreError:
            raise
        except RowFileError:
            # A settled split may have been read from a file that no longer has the journal's content.
            journal.log.remove()
            raise
        bad = bad_rows_of(session, job.plan, journal, files)
        counts = _counts(journal, bad)
        if job.rows and counts.read != job.rows:
            [file] = load.files
            raise RowFileError(
                f"{file.path}: {counts.read} rows where {job.rows} were generated; delete it to make it anew"
            )
        with_retries(lambda: _mark(session, job, journal, bad, counts), budget_s=load.config.retry_budget_s)
        journal.log.remove()
        if then:
            then(session, counts)
    return counts


def _require_settled(journal: Journal, number: int, file: SourceFile) -> None:
    """Return if every split of a file is settled.

    Raises:
        WorkerError: one is not, or a stream was not read to its end.
    """
    splits = [split.number for split in file.content.splits]
    if file.content.stream:
        if number not in journal.ends:
            raise WorkerError(f"{file.path} was not read to its end; run the load again")
        splits = [*range(journal.ends[number].split_count)]
    for split in splits:
        if (number, split) not in journal.splits:
            raise WorkerError(f"split {split} of {file.path} is not settled; run the load again")


def _mark(
    session: Session, job: FinishLoad, journal: Journal, bad: Sequence[BadRow], counts: RowCounts
) -> None:
    """Judge the bad rows, and write the marker if the table is still what it was when the load began."""
    table = find_table_of(session, job.plan.load.keyspace.name, job.plan.table.name)
    if table.id != journal.table_id:
        raise SchemaError(
            f"table {table} was dropped and made anew while it was being loaded; run the load again"
        )
    # Later, not different: each node records its own time, and other nodes may answer than before.
    if table.emptied_at > journal.emptied_at:
        raise SchemaError(
            f"table {table} was truncated, or a column of it dropped, while it was being loaded; "
            "run the load again: it begins anew"
        )
    judge(job.plan, bad, counts.read)
    require_some(bad, read=counts.read, sent=counts.sent, acknowledged=counts.acknowledged)
    write_marker(
        table.keyspace,
        table=table.name,
        day=job.date,
        source=job.source,
        table_id=table.id,
        truncated_at=table.truncated_at,
        input_sha256=job.input_sha256,
        rows=counts.acknowledged,
    )


def _counts(journal: Journal, bad: Sequence[BadRow]) -> RowCounts:
    records = journal.splits.values()
    return RowCounts(
        read=journal.rows,
        sent=sum(record.sent for record in records),
        acknowledged=journal.acknowledged,
        bad=count_rows(bad),
        remarks=tuple(end.remark for end in journal.ends.values() if end.remark),
    )
