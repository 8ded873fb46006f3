"""The article's loop: `Model.create` for each row, after the row before it is acknowledged."""

from gevent import monkey

monkey.patch_all()

from pipeline.measure.create import creates, in_loop  # noqa: E402 - nothing comes before the patch
from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender  # noqa: E402


def _prepare(context: TrialContext) -> Write:
    create, values = context.timed(creates(context.model)), context.values
    return lambda: in_loop(create, values)


if __name__ == "__main__":
    run_contender(Contender(label="create, loop", method="create", prepare=_prepare, is_loop=True))
