"""The article's loop in a process that gevent never patched, with the connection that the driver prefers."""

from pipeline.measure.create import creates, in_loop
from pipeline.measure.experiment.contender import Contender, Scene, Write, take_part


def _prepare(scene: Scene) -> Write:
    create, values = scene.timed(creates(scene.model)), scene.values
    return lambda: in_loop(create, values)


if __name__ == "__main__":
    take_part(
        Contender(
            label="create, loop, unpatched",
            method="create",
            prepare=_prepare,
            is_loop=True,
            connection_class=None,
        )
    )
