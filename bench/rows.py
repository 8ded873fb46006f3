"""The files that are loaded: generated once, equal for an equal number of rows, kept under output/bench."""

import csv
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from faker.providers.person.en_US import Provider

from bench.tables import BenchTable
from pipeline.files import atomic_path

_SEED = 20_240_301
_CHUNK_ROWS = 10_000
_YEAR_S = 365 * 24 * 3600
_LETTERS = bytes(b"abcdefghijklmnopqrstuvwxyz      "[byte % 32] for byte in range(256))
_BODY_CHARACTERS = 2_000
_NOTE_CHARACTERS = 40


def ensure_file(folder: Path, table: BenchTable, rows: int) -> Path:
    """Return the CSV file of the first `rows` rows of `table` in `folder`; it is generated if absent.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    path = folder / f"{table.name}-{rows}.csv"
    if not path.exists():
        source = random.Random(_SEED)  # noqa: S311 - the same rows each time, nothing secret
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.columns)
            for start in range(0, rows, _CHUNK_ROWS):
                writer.writerows(_MAKERS[table.name](source, min(_CHUNK_ROWS, rows - start)))
    return path


def as_parquet(file: Path, table: BenchTable) -> Path:
    """Return a Parquet file beside `file` with the same rows, the key as UUIDs; it is written if absent.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    path = file.with_suffix(".parquet")
    if not path.exists():
        types = {name: _ARROW.get(cql_type, pa.string()) for name, cql_type in table.columns.items()}
        options = pa_csv.ConvertOptions(column_types=types)
        schema = pa.schema({**types, table.key: pa.uuid()})
        with (
            atomic_path(path) as temporary,
            pa_csv.open_csv(file, convert_options=options) as chunks,
            pq.ParquetWriter(temporary, schema) as writer,
        ):
            for chunk in chunks:
                ids, *others = chunk.columns
                ids = pa.array([uuid.UUID(text) for text in ids.to_pylist()], pa.uuid())
                writer.write_batch(pa.record_batch([ids, *others], schema=schema))
    return path


def _users(source: random.Random, rows: int) -> Iterator[tuple[object, ...]]:
    return zip(_ids(source, rows), _names(source, rows), _last_names(source, rows), strict=True)


def _orders(source: random.Random, rows: int) -> Iterator[tuple[object, ...]]:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    customers = zip(_names(source, rows), _last_names(source, rows), strict=True)
    for order_id, (first, last) in zip(_ids(source, rows), customers, strict=True):
        moment = start + timedelta(seconds=source.randrange(_YEAR_S))
        yield (
            order_id,
            source.randrange(1, 100),
            # The only format that every contender parses without an option.
            f"{moment:%Y-%m-%d %H:%M:%S%z}",
            Decimal(source.randrange(100, 1_000_000)).scaleb(-2),
            f"{first} {last}",
            _text(source, _NOTE_CHARACTERS),
        )


def _pages(source: random.Random, rows: int) -> Iterator[tuple[object, ...]]:
    for page_id in _ids(source, rows):
        yield page_id, _text(source, _BODY_CHARACTERS)


def _visits(rows_a_partition: int) -> "_Maker":
    def make(source: random.Random, rows: int) -> Iterator[tuple[object, ...]]:
        # Days of their own for each chunk of rows, in order.
        first = source.getrandbits(30) * 2
        days = (first + at // rows_a_partition for at in range(rows))
        return zip(
            days, sorted(_ids(source, rows)), _names(source, rows), _last_names(source, rows), strict=True
        )

    return make


def _ids(source: random.Random, rows: int) -> list[uuid.UUID]:
    return [uuid.UUID(int=source.getrandbits(128), version=4) for _ in range(rows)]


def _names(source: random.Random, rows: int) -> list[str]:
    return source.choices(list(Provider.first_names), cum_weights=_FIRST_NAME_WEIGHTS, k=rows)


def _last_names(source: random.Random, rows: int) -> list[str]:
    return source.choices(list(Provider.last_names), cum_weights=_LAST_NAME_WEIGHTS, k=rows)


def _text(source: random.Random, characters: int) -> str:
    # A letter at both ends, because a contender could strip spaces.
    return f"a{source.randbytes(characters - 2).translate(_LETTERS).decode('ascii')}z"


_ARROW = {"int": pa.int32(), "timestamp": pa.timestamp("ms", "UTC"), "decimal": pa.decimal128(18, 2)}
_FIRST_NAME_WEIGHTS = list(accumulate(Provider.first_names.values()))
_LAST_NAME_WEIGHTS = list(accumulate(Provider.last_names.values()))
_Maker = Callable[[random.Random, int], Iterator[tuple[object, ...]]]
_MAKERS: dict[str, _Maker] = {
    "users": _users,
    "orders": _orders,
    "pages": _pages,
    "visits_10": _visits(10),
    "visits_1000": _visits(1000),
}
