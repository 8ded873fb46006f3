"""A prepared INSERT for each row, after the row before it is acknowledged."""

from functools import partial

from gevent import monkey

monkey.patch_all()

from pipeline.measure.create import in_loop  # noqa: E402 - nothing comes before the patch
from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender  # noqa: E402


def _prepare(context: TrialContext) -> Write:
    execute, values = context.timed(partial(context.session.execute, context.insert)), context.bound
    return lambda: in_loop(execute, values)


if __name__ == "__main__":
    run_contender(Contender(label="prepared, loop", method="prepared", prepare=_prepare, is_loop=True))
