"""The rows that are generated."""

from dataclasses import dataclass

from pipeline.rowfiles.formats import FILE_FORMATS
from pipeline.settings.declaration import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """Which fake rows are generated, in which format.

    Raises:
        SettingError: a value is out of range.
    """

    rows: int = setting(1000, doc="how many rows to generate for a day", minimum=1)
    seed: int = setting(
        42, doc="what the fake data is drawn from; with the date and the locale, it determines the rows"
    )
    locale: str = setting("en_US", doc="Faker's locale, such as `en_US`")
    file_format: str = setting("csv", doc="the format of the generated file", choices=FILE_FORMATS)

    def __post_init__(self) -> None:
        check_settings(self)
