"""Divides a load among the workers of an engine: which splits go together, what each may take, how long."""

import time
import uuid
from dataclasses import dataclass, replace
from functools import partial

from pipeline.engines.protocol import Again, Attempts, Engine, same_job
from pipeline.errors import BadRowsError
from pipeline.load.dryrun.jobs import CheckRows, JudgedRows, JudgeRows
from pipeline.load.jobs import (
    BegunLoad,
    KeepBadRows,
    LoadedShard,
    LoadPlan,
    LoadShard,
    ReserveAttempts,
    Splits,
    parts_of,
)
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.stores.paths import absolute
from pipeline.workers.client import run_job
from pipeline.workers.codec import from_json_values
from pipeline.workers.jobs import Progress


@dataclass(frozen=True, kw_only=True)
class SentRows:
    """The results of a load's shards, how many workers sent them, and how long it took."""

    shards: tuple[LoadedShard, ...]
    worker_count: int
    elapsed_s: float


def send_rows(begun: BegunLoad, engine: Engine, progress: Progress | None = None) -> SentRows:
    """Send what is not settled of a load, by the workers of an engine.

    Raises:
        BadRowsError: too many rows are bad; those that were found are written.
        PipelineError: as the job `LoadShard`.
        WorkerError: a shard had no result, by as many workers as may try.
    """
    shards = shards_of(begun.left, engine.worker_count)
    worker_count = min(len(shards), engine.worker_count)
    plan = _for_each_of(worker_count, begun.plan)
    if engine.is_elsewhere:
        plan = with_absolute_paths(plan)
    jobs = [
        LoadShard(
            plan=plan,
            journal=begun.journal,
            holder=begun.holder,
            splits=splits,
            is_elsewhere=engine.is_elsewhere,
            ticket=_ticket(),
        )
        for splits in shards
    ]

    def tell(done: int, total: int, what: str) -> None:
        if progress:
            progress(begun.rows + done, total, what)

    deadline_s = deadline_of(plan, max(map(len, shards)))
    began_s = time.monotonic()
    attempts = Attempts(deadline_s=deadline_s, again=partial(_again, plan, begun.journal))
    try:
        results = engine.carry_out(jobs, attempts, tell)
    except BadRowsError as error:
        bad = from_json_values(tuple[BadRow, ...], error.bad)
        kept = run_job(KeepBadRows(plan=plan, bad=bad))
        raise BadRowsError(f"{error}; {kept.advice}") from error
    elapsed_s = time.monotonic() - began_s if len(jobs) > 1 else results[0].elapsed_s
    return SentRows(shards=tuple(results), worker_count=worker_count, elapsed_s=elapsed_s)


def dry_run(plan: LoadPlan, engine: Engine, progress: Progress | None = None) -> JudgedRows:
    """Check every row of a load by the workers of an engine, and write the bad ones; send nothing.

    Raises:
        BadRowsError: more rows are bad than the load may have, or none is good.
        PipelineError: as the job `CheckRows`.
    """
    shards = shards_of(tuple(parts_of(plan.load.files)), engine.worker_count)
    seen = with_absolute_paths(plan) if engine.is_elsewhere else plan
    jobs = [CheckRows(plan=seen, splits=splits, is_elsewhere=engine.is_elsewhere) for splits in shards]
    attempts = Attempts(deadline_s=deadline_of(plan, max(map(len, shards))), again=same_job)
    checked = engine.carry_out(jobs, attempts, progress)
    return run_job(
        JudgeRows(
            plan=seen,
            rows=sum(each.rows for each in checked),
            bad=tuple(
                sorted((row for each in checked for row in each.bad), key=lambda row: (row.file, row.place))
            ),
        )
    )


def shards_of(left: Splits, worker_count: int) -> list[Splits]:
    """Return the splits of each shard, the largest shards first; at least one shard, also of no split.

    Shards that are sent at the same time take turns in the order of the splits, because no row may have a
    write timestamp in the future: who begins in the middle of a load waits.
    """
    if worker_count == 1:
        return [left]
    shards, begun = list[Splits](), 0
    for end_of_round in _ROUNDS:
        end = min(len(left), max(begun + worker_count, round(end_of_round * len(left))))
        shards += [left[at:end:worker_count] for at in range(begun, min(end, begun + worker_count))]
        begun = end
    return sorted(shards, key=len, reverse=True) or [left]


def deadline_of(plan: LoadPlan, split_count: int) -> float:
    """Return how many seconds a worker may take for so many splits of a load.

    No row may have a timestamp in the future, so a worker may have to wait as long as the timestamps of all
    rows take. Rows that are settled when it is over are not sent again.
    """
    config, files = plan.load.config, plan.load.files
    rows = split_count * max(map(_most_places, files), default=0)
    slowest = min(_SLOWEST_ROWS_PER_S, config.rows_per_s or _SLOWEST_ROWS_PER_S)
    timestamps_s = sum(file.places for file in files) * plan.step_us / 1e6
    return _STARTED_S + 2 * config.retry_budget_s + timestamps_s + rows / slowest


def _again(plan: LoadPlan, journal: str, job: LoadShard, *, is_ended: bool) -> Again:
    """Return a shard for another worker. Of lists, never two workers may write the same rows at once."""
    if not plan.has_lists:
        return Again(job=job)
    run_job(ReserveAttempts(plan=plan, journal=journal, withdrawn=job.ticket))
    # A worker that had its ticket before it was withdrawn is ended by the deadline.
    return Again(job=replace(job, ticket=_ticket()), waits=not is_ended)


def _for_each_of(count: int, plan: LoadPlan) -> LoadPlan:
    """Return the plan of one of so many shards that are sent at a time: the caps are those of the load."""
    config = plan.load.config
    own = replace(config, pool_size=max(1, config.pool_size // count), rows_per_s=config.rows_per_s / count)
    return replace(plan, load=replace(plan.load, config=own))


def with_absolute_paths(plan: LoadPlan) -> LoadPlan:
    """Return a plan for workers whose folder is another one."""
    files = tuple(replace(file, path=absolute(file.path)) for file in plan.load.files)
    return replace(plan, load=replace(plan.load, files=files))


def _most_places(file: SourceFile) -> int:
    """Return how many places a split of a file has at most; of a stream, all that it may have."""
    if file.content.stream:
        return file.content.stream.estimated_places
    return max((split.place_count for split in file.content.splits), default=0)


def _ticket() -> str:
    return uuid.uuid4().hex


_ROUNDS = (0.5, 0.8, 1.0)
"""Where each round ends in what is left. A worker gets a shard of each, the largest first."""

_STARTED_S = 20.0
_SLOWEST_ROWS_PER_S = 1000.0
