import csv
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cql.columns import Column
from pipeline.rowfiles.files import write_rows
from tests.harness.rowfiles import NAMES, SOME, read, written


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfid,name,born\n1,Ada,1815-12-10\n2,"a ""b"", c\n\rd\r\n",\n3,,\n',
        b'id,name,born\r\n1,Ada,1815-12-10\r\n2,"a ""b"", c\n\rd\r\n",\r\n3,,\r\n',
        b'born,id,name\n1815-12-10,1,"Ada"\n"",2,"a ""b"", c\n\rd\r\n"\n,3,\n',
    ],
    ids=["byte-order mark", "CRLF", "another order"],
)
def test_csv_as_others_write_it(tmp_path: Path, content: bytes) -> None:
    """A byte-order mark, CRLF and another order of columns make no difference; quoted text is unchanged."""
    assert read(written(tmp_path, "rows.csv", content)) == SOME


def test_csv_is_what_the_csv_module_reads(tmp_path: Path) -> None:
    """A row file is plain CSV with a header, which any CSV reader understands."""
    file = tmp_path / "rows.csv"
    write_rows(file, NAMES, [*SOME, (4, "a\rb", None)])
    with file.open(encoding="utf-8", newline="") as text:
        assert list(csv.reader(text)) == [
            ["id", "name", "born"],
            ["1", "Ada", "1815-12-10"],
            ["2", 'a "b", c\n\rd\r\n', ""],
            ["3", "", ""],
            ["4", "a\rb", ""],
        ]


def test_parquet_has_the_types_of_the_columns(tmp_path: Path) -> None:
    """Parquet holds numbers, dates and timestamps in their own types, for other readers of the file."""
    columns = [Column(name, name, is_key=False) for name in ("bigint", "double", "date", "timestamp", "blob")]
    file = tmp_path / "rows.parquet"
    write_rows(file, columns, [(1, 0.5, date(2026, 11, 22), datetime(2026, 11, 22, 1, 2, 3), b"\0")])  # noqa: DTZ001 - naive is UTC
    assert [str(kind) for kind in pq.read_schema(file).types] == [
        "int64",
        "double",
        "date32[day]",
        "timestamp[ms, tz=UTC]",
        "binary",
    ]


def test_parquet_as_others_write_it(tmp_path: Path) -> None:
    """Wider numbers, text in place of numbers, and another order of columns load from Parquet."""
    file = tmp_path / "rows.parquet"
    table = {"born": ["1815-12-10", None], "id": pa.array([1, 2], pa.int64()), "name": ["Ada", None]}
    pq.write_table(pa.table(table), file)
    assert read(file) == [(1, "Ada", date(1815, 12, 10)), (2, None, None)]


def test_parquet_tells_an_empty_text_from_none(tmp_path: Path) -> None:
    """In Parquet an empty text is not null; CSV writes both in the same way."""
    file = tmp_path / "rows.parquet"
    write_rows(file, NAMES[:2], [(1, ""), (2, None)])
    assert read(file, NAMES[:2]) == [(1, ""), (2, None)]


def test_parquet_text_without_its_type_is_text(tmp_path: Path) -> None:
    """Bytes and dictionaries for a column of text are read as text."""
    file = tmp_path / "rows.parquet"
    names = pa.array([b"Ada", None], pa.binary())
    for values in (names, names.view(pa.string()).dictionary_encode()):
        pq.write_table(pa.table({"id": [1, 2], "name": values}), file)
        assert read(file, NAMES[:2]) == [(1, "Ada"), (2, None)]


def test_a_moment_finer_than_a_microsecond_is_read(tmp_path: Path) -> None:
    """Nanoseconds, which Python cannot represent, are truncated to the server's precision."""
    file = tmp_path / "rows.parquet"
    columns = [NAMES[0], Column("at", "timestamp", is_key=False)]
    pq.write_table(pa.table({"id": [1], "at": pa.array([1_001_000_001], pa.timestamp("ns"))}), file)
    assert read(file, columns) == [(1, datetime(1970, 1, 1, 0, 0, 1, 1000))]  # noqa: DTZ001 - naive is UTC
