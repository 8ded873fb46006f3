from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from tests.harness.rowfiles import splits_of_file
from tests.harness.workspace import PROJECT

CASES = PROJECT / "tests/cases"


def column(name: str, type_name: str) -> Column:
    """Return a column of this type."""
    return Column(name, type_name, is_key=False)


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("timestamp", "1612010112345", "ISO 8601"),
        ("timestamp", "20230808120000Z", "ISO 8601"),
        ("timestamp", "2023-08-08T12", "ISO 8601"),
        ("timestamp", "2023-W01-1", "ISO 8601"),
        ("date", "20230808", "a date such as"),
        ("list<text>", "['a', 'b']", 'JSON such as ["a", …]'),
        ("blob", "yv66vg==", "0x and two"),
        ("decimal", r"\N", "a number such as"),
        ("decimal", "1.234,56", "a number such as"),
        ("int", "30.0", "astype('Int64')"),
        ("int", "nan", "astype('Int64')"),
        ("bigint", "1,234", "without commas"),
        ("int", " 7 ", "a whole number"),
        ("int", "+5", "a whole number"),
        ("boolean", "1", "true or false"),
        ("double", "+1", "a number such as"),
    ],
)
def test_what_is_not_documented_is_refused(type_name: str, text: str, expected: str) -> None:
    """A text outside of its type's grammar is refused by both encoders; the reason says what is expected."""
    for encode in (encode_column, encode_values):
        encoded, reasons = encode(column("value", type_name), pa.array([text]))
        assert encoded.null_count == 1
        assert expected in reasons[0]
        assert "class" not in reasons[0]


def test_int96_is_the_moment_that_it_is() -> None:
    """INT96 moments before 1678 and after 2262 are read exactly."""
    fields = [Field(column("at", "timestamp"), "at")]
    [split_rows] = splits_of_file(CASES / "15-int96" / "int96.parquet", fields)
    encoded, _ = encode_column(fields[0].column, split_rows.columns[0])
    found = [None if cell is None else int.from_bytes(cell, signed=True) for cell in encoded.to_pylist()]
    assert found == [253_402_300_799_000, 1_136_185_445_000, -28_502_755_200_000, None]


def test_a_bad_row_beside_arrows_views(tmp_path: Path) -> None:
    """A bad row in a file of view types is left out and written to the rejected rows, as in other files."""
    file = CASES / "47-string-view" / "bad.parquet"
    fields = [Field(column(name, kind), name) for name, kind in (("id", "int"), ("name", "text"))]
    [split_rows] = splits_of_file(file, fields)
    assert [each.take(pa.array([0, 2])).to_pylist() for each in split_rows.columns] == [
        ["1", "3"],
        ["a", "c"],
    ]
    bad = BadRow(file=str(file), line=2, column="id", value="x", reason="x")
    assert sum(write_rejected(tmp_path / "rejected.csv", fields, [bad], [describe_file(file)]).values()) == 1
    assert (tmp_path / "rejected.csv").read_bytes() == b"id,name\nx,b\n"
