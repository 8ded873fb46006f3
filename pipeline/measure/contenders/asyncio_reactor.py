"""The driver's asyncio reactor: a prepared INSERT a row from asyncio tasks, one event loop for both."""

import asyncio
import time
from collections.abc import Iterator

from cassandra.io.asyncioreactor import AsyncioConnection

from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender


def _prepare(context: TrialContext) -> Write:
    insert, values, note = context.insert, context.bound, context.latencies.record

    async def write_some(waiting: Iterator[list[object]]) -> None:
        loop = asyncio.get_running_loop()
        for row in waiting:
            began_s = time.perf_counter()
            answer: asyncio.Future[object] = loop.create_future()
            context.session.execute_async(insert, row).add_callbacks(
                lambda rows, answer=answer: loop.call_soon_threadsafe(answer.set_result, rows),
                lambda error, answer=answer: loop.call_soon_threadsafe(answer.set_exception, error),
            )
            await answer
            note(time.perf_counter() - began_s)

    async def write_all() -> None:
        waiting = iter(values)
        await asyncio.gather(*(write_some(waiting) for _ in range(context.trial.in_flight)))

    return lambda: asyncio.run(write_all())


if __name__ == "__main__":
    run_contender(
        Contender(
            label="asyncio",
            method="prepared",
            prepare=_prepare,
            latency_kinds=("network",),
            connection_class=AsyncioConnection,
        )
    )
