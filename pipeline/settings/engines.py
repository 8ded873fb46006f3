"""Who carries out the jobs of a load: processes of this machine, or an engine that runs on others."""

from dataclasses import dataclass

from pipeline.settings.columns import Pairs
from pipeline.settings.declaration import check_settings, setting

ENGINES = ("processes", "dask", "spark")


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """The engine. What a load writes does not depend on it.

    Raises:
        SettingError: an engine that is not known.
    """

    engine: str = setting(
        "processes",
        doc="who reads, checks and sends the rows: `processes` of this machine, or the workers of `dask` or "
        "`spark`; see [scaling.md](scaling.md)",
        choices=ENGINES,
        is_significant=False,
    )

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class DaskConfig:
    """Where the workers of Dask are."""

    scheduler: str = setting("", doc="the address of the scheduler, such as `tcp://10.0.0.5:8786`")


@dataclass(frozen=True, kw_only=True)
class SparkConfig:
    """Where the workers of Spark are, and what Spark is told besides."""

    master: str = setting("", doc="the master, such as `spark://10.0.0.5:7077`, `yarn` or `k8s://…`")
    conf: Pairs = setting((), doc="more of Spark's properties, as `name=value`, separated by commas")
