"""The rows that are looked at: all of small files, parts of large ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.cql.arrowvalues import normalised
from pipeline.cql.columns import Column
from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import dialect_of_file
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.sources import describe_file, with_splits
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings.files import FilesConfig


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Some rows of files: a column for each field, and how many rows could not be taken apart."""

    columns: Sequence[pa.Array]
    bad: int
    first_fault: str
    is_whole: bool

    @property
    def rows(self) -> int:
        """How many good rows there are."""
        return len(self.columns[0])


def described(files: Sequence[FilePath], config: FilesConfig) -> list[SourceFile]:
    """Describe files, with their splits.

    Raises:
        RowFileError: one cannot be read.
    """
    found = [with_splits(describe_file(file, dialect_of_file(file, config))) for file in files]
    for file in found:
        if file.content.fault:
            raise RowFileError(file.content.fault)
    return found


def sample_of(files: Sequence[SourceFile], names: Sequence[str]) -> Sample:
    """Read some splits of the files, evenly spread.

    Raises:
        RowFileError: a file is damaged, or there is no row.
    """
    fields = [Field(Column(name, "text", is_key=False), name, allows_others=True) for name in names]
    splits = [(file, split) for file in files for split in file.content.splits]
    step = max(1, -(-len(splits) // _MOST_SPLITS))
    parts: list[list[pa.Array]] = [[] for _ in names]
    bad, first_fault = 0, ""
    for file, split in splits[::step]:
        for rows in read_splits(file, fields, [split]):
            bad += len(rows.bad)
            first_fault = first_fault or next((f"{row.line}: {row.reason}" for row in rows.bad), "")
            for part, column in zip(parts, rows.columns, strict=True):
                part.append(normalised(column))
    columns = [pa.concat_arrays(_of_one_type(part)) for part in parts if part]
    if not columns or not len(columns[0]):
        raise RowFileError(
            f"{files[0].path}: no row that can be read; {first_fault or 'there is only a header'}"
        )
    return Sample(columns=columns, bad=bad, first_fault=first_fault, is_whole=step == 1)


def _of_one_type(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    kinds = {array.type for array in arrays}
    return list(arrays) if len(kinds) == 1 else [array.cast(pa.string()) for array in arrays]


_MOST_SPLITS = 12
