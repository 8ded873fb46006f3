"""A prepared INSERT for each row, through a pool of threads, in a process without gevent."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.measure.experiment.contender import Contender, TrialContext, Write, run_contender


def _prepare(context: TrialContext) -> Write:
    execute, values = context.timed(partial(context.session.execute, context.insert)), context.bound

    def write() -> None:
        with ThreadPoolExecutor(context.trial.in_flight) as threads:
            for _ in threads.map(execute, values):
                pass

    return write


if __name__ == "__main__":
    run_contender(Contender(label="threads", method="prepared", prepare=_prepare, connection_class=None))
