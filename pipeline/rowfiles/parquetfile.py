"""Parquet row files in chunks of at most 20,000 rows, each within a row group, and only the fields loaded."""

import contextlib
import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.cql.arrowvalues import without_views
from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.chunk import Chunk, Wanted, every, not_utf8, open_regular
from pipeline.rowfiles.fields import Field


def read_parquet_header(file: Path) -> list[str]:
    """Return the names of the file's top-level fields.

    Raises:
        RowFileError: it cannot be read, or is not a whole Parquet file.
    """
    with _opened(file) as opened:
        return list(opened.schema_arrow.names)


def count_parquet_rows(file: Path) -> int:
    """Return how many rows the file has; 0 where its footer cannot be read, which its first reader tells."""
    try:
        with _opened(file) as opened:
            return int(opened.metadata.num_rows)
    except RowFileError:
        return 0


class Batch(NamedTuple):
    """A chunk's columns before its texts are looked at; `number` and `first_row` place it in its file."""

    number: int
    first_row: int
    row_count: int
    columns: Sequence[pa.Array]


def read_parquet_chunks(file: Path, fields: Sequence[Field], wanted: Wanted = every) -> Iterator[Chunk]:
    """Yield the wanted chunks of a file whose schema names each of `fields` once.

    Raises:
        RowFileError: as `read_parquet_batches`.
    """
    for batch in read_parquet_batches(file, fields, wanted):
        yield _chunk(file, fields, batch)


def read_parquet_batches(file: Path, fields: Sequence[Field], wanted: Wanted = every) -> Iterator[Batch]:
    """Yield the wanted chunks of a file as they are, be their texts UTF-8 or not.

    Raises:
        RowFileError: the file cannot be read, or is not a whole Parquet file; what of it is damaged may
            show only when its rows are reached.
    """
    with _opened(file) as opened:
        number, first_row = 0, 1
        for group in range(opened.num_row_groups):
            sizes = _chunk_sizes(opened.metadata.row_group(group))
            chosen = [wanted(number + at) for at in range(len(sizes))]
            # Rows are decoded from the group's first on, whichever are wanted.
            batches = _batches(file, opened, group, fields) if any(chosen) else None
            for at, size in enumerate(sizes):
                batch = next(batches) if batches else None
                if batch is not None and chosen[at]:
                    columns = [_plain(batch.column(field.name), field) for field in fields]
                    yield Batch(number + at, first_row, size, columns)
                first_row += size
            number += len(sizes)


def check_parquet(file: Path, fields: Sequence[Field]) -> None:
    """Return if the file can be read to its end: every page of `fields` is decoded once.

    Raises:
        RowFileError: it cannot.
    """
    with _opened(file) as opened:
        for group in range(opened.num_row_groups):
            for _ in _batches(file, opened, group, fields):
                pass


def _chunk_sizes(group: pq.RowGroupMetaData) -> list[int]:
    """Return how many rows each chunk of a row group has: fewer where they are wide, 8 MiB in all."""
    row_bytes = max(1, group.total_byte_size // max(1, group.num_rows))
    most = max(1, min(_CHUNK_ROWS, _CHUNK_MAX_BYTES // row_bytes))
    whole, rest = divmod(group.num_rows, most)
    return [most] * whole + [rest] * (rest > 0)


def _batches(
    file: Path, opened: pq.ParquetFile, group: int, fields: Sequence[Field]
) -> Iterator[pa.RecordBatch]:
    sizes = _chunk_sizes(opened.metadata.row_group(group))
    if not sizes:
        return
    names = [field.name for field in fields]
    batches = opened.iter_batches(sizes[0], row_groups=[group], columns=names, use_threads=False)
    for expected in sizes:
        batch = next(batches, None)
        found = 0 if batch is None else len(batch)
        if found != expected:
            raise _damaged(file, f"{found} rows in row group {group} where its metadata has {expected}")
        yield batch


def _chunk(file: Path, fields: Sequence[Field], batch: Batch) -> Chunk:
    bad: dict[int, BadRow] = {}
    for field, column in zip(fields, batch.columns, strict=True):
        for at, error in _wrong_text(column):
            bad.setdefault(
                at,
                BadRow(
                    file=str(file),
                    line=batch.first_row + at,
                    column=field.column.name,
                    value=abbreviated(error.object.decode(errors="replace")),
                    reason=not_utf8(error),
                ),
            )
    good = np.delete(np.arange(batch.row_count), list(bad))
    return Chunk(
        file=file,
        number=batch.number,
        first_line=batch.first_row,
        columns=[column.take(pa.array(good)) for column in batch.columns] if bad else batch.columns,
        find_lines=functools.partial(np.add, good, batch.first_row),
        bad=[bad[at] for at in sorted(bad)],
    )


def _plain(column: pa.Array, field: Field) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    column = without_views(column)
    if pa.types.is_binary(column.type) and field.column.type_name in _TEXTS:
        # Some write text without saying that it is; whether it is UTF-8 is looked at with all others'.
        column = column.view(pa.string())
    return column


def _wrong_text(column: pa.Array) -> Iterator[tuple[int, UnicodeDecodeError]]:
    """Yield where a value's text is not UTF-8, which Arrow does not look for when it reads."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        # It may be another fault, such as a time beyond its day, which is for the column's type to judge.
        for at, value in enumerate(column):
            try:
                with contextlib.suppress(OverflowError, LookupError):
                    value.as_py()
            except UnicodeDecodeError as error:
                yield at, error
            except ValueError:
                continue


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[pq.ParquetFile]:
    # Arrow's own words for what is no file are longer than the system's.
    with open_regular(file):
        try:
            with pq.ParquetFile(
                file,
                pre_buffer=False,
                buffer_size=_BUFFER_BYTES,
                page_checksum_verification=True,
                # The server's precision, and the one unit in which no INT96 wraps around.
                coerce_int96_timestamp_unit="ms",
            ) as opened:
                _require_consistent(file, opened)
                yield opened
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            # Arrow says OSError of damage too, then without the system's number.
            if isinstance(error, OSError) and error.errno:
                raise
            is_unknown = isinstance(error, pa.ArrowNotImplementedError) or _UNKNOWN.search(str(error))
            raise (_unknown if is_unknown else _damaged)(file, str(error)) from error


def _require_consistent(file: Path, opened: pq.ParquetFile) -> None:
    """Return if the metadata agrees with itself on the number of rows, by which chunks are counted."""
    metadata = opened.metadata
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    counts = [group.num_rows for group in groups]
    if sum(counts) != metadata.num_rows or min(counts, default=0) < 0:
        raise _damaged(file, f"{metadata.num_rows} rows in all, {abbreviated(str(counts))} in its row groups")
    for at, group in enumerate(groups):
        for column in (group.column(position) for position in range(group.num_columns)):
            # A list's leaf has as many values as the lists have items, and one for each empty list.
            if column.num_values < group.num_rows:
                raise _damaged(
                    file, f"{column.num_values} values for {group.num_rows} rows in row group {at}"
                )


def _damaged(file: Path, what: str) -> RowFileError:
    return RowFileError(f"{file}: not a whole Parquet file: {abbreviated(what)}; write or copy it again")


def _unknown(file: Path, what: str) -> RowFileError:
    return RowFileError(
        f"{file}: this kind of Parquet is not read: {abbreviated(what)}; write it without encryption, in "
        "Snappy, GZIP or ZSTD, and without types nested deeply"
    )


_UNKNOWN = re.compile(r"not (currently )?(supported|built|implemented)|encrypted|too deeply nested")
_TEXTS = {"text", "varchar", "ascii"}
_CHUNK_ROWS = 20_000
_CHUNK_MAX_BYTES = 8 << 20
_BUFFER_BYTES = 1 << 20
