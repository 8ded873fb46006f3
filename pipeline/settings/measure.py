"""What measurements sweep over, how often they repeat, and how long they may take."""

import datetime as dt
from dataclasses import dataclass

from pipeline.settings.declaration import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class TimingConfig:
    """The sweep of the loop and the Pool over injected latencies.

    Raises:
        SettingError: a value is out of range.
    """

    latencies_s: tuple[float, ...] = setting(
        (0.0, 0.001, 0.005, 0.010, 0.100),
        doc="injected latencies in seconds, separated by commas; `TimingReport` sleeps before each `create`",
        minimum=0,
    )
    sync_repeats: int = setting(
        3,
        doc="how often the loop is timed; at the two largest latencies always once",
        minimum=1,
        is_on_tasks=False,
    )
    async_repeats: int = setting(5, doc="how often the Pool is timed", minimum=1, is_on_tasks=False)

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """The comparison of contenders, and the sweep over pool sizes.

    Raises:
        SettingError: a value is out of range.
    """

    time_budget: dt.timedelta = setting(
        dt.timedelta(minutes=30), doc="how long `ContenderReport` and `RecommendPoolSize` may measure"
    )
    precision: float = setting(
        0.05,
        doc="a cell is repeated until half the 95 % interval of its median is below this share of it",
        minimum=0,
    )
    repeat_s: float = setting(
        5.0,
        doc="seconds of a repeat; one that would take longer writes fewer rows",
        unit="seconds",
        minimum=0,
        is_on_tasks=False,
    )
    pool_sizes: tuple[int, ...] = setting(
        (1, 3, 10, 30, 100, 200, 400),
        doc="what `ContenderReport` and `RecommendPoolSize` sweep, separated by commas",
        minimum=1,
    )

    def __post_init__(self) -> None:
        check_settings(self)
