"""The driver's function for many statements: `execute_concurrent_with_args`, a prepared INSERT a row."""

import time

from cassandra.cluster import ResponseFuture
from cassandra.concurrent import execute_concurrent_with_args

from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender


def _prepare(context: TrialContext) -> Write:
    insert, values, note = context.insert, context.bound, context.latencies.record

    def watch(future: ResponseFuture) -> None:
        began_s = time.perf_counter()

        def answered(_: object) -> None:
            note(time.perf_counter() - began_s)

        future.add_callbacks(answered, answered)

    def write() -> None:
        context.session.add_request_init_listener(watch)
        try:
            execute_concurrent_with_args(context.session, insert, values, concurrency=context.trial.in_flight)
        finally:
            context.session.remove_request_init_listener(watch)

    return write


if __name__ == "__main__":
    run_contender(
        Contender(
            label="execute_concurrent",
            method="prepared",
            prepare=_prepare,
            latency_kinds=("network",),
            connection_class=None,
        )
    )
