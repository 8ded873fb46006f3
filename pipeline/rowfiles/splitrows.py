"""The rows of one split of a file."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.splits import Split
from pipeline.rowfiles.stores.paths import FilePath

Places = npt.NDArray[np.int64]
"""The places of rows, or the lines on which they begin."""


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """The rows of one split of a file.

    `number` and `first_place` are the split's. Each array of `columns` has a value for each good row, in the
    order of the fields asked for: of a text format `pa.string()`, else of the file's own types, dictionaries
    decoded. `empty_is_null` is true where the format has one form for null and the empty text; it is read as
    null. `bad` holds the rows that could not be taken apart, each with its place; they are in no array.
    `find_places` and `find_lines` are called when first asked for, because few who read splits ask; without
    `find_lines`, the places are the lines. `sha256` is that of the split's text, in hex, in a file that is
    streamed.
    """

    file: FilePath
    number: int
    first_place: int
    columns: Sequence[pa.Array]
    empty_is_null: bool
    find_places: Callable[[], Places]
    find_lines: Callable[[], Places] | None = None
    bad: Sequence[BadRow] = ()
    sha256: str = ""

    @functools.cached_property
    def places(self) -> Places:
        """The place of each good row."""
        return self.find_places()

    @functools.cached_property
    def lines(self) -> Places:
        """The line on which each good row begins; in a file without lines, its place."""
        return self.find_lines() if self.find_lines else self.places

    def with_columns(self, columns: Sequence[pa.Array]) -> "SplitRows":
        """Return the same rows with other columns."""
        return replace(self, columns=columns)


def split_rows_of(
    file: FilePath,
    split: Split,
    columns: Sequence[pa.Array],
    find_places: Callable[[], Places],
    bad: Sequence[BadRow] = (),
    *,
    empty_is_null: bool,
    find_lines: Callable[[], Places] | None = None,
) -> SplitRows:
    """Return the rows of a split of a text."""
    return SplitRows(
        file=file,
        number=split.number,
        first_place=split.first_place,
        columns=columns,
        empty_is_null=empty_is_null,
        find_places=find_places,
        find_lines=find_lines,
        bad=bad,
    )
