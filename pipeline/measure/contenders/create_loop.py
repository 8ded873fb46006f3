"""The article's loop: `Model.create` a row, each when the one before it is acknowledged."""

from gevent import monkey

monkey.patch_all()

from pipeline.measure.create import creates, in_loop  # noqa: E402 - nothing comes before the patch
from pipeline.measure.experiment.contender import Contender, Scene, Write, take_part  # noqa: E402


def _prepare(scene: Scene) -> Write:
    create, values = scene.timed(creates(scene.model)), scene.values
    return lambda: in_loop(create, values)


if __name__ == "__main__":
    take_part(Contender(label="create, loop", method="create", prepare=_prepare, is_loop=True))
