"""Parquet row files in splits of at most 80,000 rows or 6 MiB; only the fields that are loaded are read."""

import contextlib
import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.cql.arrowvalues import without_views
from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.opening import not_utf8, open_content
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import Split
from pipeline.rowfiles.stores.paths import FilePath, ObjectPath


class Position(NamedTuple):
    """The place of a split: a whole number of row groups, or a part of one, counted from 0."""

    first_group: int
    group_count: int
    part: int


def splits_of(opened: pq.ParquetFile) -> Iterator[Split]:
    """Yield the splits of an open file: small row groups together, a large one in parts."""
    first_row = 1
    for number, (position, row_count) in enumerate(_positions(opened)):
        yield Split(number=number, first_place=first_row, place_count=row_count, position=position)
        first_row += row_count


def read_batches(
    file: FilePath, fields: Sequence[Field], splits: Iterable[Split]
) -> Iterator[tuple[Split, list[pa.Array]]]:
    """Yield the columns of some splits, in the order of the file, before their texts are checked.

    Raises:
        RowFileError: the file cannot be read, or is not a complete Parquet file; damage to a page shows only
            when its rows are reached.
    """
    with opened_parquet(file) as opened:
        for groups, within in itertools.groupby(splits, key=_groups_of):
            batches = enumerate(_batches(file, opened, groups, fields))
            for split in within:
                part = Position(*split.position).part
                batch = next(batch for at, batch in batches if at == part)
                yield split, [_decoded(batch.column(field.name), field) for field in fields]


def _groups_of(split: Split) -> range:
    position = Position(*split.position)
    return range(position.first_group, position.first_group + position.group_count)


def _positions(opened: pq.ParquetFile) -> Iterator[tuple[Position, int]]:
    """Yield the position of each split, and how many rows it has."""
    first = joined_rows = joined_bytes = 0
    for at in range(opened.num_row_groups):
        group = opened.metadata.row_group(at)
        rows, size_bytes = joined_rows + group.num_rows, joined_bytes + group.total_byte_size
        if joined_rows and (rows > _SPLIT_ROWS or size_bytes > _SPLIT_MAX_BYTES):
            yield Position(first, at - first, 0), joined_rows
            joined_rows = 0
        if not joined_rows:
            first, joined_bytes = at, 0
            parts = _part_rows(group)
            if len(parts) > 1:
                yield from ((Position(at, 1, part), part_rows) for part, part_rows in enumerate(parts))
                continue
        joined_rows += group.num_rows
        joined_bytes += group.total_byte_size
    if joined_rows:
        yield Position(first, opened.num_row_groups - first, 0), joined_rows


def _part_rows(group: pq.RowGroupMetaData) -> list[int]:
    """Return how many rows each part of a row group has, so that none is larger than a split may be."""
    row_bytes = max(1, group.total_byte_size // max(1, group.num_rows))
    most = max(1, min(_SPLIT_ROWS, _SPLIT_MAX_BYTES // row_bytes))
    whole, rest = divmod(group.num_rows, most)
    return [most] * whole + [rest] * (rest > 0)


def _batches(
    file: FilePath, opened: pq.ParquetFile, groups: Sequence[int], fields: Sequence[Field]
) -> Iterator[pa.RecordBatch]:
    """Yield the parts of one row group, or several row groups as one batch."""
    metadata = [opened.metadata.row_group(at) for at in groups]
    sizes = _part_rows(metadata[0]) if len(groups) == 1 else [sum(group.num_rows for group in metadata)]
    names = [field.name for field in fields]
    batches = opened.iter_batches(sizes[0], row_groups=[*groups], columns=names, use_threads=False)
    for expected in sizes:
        batch = next(batches, None)
        found = 0 if batch is None else len(batch)
        if found != expected:
            raise _damaged(
                file, f"{found} rows in row groups {groups[0]} to {groups[-1]}, {expected} in its metadata"
            )
        yield batch


def rows_of_split(
    file: FilePath, fields: Sequence[Field], split: Split, columns: Sequence[pa.Array]
) -> SplitRows:
    """Return the rows of a split; those with a text that is not UTF-8 are bad."""
    bad: dict[int, BadRow] = {}
    for field, column in zip(fields, columns, strict=True):
        for at, error in _wrong_text(column):
            bad.setdefault(
                at,
                BadRow(
                    file=str(file),
                    line=split.first_place + at,
                    column=field.column.name,
                    value=abbreviated(error.object.decode(errors="replace")),
                    reason=not_utf8(error),
                ),
            )
    good = np.delete(np.arange(split.place_count), list(bad))
    return SplitRows(
        file=file,
        number=split.number,
        first_place=split.first_place,
        columns=[column.take(pa.array(good)) for column in columns] if bad else columns,
        empty_is_null=False,
        find_places=functools.partial(np.add, good, split.first_place),
        bad=[bad[at] for at in sorted(bad)],
    )


def _decoded(column: pa.Array, field: Field) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    column = without_views(column)
    if pa.types.is_binary(column.type) and field.column.cql_type.is_text:
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
def opened_parquet(file: FilePath) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file.

    Raises:
        RowFileError: it cannot be read, or is damaged; also where the damage shows while the block runs.
    """
    # Arrow's own words for what is no file are longer than the system's.
    is_object = isinstance(file, ObjectPath)
    with open_content(file) as content:
        try:
            with pq.ParquetFile(
                content if is_object else file,
                # A store answers late: the columns of row groups are asked for at once, in Arrow's threads.
                pre_buffer=is_object,
                buffer_size=0 if is_object else _BUFFER_BYTES,
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


def _require_consistent(file: FilePath, opened: pq.ParquetFile) -> None:
    """Return if the metadata agrees with itself on the number of rows, by which splits are counted."""
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


def _damaged(file: FilePath, what: str) -> RowFileError:
    return RowFileError(f"{file}: not a whole Parquet file: {abbreviated(what)}; write or copy it again")


def _unknown(file: FilePath, what: str) -> RowFileError:
    return RowFileError(
        f"{file}: this kind of Parquet is not read: {abbreviated(what)}; write it without encryption, in "
        "Snappy, GZIP or ZSTD, and without types nested deeply"
    )


_UNKNOWN = re.compile(r"not (currently )?(supported|built|implemented)|encrypted|too deeply nested")
_SPLIT_ROWS = 80_000
_SPLIT_MAX_BYTES = 6 << 20
_BUFFER_BYTES = 1 << 20
