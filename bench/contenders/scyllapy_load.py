"""scyllapy, asyncio over the Rust driver: prepared INSERTs, in UNLOGGED batches or one at a time."""

import asyncio
import logging
from importlib.metadata import version
from itertools import islice

from scyllapy import Batch, BatchType, Consistency, ExecutionProfile, Scylla

from bench.contest import Stopwatch, Task, arguments, task_of
from bench.tables import FROM_TEXT

_BATCHES_IN_FLIGHT = 16
_STATEMENTS_IN_FLIGHT = 128
_TIMEOUT_S = 60


async def _load(task: Task, method: str) -> None:
    profile = ExecutionProfile(consistency=getattr(Consistency, task.consistency), request_timeout=_TIMEOUT_S)
    scylla = Scylla([f"{task.host}:{task.port}"], default_execution_profile=profile)
    await scylla.startup()
    prepared = await scylla.prepare(task.insert)
    from_text = [FROM_TEXT[cql_type] for cql_type in task.table.columns.values()]
    values = ([convert(text) for convert, text in zip(from_text, row, strict=True)] for row in task.read())
    size = task.table.rows_a_batch if method == "batch" else task.table.limit_rows_a_batch
    rows = 0

    def batch_of(size: int) -> Batch:
        batch = Batch(BatchType.UNLOGGED, consistency=getattr(Consistency, task.consistency))
        for _ in range(size):
            batch.add_query(prepared)
        return batch

    full = batch_of(size)

    async def batches() -> None:
        nonlocal rows
        while some := list(islice(values, size)):
            await scylla.batch(full if len(some) == size else batch_of(len(some)), some)
            rows += len(some)

    async def statements() -> None:
        nonlocal rows
        for row in values:
            await scylla.execute(prepared, row)
            rows += 1

    workers = (
        [statements() for _ in range(_STATEMENTS_IN_FLIGHT)]
        if method == "prepared"
        else [batches() for _ in range(_BATCHES_IN_FLIGHT)]
    )
    with Stopwatch() as watch:
        await asyncio.gather(*workers)
    watch.outcome(f"scyllapy, {method}", version=version("scyllapy"), rows=rows).print()
    await scylla.shutdown()


def main() -> None:
    """Load the file that the command line names and print the outcome."""
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--method", choices=("batch", "small-batch", "prepared"), default="batch", help="default: %(default)s"
    )
    found = parser.parse_args()
    # Otherwise each batch of more than ten partitions writes a line of log.
    logging.disable(logging.WARNING)
    asyncio.run(_load(task_of(found), found.method))


if __name__ == "__main__":
    main()
