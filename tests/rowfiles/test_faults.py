import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cql.columns import Column
from pipeline.cql.types import cql_type
from pipeline.errors import RowFileError, SettingError
from pipeline.rowfiles.files import write_rows
from tests.harness.rowfiles import NAMES, SOME, read, written


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": empty; a row file has at least a header"),
        ("\n", ": only line breaks; a row file has at least a header"),
        ("\nid,name,born\n", ":1: an empty line where the header must stand; remove it"),
        ("id,name\n", ": the header is 'id,name'; it must name each of"),
        ("id,name,born,more\n", ": the header is 'id,name,born,more'"),
        ("id,name,name\n", ": the header is 'id,name,name'"),
        ("id;name;born\n", ": the header is 'id;name;born'"),
        ("id,name,born\n\n1,a,\n", ":2: an empty line; remove it"),
        ("id,name,born\n \n1,a,\n", ":2: a line of blanks; remove it"),
        ("id,name,born\n,\n1,a,\n", ":2: 2 fields where the header has 3, all of them empty; remove the"),
        ("id,name,born\n1,a\n", ":2: 2 fields where the header has 3; quote values that hold a comma"),
        ("id,name,born\n1,a,b,c\n", ":2: 4 fields where the header has 3"),
        ('id,name,born\n1,"a\nb",\nx,c,\n', ":4: column id: 'x' is not a valid int: "),
        ("id,name,born\n,a,\n", ":2: column id: no value; a key column needs one"),
        ("id,name,born\n1_0,a,\n", ":2: column id: '1_0' is not a valid int: expected a whole number"),
        (
            "id,name,born\n2147483648,a,\n",
            ":2: column id: '2147483648' is not a valid int: out of range for 32 bits",
        ),
        ("id,name,born\n1,a,1815-13-10\n", ":2: column born: '1815-13-10' is not a valid date: "),
        ("id,name,born\n1,a,yesterday\n", ":2: column born: 'yesterday' is not a valid date: "),
        (f"id,name,born\n{'9' * 999},a,\n", f":2: column id: '{'9' * 80}…' is not a valid int: "),
        ('id,name,born\n1,"a,\n', ":2: not CSV: a quote is open to the file's end; look for a quote"),
        ('id,name,born\n1,"a"b,\n', ":2: not CSV: text after a closing quote; look for a quote"),
        ("id,name,born\n1,a,\n2,b\nx,c,\n", ":3: 2 fields where the header has 3"),
        ("id,name,born\nx,a,\n2,b\n", ":2: column id: 'x' is not a valid int: "),
        (b"id,name,born\n1,a,\n2,\xe9,\n", r":3: not UTF-8 \(byte 0xe9\); convert the file"),
        ("id,name,born\n1,a,\n".encode("utf-16"), ":1: not UTF-8 but UTF-16; read it with --encoding utf-16"),
    ],
)
def test_a_fault_in_csv_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    """Each fault raises a RowFileError that names the file, the line and the value."""
    with pytest.raises(RowFileError, match=f"rows.csv{message}"):
        read(written(tmp_path, "rows.csv", content))


def test_the_line_of_a_wrong_byte_is_right_in_a_large_file(tmp_path: Path) -> None:
    """The line of an invalid byte is exact, although text is decoded in blocks."""
    lines = "".join(f"{number},name,\n" for number in range(50_000)).encode()
    file = written(tmp_path, "rows.csv", b"id,name,born\n" + lines + b"50000,\xff,\n")
    with pytest.raises(RowFileError, match=r"rows.csv:50002: not UTF-8 \(byte 0xff\)"):
        read(file)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": [1]}, ": the header is 'id'; it must name each of"),
        ({"id": [1, None], "name": ["a", "b"]}, ": row 2: column id: no value; a key column needs one"),
        (
            {"id": [1, 1 << 40], "name": ["a", "b"]},
            ": row 2: column id: '1099511627776' is not a valid int: out of ran",
        ),
        ({"id": ["1", "x"], "name": ["a", "b"]}, ": row 2: column id: 'x' is not a valid int"),
        ({"id": [1.5], "name": ["a"]}, r": row 1: column id: '1\.5' is not a valid int"),
        ({"id": [""], "name": ["a"]}, ": row 1: column id: no value; a key column needs one"),
        ({"id": [1], "name": [b"\xff"]}, r": row 1: not UTF-8 \(byte 0xff\); convert the file"),
        (
            {"id": pa.array([1 << 30], pa.date32()), "name": ["a"]},
            ": row 1: column id: .* is not a valid int",
        ),
    ],
)
def test_a_fault_in_parquet_is_named(tmp_path: Path, values: dict[str, list[object]], message: str) -> None:
    """Each fault raises a RowFileError that names the file, the row and the value."""
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table(values), file)
    with pytest.raises(RowFileError, match=f"rows.parquet{message}"):
        read(file, NAMES[:2])


def test_every_cut_of_a_parquet_file_is_noticed(tmp_path: Path) -> None:
    """A Parquet file that lost any part of its end is refused."""
    whole = tmp_path / "whole.parquet"
    write_rows(whole, NAMES, SOME)
    content = whole.read_bytes()
    for size in (0, 4, len(content) // 2, len(content) - 1):
        with pytest.raises(RowFileError, match=r"cut.parquet: not a whole Parquet file: .*; write or copy"):
            read(written(tmp_path, "cut.parquet", content[:size]))


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        ("boolean", "yes"),
        ("tinyint", "128"),
        ("bigint", "1e3"),
        ("decimal", "NaN"),
        ("float", "1e400_"),
        ("float", "1e39"),
        ("timestamp", "2026-11-22 25:00"),
        ("time", "24:00"),
        ("inet", "1.2.3"),
        ("inet", "fe80::1%eth0"),
        ("blob", "00ff"),
        ("blob", "0x0"),
        ("ascii", "é"),
        ("timeuuid", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
        ("list<int>", "[1, null]"),
        ("list<int>", "1"),
        ("set<int>", '{"1": 2}'),
        ("map<text, int>", "[1]"),
        ("map<text, int>", '{"a": "x"}'),
        ("list<int>", "[1"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(tmp_path: Path, type_name: str, text: str) -> None:
    """Text that is not valid for its column's type is refused before it reaches the server."""
    columns = [Column("value", type_name, is_key=False)]
    file = tmp_path / "rows.csv"
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([["value"], [text]])
    with pytest.raises(RowFileError, match=r":2: column value: .* is not a valid "):
        read(file, columns)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("::ffff:1.2.3.4", "1.2.3.4"), ("::1.2.3.4", "::1.2.3.4"), ("2001:DB8::0:1", "2001:db8::1")],
)
def test_an_address_is_read_as_the_server_keeps_it(text: str, kept: str) -> None:
    """An address can be written in several ways; it is read in the form that the table returns."""
    assert cql_type("inet").parse(text) == kept


@pytest.mark.parametrize("name", ["map<int>", "list<no>"])
def test_a_type_that_row_files_cannot_carry_is_refused(name: str) -> None:
    """A column of a type without a text form is refused by the type's name."""
    with pytest.raises(SettingError, match=r"row files cannot carry the CQL type"):
        cql_type(name)
