"""What a worker can be asked to generate."""

from dataclasses import dataclass
from datetime import date
from functools import partial

from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class GeneratedRows:
    """How many rows were written."""

    rows: int


@dataclass(frozen=True, kw_only=True)
class GenerateFile(Job[GeneratedRows]):
    """Write one of `parts` parts of a dataset's fake rows; joined, they are a row file.

    `rows` counts those of all parts, and the result those of this one. Parquet has one part.
    """

    dataset: str
    date: date
    rows: int
    seed: int
    locale: str
    file_format: str
    file: str
    part: int = 0
    parts: int = 1

    def handler(self) -> Handler[GeneratedRows]:
        """Write it."""
        from pipeline.datasets.generate import generate_file  # noqa: PLC0415 - it needs Faker

        return partial(generate_file, self)
