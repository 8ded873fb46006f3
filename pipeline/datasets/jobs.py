"""The jobs that generate row files."""

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
    """Write one of the `parts` parts of a file of fake rows.

    `rows` counts the rows of all parts; the result counts the rows of this part. Parquet has one part.
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
