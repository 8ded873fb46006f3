"""Fake rows for a dataset, the same for the same dataset, date, seed and locale.

Rows are made in blocks, and each column of a block is drawn from a seed of its own. So any process can make
any block, and neither the number of rows nor that of processes changes a row.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from faker import Faker

from pipeline.datasets.dataset import Dataset, Recipe, find_dataset
from pipeline.datasets.jobs import GeneratedRows, GenerateFile
from pipeline.datasets.sampling import BulkRecipe, Encode
from pipeline.errors import SettingError
from pipeline.files import unwritable
from pipeline.rowfiles.formats import named_format
from pipeline.rowfiles.formats.protocol import Columns
from pipeline.workers.jobs import Progress

BLOCK_ROWS = 10_000


def generate_file(job: GenerateFile, progress: Progress) -> GeneratedRows:
    """Write one part of a dataset's rows; raise as `write_part` does."""
    return GeneratedRows(rows=write_part(find_dataset(job.dataset), job, progress))


def write_part(dataset: Dataset, job: GenerateFile, progress: Progress) -> int:
    """Write the job's part of the rows to its file, the header where it is the first part; return how many.

    In a joinable format the parts, joined in order, have the bytes that `write_rows` gives the same rows. The
    file is removed where it cannot be finished.

    Raises:
        SettingError: the locale is empty, or Faker has none of that name, or it lacks what a recipe asks for.
        OutputError: the file cannot be written, or the disk is full.
    """
    file = Path(job.file)
    done = 0
    progress(done, job.rows, "rows generated")
    try:
        file_format = named_format(job.file_format)
        with file_format.writing(file, dataset.columns, has_header=job.part == 0) as write:
            for block in _blocks(dataset, job):
                write(block)
                done += len(block[0])
                progress(done, job.rows, "rows generated")
    except BaseException as error:
        file.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unwritable(file, error) from error
        raise
    return done


def _blocks(dataset: Dataset, job: GenerateFile) -> Iterator[Columns]:
    fake = _open_faker(job.locale)
    encode = named_format(job.file_format).encode
    encodes = [functools.partial(encode, column.cql_type) for column in dataset.columns]
    draws = [
        _draw(dataset.recipe[attribute], fake, encode)
        for attribute, encode in zip(dataset.attributes, encodes, strict=True)
    ]
    origin = f"{dataset.table}|{job.date}|{job.seed}|{job.locale}"
    blocks = -(-job.rows // BLOCK_ROWS)
    for number in range(blocks * job.part // job.parts, blocks * (job.part + 1) // job.parts):
        count = min(BLOCK_ROWS, job.rows - number * BLOCK_ROWS)
        yield [
            draw(_seed(f"{origin}|{attribute}|{number}"), count)
            for attribute, draw in zip(dataset.attributes, draws, strict=True)
        ]


def _open_faker(locale: str) -> Faker:
    if not locale:
        raise SettingError("locale is empty; name one that Faker has, such as en_US")
    try:
        return Faker(locale)
    except (AttributeError, ImportError, ValueError) as error:
        raise SettingError(f"locale is {locale!r}: {error}; use one that Faker has, such as en_US") from error


def _seed(origin: str) -> int:
    return int.from_bytes(hashlib.sha256(origin.encode()).digest())


def _draw(recipe: Recipe, fake: Faker, encode: Encode) -> Callable[[int, int], pa.Array]:
    """Return what gives a column's values in one block, by its seed and their number."""
    sample = recipe.bulk(fake, encode) if isinstance(recipe, BulkRecipe) else None
    if sample:
        return lambda seed, count: sample(np.random.Generator(np.random.PCG64(seed)), count)

    def row_by_row(seed: int, count: int) -> pa.Array:
        fake.seed_instance(seed)
        fake.unique.clear()
        return encode([recipe(fake) for _ in range(count)])

    return row_by_row
