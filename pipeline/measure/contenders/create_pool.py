"""The article's Pool: `Model.create` a row, a greenlet each, through a gevent Pool."""

from gevent import monkey

monkey.patch_all()

from pipeline.measure.create import creates, in_pool  # noqa: E402 - nothing comes before the patch
from pipeline.measure.experiment.contender import Contender, Scene, Write, take_part  # noqa: E402


def _prepare(scene: Scene) -> Write:
    create, values = scene.timed(creates(scene.model)), scene.values
    return lambda: in_pool(create, values, scene.trial.in_flight)


if __name__ == "__main__":
    take_part(Contender(label="create, Pool", method="create", prepare=_prepare, is_swept=True))
