"""The article's Pool: `Model.create` for each row, in a greenlet of a gevent Pool."""

from gevent import monkey

monkey.patch_all()

from pipeline.measure.create import creates, in_pool  # noqa: E402 - nothing comes before the patch
from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender  # noqa: E402


def _prepare(context: TrialContext) -> Write:
    create, values = context.timed(creates(context.model)), context.values
    return lambda: in_pool(create, values, context.trial.in_flight)


if __name__ == "__main__":
    run_contender(Contender(label="create, Pool", method="create", prepare=_prepare, is_swept=True))
