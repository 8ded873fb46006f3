from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.sources import describe_file
from tests.harness.rowfiles import splits_of_file

FIELDS = [
    Field(Column("id", "int", is_key=True), "id"),
    Field(Column("name", "text", is_key=False), "name"),
]


def written(
    folder: Path, rows: int, *, group_rows: int = 1 << 20, name: str = "Ada", **options: object
) -> Path:
    """Return a Parquet file of numbered rows, with a field that belongs to no column."""
    file = folder / "rows.parquet"
    table = pa.table({"more": ["m"] * rows, "name": [name] * rows, "id": np.arange(rows, dtype=np.int32)})
    pq.write_table(table, file, row_group_size=group_rows, **options)
    return file


def test_splits_are_parts_of_row_groups_or_several(tmp_path: Path) -> None:
    """A split has at most 80,000 rows: a part of a row group, or several groups; no row is left out."""
    for group_rows, first_rows in (
        (150_000, [1, 80_001, 150_001, 230_001, 300_001]),
        (30_000, [1, 60_001, 120_001, 180_001, 240_001]),
        (80_000, [1, 80_001, 160_001, 240_001]),
    ):
        file = written(tmp_path, 300_003, group_rows=group_rows)
        splits = list(splits_of_file(file, FIELDS))
        assert [split_rows.number for split_rows in splits] == list(range(len(first_rows)))
        assert [split_rows.first_place for split_rows in splits] == first_rows
        assert np.concatenate([split_rows.lines for split_rows in splits]).tolist() == list(range(1, 300_004))
        keys = pa.chunked_array([split_rows.columns[0] for split_rows in splits])
        assert keys.to_pylist() == list(range(300_003))
    assert {str(column.type) for split_rows in splits for column in split_rows.columns} == {"int32", "string"}


def test_an_empty_row_group_does_not_enlarge_a_split(tmp_path: Path) -> None:
    """Empty row groups before and after a large one have no split, and do not change how it is divided."""
    file = tmp_path / "rows.parquet"
    rows = pa.table({"id": np.arange(150_000, dtype=np.int32), "name": ["Ada"] * 150_000})
    with pq.ParquetWriter(file, rows.schema) as writer:
        for part in (rows[:0], rows, rows[:0]):
            writer.write_table(part, row_group_size=150_000)
    assert pq.ParquetFile(file).num_row_groups == 3
    splits = list(splits_of_file(file, FIELDS))
    assert [len(split_rows.lines) for split_rows in splits] == [80_000, 70_000]


@pytest.mark.parametrize("wanted", [set(), {0}, {1, 3}, {2}, {4}])
@pytest.mark.parametrize("group_rows", [30_000, 150_000])
def test_only_wanted_splits_are_read(tmp_path: Path, wanted: set[int], group_rows: int) -> None:
    """A split has the same number, place and rows, whichever other splits are read."""
    file = written(tmp_path, 300_003, group_rows=group_rows)
    every = {split_rows.number: split_rows for split_rows in splits_of_file(file, FIELDS)}
    some = {split_rows.number: split_rows for split_rows in splits_of_file(file, FIELDS, wanted)}
    assert some.keys() == wanted
    for number, split_rows in some.items():
        assert split_rows.first_place == every[number].first_place
        assert split_rows.columns == every[number].columns


def test_row_groups_not_wanted_are_not_decoded(tmp_path: Path) -> None:
    """Damage in a row group without a wanted split is not noticed."""
    file = written(tmp_path, 160_000, group_rows=80_000, compression="none", write_page_checksum=True)
    content = bytearray(file.read_bytes())
    content[100:200] = bytes(100)
    file.write_bytes(content)
    [split_rows] = splits_of_file(file, FIELDS, {1})
    assert split_rows.columns[0][0].as_py() == 80_000


def test_wide_rows_make_small_splits(tmp_path: Path) -> None:
    """Of rows of 100 kB, a split has about 60: 6 MiB in all."""
    file = tmp_path / "rows.parquet"
    names = pa.array([f"{at:0100000}" for at in range(200)])
    pq.write_table(pa.table({"id": range(200), "name": names}), file, use_dictionary=False)
    sizes = [len(split_rows.lines) for split_rows in splits_of_file(file, FIELDS)]
    assert sum(sizes) == 200
    assert max(sizes) in range(45, 70)


def test_text_that_is_not_utf8_is_a_bad_row(tmp_path: Path) -> None:
    """A row with invalid UTF-8 is left out and listed with its number; the other rows keep their numbers."""
    file = tmp_path / "rows.parquet"
    names = pa.array([b"Ada", b"J\xfcrg", b"Eve"], pa.binary()).view(pa.string())
    for values in (names, names.dictionary_encode()):
        pq.write_table(pa.table({"id": [1, 2, 3], "name": values}), file)
        [split_rows] = splits_of_file(file, FIELDS)
        assert [column.to_pylist() for column in split_rows.columns] == [[1, 3], ["Ada", "Eve"]]
        assert split_rows.lines.tolist() == [1, 3]
        [bad] = split_rows.bad
        assert (bad.file, bad.line, bad.column, bad.value) == (str(file), 2, "name", "J\ufffdrg")
        assert bad.reason.startswith("not UTF-8 (byte 0xfc)")


def test_a_file_without_rows_has_no_splits(tmp_path: Path) -> None:
    """A file with only a schema is a complete file without rows."""
    file = written(tmp_path, 0)
    assert not describe_file(file).content.fault
    assert not list(splits_of_file(file, FIELDS))


def test_damage_ends_the_reading_at_its_split(tmp_path: Path) -> None:
    """The splits before a page that cannot be decoded are read; its own raises, naming the file."""
    file = written(tmp_path, 240_000, group_rows=80_000, compression="zstd")
    content = bytearray(file.read_bytes())
    start = pq.read_metadata(file).row_group(2).column(2).data_page_offset
    content[start + 40 : start + 60] = bytes(20)
    file.write_bytes(content)
    splits = splits_of_file(file, FIELDS)
    assert [len(next(splits).lines) for _ in range(2)] == [80_000, 80_000]
    with pytest.raises(RowFileError, match=r"rows.parquet: not a whole Parquet file: .*; write or copy it"):
        next(splits)


def test_a_folder_or_nothing_is_no_parquet_file(tmp_path: Path) -> None:
    """A file that cannot be opened is named with the system's reason."""
    (tmp_path / "x.parquet").mkdir()
    for name in ("x.parquet", "no.parquet"):
        with pytest.raises(RowFileError, match=f"cannot read .*{name}: .*; check that it is a file"):
            list(splits_of_file(tmp_path / name, FIELDS))


def compressed_by_lzo(file: Path) -> None:
    """Change a file's metadata so that its first column is compressed by LZO."""
    pq.write_table(pa.table({"id": [1], "name": ["a"]}), file, compression="snappy")
    snappy = b"\x19\x18\x02id\x15\x02"
    file.write_bytes(file.read_bytes().replace(snappy, snappy[:-1] + b"\x06"))


def nested_deeply(file: Path) -> None:
    """Write lists in lists, a hundred levels deep."""
    values = pa.array([1])
    for _ in range(100):
        values = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), values)
    pq.write_table(pa.table({"id": [1], "name": values}), file)


def encrypted(file: Path) -> None:
    """Write the first and last bytes of an encrypted file."""
    pq.write_table(pa.table({"id": [1], "name": ["a"]}), file)
    file.write_bytes(b"PARE" + file.read_bytes()[4:-4] + b"PARE")


@pytest.mark.parametrize("write", [compressed_by_lzo, nested_deeply, encrypted])
def test_what_arrow_cannot_read_is_not_called_damaged(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """A valid file of an unsupported kind is refused with how to write it, not called damaged."""
    write(tmp_path / "rows.parquet")
    with pytest.raises(
        RowFileError, match=r"rows.parquet: this kind of Parquet is not read: .*; write it"
    ) as refused:
        list(splits_of_file(tmp_path / "rows.parquet", FIELDS))
    assert "copy" not in str(refused.value)
