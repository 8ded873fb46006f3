"""Fake rows for a dataset, the same for the same dataset, date, seed and locale.

Rows are made in blocks, and each column of a block is drawn from a seed of its own. So any process can make
any block, and neither the number of rows nor that of processes changes a row.
"""

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from faker import Faker

from pipeline.cql.columns import Column
from pipeline.cql.types import CqlType
from pipeline.datasets.dataset import Dataset, Recipe, find_dataset
from pipeline.datasets.jobs import GeneratedRows, GenerateFile
from pipeline.datasets.sampling import BulkRecipe, Encode
from pipeline.errors import SettingError
from pipeline.files import unwritable
from pipeline.workers.jobs import Progress

BLOCK_ROWS = 10_000

Block = Sequence[pa.Array]
"""Some rows as columns, in the order of the table's: text for CSV, the columns' Arrow types for Parquet."""
Write = Callable[[Block], object]


def generate_file(job: GenerateFile, progress: Progress) -> GeneratedRows:
    """Write one part of a dataset's rows; raise as `write_part` does."""
    return GeneratedRows(rows=write_part(find_dataset(job.dataset), job, progress))


def write_part(dataset: Dataset, job: GenerateFile, progress: Progress) -> int:
    """Write the job's part of the rows to its file, the header where it is the first part; return how many.

    Joined in order, the parts of a CSV file have the bytes that `write_rows` gives the same rows. The file
    is removed where it cannot be finished.

    Raises:
        SettingError: the locale is empty, or Faker has none of that name, or it lacks what a recipe asks for.
        OutputError: the file cannot be written, or the disk is full.
    """
    file = Path(job.file)
    done = 0
    progress(done, job.rows, "rows generated")
    try:
        with _WRITERS[job.file_format](file, dataset.columns, job) as write:
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


def _blocks(dataset: Dataset, job: GenerateFile) -> Iterator[Block]:
    fake = _open_faker(job.locale)
    encodes = [_ENCODERS[job.file_format](column.cql_type) for column in dataset.columns]
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


def _as_text(kind: CqlType) -> Encode:
    return lambda values: pa.array(
        ["" if value is None else kind.format(value) for value in values], pa.string()
    )


def _as_arrow(kind: CqlType) -> Encode:
    if not pa.types.is_string(kind.arrow):
        return lambda values: pa.array(values, kind.arrow)
    return lambda values: pa.array(
        [None if value is None else kind.format(value) for value in values], kind.arrow
    )


@contextlib.contextmanager
def _write_csv(path: Path, columns: Sequence[Column], job: GenerateFile) -> Iterator[Write]:
    with path.open("wb") as file:
        if job.part == 0:
            file.write(_lines([pa.array([column.name]) for column in columns]))
        yield lambda block: file.write(_lines(block))


@contextlib.contextmanager
def _write_parquet(path: Path, columns: Sequence[Column], _: GenerateFile) -> Iterator[Write]:
    schema = pa.schema([(column.name, column.cql_type.arrow) for column in columns])
    with pq.ParquetWriter(path, schema) as writer:
        yield lambda block: writer.write_batch(pa.record_batch(block, schema=schema))


def _lines(fields: Block) -> pa.Buffer:
    if not all(_is_plain(column) for column in fields):
        fields = _quoted(fields)
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*fields, ","), "", "\n")
    _, offsets, text = lines.buffers()
    return text[: np.frombuffer(offsets, np.int32)[len(lines)]]


def _is_plain(column: pa.Array) -> bool:
    """Say whether no field needs quotes: looking through all of them at once costs next to nothing."""
    buffer = column.buffers()[2]
    text = buffer.to_pybytes() if buffer else b""
    return not any(mark in text for mark in (b'"', b",", b"\n", b"\r"))


def _quoted(fields: Block) -> Block:
    # As write_rows does, a carriage return puts quotes round every field of its row.
    everywhere = functools.reduce(pc.or_, [pc.match_substring(column, "\r") for column in fields])
    return [
        pc.if_else(
            pc.or_(everywhere, pc.match_substring_regex(column, '[",\n]')),
            pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', ""),
            column,
        )
        for column in fields
    ]


_ENCODERS = {"csv": _as_text, "parquet": _as_arrow}
_WRITERS = {"csv": _write_csv, "parquet": _write_parquet}
