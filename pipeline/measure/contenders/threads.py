"""A prepared INSERT a row through a pool of threads, in a process that gevent never patched."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.measure.experiment.contender import Contender, Scene, Write, take_part


def _prepare(scene: Scene) -> Write:
    execute, values = scene.timed(partial(scene.session.execute, scene.insert)), scene.bound

    def write() -> None:
        with ThreadPoolExecutor(scene.trial.in_flight) as threads:
            for _ in threads.map(execute, values):
                pass

    return write


if __name__ == "__main__":
    take_part(Contender(label="threads", method="prepared", prepare=_prepare, connection_class=None))
