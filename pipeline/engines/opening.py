"""Opens the engine that a setting names; the packages of Dask and Spark are imported only when one is."""

import contextlib
from collections.abc import Iterator

from pipeline.engines.processes import Processes
from pipeline.engines.protocol import Engine
from pipeline.settings import DaskConfig, SparkConfig


@contextlib.contextmanager
def open_engine(name: str, *, processes: int, dask: DaskConfig, spark: SparkConfig) -> Iterator[Engine]:
    """Connect to an engine, and leave it when the block ends; `processes` is how many workers that one has.

    Raises:
        SettingError: its package is not installed, or a setting that it needs is empty.
        WorkerError: it cannot be reached, or has no workers.
    """
    if name == "dask":
        from pipeline.engines.dask import open_dask  # noqa: PLC0415 - its package is optional

        with open_dask(dask) as engine:
            yield engine
    elif name == "spark":
        from pipeline.engines.spark import open_spark  # noqa: PLC0415 - its package is optional

        with open_spark(spark) as engine:
            yield engine
    else:
        yield Processes(processes)
