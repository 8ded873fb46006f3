"""The driver's own way for many statements: `execute_concurrent_with_args`, a prepared INSERT a row."""

import time

from cassandra.cluster import ResponseFuture
from cassandra.concurrent import execute_concurrent_with_args

from pipeline.measure.experiment.contender import Contender, Scene, Write, take_part


def _prepare(scene: Scene) -> Write:
    insert, values, note = scene.insert, scene.bound, scene.latencies.record

    def watch(future: ResponseFuture) -> None:
        began_s = time.perf_counter()

        def answered(_: object) -> None:
            note(time.perf_counter() - began_s)

        future.add_callbacks(answered, answered)

    def write() -> None:
        scene.session.add_request_init_listener(watch)
        try:
            execute_concurrent_with_args(scene.session, insert, values, concurrency=scene.trial.in_flight)
        finally:
            scene.session.remove_request_init_listener(watch)

    return write


if __name__ == "__main__":
    take_part(
        Contender(
            label="execute_concurrent",
            method="prepared",
            prepare=_prepare,
            latency_kinds=("network",),
            connection_class=None,
        )
    )
