"""Where files go, how long they stay, and the form of lines."""

from dataclasses import dataclass

from pipeline.settings.declaration import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """Where files go, and how long they stay.

    Raises:
        SettingError: a negative number of days.
    """

    folder: str = setting("output", doc="every file this project writes is in it", is_path=True)
    keep_days: int = setting(
        0,
        doc="days after which the reports and bad rows of loads, and logs, are removed; `0`: they stay; see "
        "[operating.md](operating.md#what-is-cleared)",
        unit="days",
        minimum=0,
    )
    log_format: str = setting(
        "text",
        doc="how lines are written where no terminal is, and in log files; see "
        "[operating.md](operating.md#what-you-see-while-it-runs)",
        choices=("text", "json"),
    )

    def __post_init__(self) -> None:
        check_settings(self)
