"""The article's loop in a process without gevent, with the driver's default connection class."""

from pipeline.measure.create import creates, in_loop
from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender


def _prepare(context: TrialContext) -> Write:
    create, values = context.timed(creates(context.model)), context.values
    return lambda: in_loop(create, values)


if __name__ == "__main__":
    run_contender(
        Contender(
            label="create, loop, unpatched",
            method="create",
            prepare=_prepare,
            is_loop=True,
            connection_class=None,
        )
    )
