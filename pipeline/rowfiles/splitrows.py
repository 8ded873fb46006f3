"""The rows of one split of a file."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.splits import Split

Lines = npt.NDArray[np.int64]
"""Where rows begin: lines of a CSV file, or numbers of rows in a Parquet file, from 1."""


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """The rows of one split of a file.

    `number` and `first_line` are the split's. Each array of `columns` has a value for each good row, in the
    order of the fields asked for: of a text format `pa.string()`, else of the file's own types, dictionaries
    decoded. `empty_is_null` is true where the format has one form for null and the empty text; it is read as
    null. `bad` holds the rows that could not be taken apart, each with its place; they are in no array.
    """

    file: Path
    number: int
    first_line: int
    columns: Sequence[pa.Array]
    empty_is_null: bool
    find_lines: Callable[[], Lines]
    bad: Sequence[BadRow] = ()

    @functools.cached_property
    def lines(self) -> Lines:
        """Where each good row begins; found when first asked for, because few who read splits ask."""
        return self.find_lines()

    def with_columns(self, columns: Sequence[pa.Array]) -> "SplitRows":
        """Return the same rows with other columns."""
        return replace(self, columns=columns)


def split_rows_of(
    file: Path,
    split: Split,
    columns: Sequence[pa.Array],
    find_lines: Callable[[], Lines],
    bad: Sequence[BadRow] = (),
    *,
    empty_is_null: bool,
) -> SplitRows:
    """Return the rows of a split of a text."""
    return SplitRows(
        file=file,
        number=split.number,
        first_line=split.first_line,
        columns=columns,
        empty_is_null=empty_is_null,
        find_lines=find_lines,
        bad=bad,
    )
