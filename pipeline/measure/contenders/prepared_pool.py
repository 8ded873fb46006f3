"""A prepared INSERT a row through a gevent Pool."""

from functools import partial

from gevent import monkey

monkey.patch_all()

from pipeline.measure.create import in_pool  # noqa: E402 - nothing comes before the patch
from pipeline.measure.experiment.contender import Contender, Scene, Write, take_part  # noqa: E402


def _prepare(scene: Scene) -> Write:
    execute, values = scene.timed(partial(scene.session.execute, scene.insert)), scene.bound
    return lambda: in_pool(execute, values, scene.trial.in_flight)


if __name__ == "__main__":
    take_part(Contender(label="prepared, Pool", method="prepared", prepare=_prepare, is_swept=True))
