"""Where files go."""

from dataclasses import dataclass

from pipeline.settings.declaration import setting


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """Where files go."""

    folder: str = setting("output", doc="every file this project writes is in it", is_path=True)
