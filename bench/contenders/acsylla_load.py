"""acsylla, asyncio over the C++ driver: prepared INSERTs, in UNLOGGED batches or one at a time.

A batch has the fastest size that a server with stock settings accepts; a small batch has the size of the
server limit's batches.

Version 1.2.0 stores a wrong number for every decimal: the ASCII codes of its digits. The number of rows is
right and their size is nearly the others', so its time is valid; the comparison counts the values as wrong.
"""

import asyncio
from collections.abc import Callable, Mapping
from importlib.metadata import version
from itertools import islice
from typing import Any

import acsylla

from bench.contest import Stopwatch, Task, arguments, task_of
from bench.tables import FROM_TEXT

_BATCHES_IN_FLIGHT = 32
_STATEMENTS_IN_FLIGHT = 256
# acsylla accepts a UUID as text, which is faster than a UUID object.
_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {**FROM_TEXT, "uuid": str}


async def _load(task: Task, method: str) -> None:
    cluster = acsylla.create_cluster(
        [task.host],
        port=task.port,
        protocol_version=4,
        consistency=acsylla.Consistency[task.consistency],
        request_timeout=60.0,
        # Otherwise each batch of more than ten partitions writes a line of log.
        log_level="error",
    )
    session = await cluster.create_session()
    prepared = await session.create_prepared(task.insert)
    from_text = [_FROM_TEXT[cql_type] for cql_type in task.table.columns.values()]
    values = ([convert(text) for convert, text in zip(from_text, row, strict=True)] for row in task.read())
    size = task.table.rows_a_batch if method == "batch" else task.table.limit_rows_a_batch
    rows = 0

    async def batches() -> None:
        nonlocal rows
        while some := list(islice(values, size)):
            batch = acsylla.create_batch_unlogged()
            for row in some:
                batch.add_statement(prepared.bind(row))
            await session.execute_batch(batch)
            rows += len(some)

    async def statements() -> None:
        nonlocal rows
        for row in values:
            await session.execute(prepared.bind(row))
            rows += 1

    workers = (
        [statements() for _ in range(_STATEMENTS_IN_FLIGHT)]
        if method == "prepared"
        else [batches() for _ in range(_BATCHES_IN_FLIGHT)]
    )
    with Stopwatch() as watch:
        await asyncio.gather(*workers)
    watch.outcome(f"acsylla, {method}", version=version("acsylla"), rows=rows).print()
    await session.close()


def main() -> None:
    """Load the file that the command line names and print the outcome."""
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--method", choices=("batch", "small-batch", "prepared"), default="batch", help="default: %(default)s"
    )
    found = parser.parse_args()
    asyncio.run(_load(task_of(found), found.method))


if __name__ == "__main__":
    main()
