import csv
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cql.columns import Column
from pipeline.errors import OutputError, RowFileError, SettingError
from pipeline.load.shard import count_rows
from pipeline.rowfiles.badrows import BadRow, ErrorBudget, read_bad_places, write_bad_rows
from pipeline.rowfiles.dialect import Dialect, dialect_beside
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file

FIELDS = [
    Field(Column("id", "int", is_key=True), "id"),
    Field(Column("name", "text", is_key=False), "name"),
]


def bad_row(file: Path | str, line: int, column: str = "id", value: str = "x") -> BadRow:
    """Return a bad row at this place."""
    return BadRow(file=str(file), line=line, column=column, value=value, reason="is not an int")


@pytest.mark.parametrize(
    ("text", "bad", "rows", "at_end", "exceeded"),
    [
        ("0", 0, 10, True, False),
        ("0", 1, 10**6, False, True),
        ("100", 100, 100, True, False),
        ("100", 101, 10**6, False, True),
        ("1.5%", 15, 1000, False, False),
        ("1.5%", 16, 1000, False, True),
        ("1.5%", 999, 999, False, False),
        ("1.5%", 1, 10, True, True),
        ("0%", 1, 1000, False, True),
        (" 100 % ", 1000, 1000, True, False),
        ("50%", 0, 0, True, False),
    ],
)
def test_a_budget_is_a_number_or_a_share(
    text: str,
    bad: int,
    rows: int,
    at_end: bool,  # noqa: FBT001 - pytest passes parameters by name
    exceeded: bool,  # noqa: FBT001 - as above
) -> None:
    """A number is exceeded by one row more; a share only after 1,000 rows, or at the end."""
    assert ErrorBudget.parse(text).exceeded(bad, rows, at_end=at_end) is exceeded


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "1e3", "%", "ten", "1_000", "nan%", "٣", "1%%"])
def test_a_budget_that_is_neither_is_refused(text: str) -> None:
    """A budget that is not a number of rows or a percentage is refused with the valid forms."""
    with pytest.raises(
        SettingError, match=r"max_bad_rows is .*; it must be a number of rows, such as 100, or"
    ):
        ErrorBudget.parse(text)


@pytest.mark.parametrize("text", ["0", "100", "1.5%", "0%"])
def test_a_budget_says_what_it_is(text: str) -> None:
    """A budget's text is the text that it was made from."""
    assert str(ErrorBudget.parse(text)) == text


def test_bad_rows_are_listed_for_a_person(tmp_path: Path) -> None:
    """Each fault is one record of a CSV file with a header, whatever its value contains."""
    target = tmp_path / "bad_rows.csv"
    values = ["x", 'a "b", c', "line\r\nbreak", "\r", "\0", ""]
    assert write_bad_rows(target, [bad_row("a.csv", at, value=text) for at, text in enumerate(values)]) == 6
    with target.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, strict=True))
    assert [row["value"] for row in found] == values
    said = {"file": "a.csv", "line": "0", "column": "id", "value": "x", "reason": "is not an int", "row": ""}
    assert found[0] == said


def test_bad_rows_of_one_line_are_told_apart(tmp_path: Path) -> None:
    """The places of bad rows are read back: a row's number where it has one, else its line."""
    target = tmp_path / "bad_rows.csv"
    rows = [bad_row("a.csv", 7), *(replace(bad_row("b.json", 1), row=at) for at in (3, 5, 5))]
    write_bad_rows(target, rows)
    assert read_bad_places(target) == {"a.csv": {7}, "b.json": {3, 5}}
    assert count_rows(rows) == 3
    assert [row.where for row in rows[:2]] == ["a.csv:7", "b.json:1 (row 3)"]
    # As it was written before rows had numbers.
    target.write_text("file,line,column,value,reason\na.csv,7,id,x,no\n", encoding="utf-8")
    assert read_bad_places(target) == {"a.csv": {7}}


def test_a_list_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A folder that cannot be created is named in the error."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file/bad_rows.csv: File exists"):
        write_bad_rows(tmp_path / "file" / "bad_rows.csv", [])


def test_rejected_rows_are_the_bytes_of_their_source(tmp_path: Path) -> None:
    """Rows are copied unchanged under their header, in the file's order, once each, whatever is wrong."""
    good = "".join(f"{at},Ada\n" for at in range(100_000)).encode()
    wrong = [b'x,"a\r\nb"\r\n', b"1,\xff\n", b"1\n", b'1,"a"b\n', b'2,"open\n']
    source = tmp_path / "rows.csv"
    source.write_bytes(b"\xef\xbb\xbfid,name\r\n" + wrong[0] + good + b"".join(wrong[1:]))
    target = tmp_path / "rejected.csv"
    lines = [100_006, 100_005, 2, 2, 100_004, 100_007]
    rows = write_rejected(target, FIELDS, [bad_row(source, line) for line in lines], [describe_file(source)])
    assert rows == {target: 5}
    assert target.read_bytes() == b"id,name\r\n" + b"".join(wrong)


def test_rejected_rows_of_many_files_have_one_header(tmp_path: Path) -> None:
    """Rows of files with other orders of fields, and of Parquet, are below the first file's header."""
    first, other, parquet = tmp_path / "1.csv", tmp_path / "2.csv", tmp_path / "3.parquet"
    first.write_bytes(b"id,more,name\nx,m,Ada\n")
    other.write_bytes(b'name,id\n"Ada, b",y\na,b,c\n')
    names = pa.array([b"Ada", b"\xff", None], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"name": names, "id": pa.array([1 << 40, 2, 3])}), parquet)
    target = tmp_path / "rejected.csv"
    bad = [
        bad_row(file, line) for file, line in ((first, 2), (other, 3), (other, 2), (parquet, 1), (parquet, 2))
    ]
    assert sum(write_rejected(target, FIELDS, bad, map(describe_file, (first, other, parquet))).values()) == 5
    assert target.read_bytes() == (
        b'id,more,name\nx,m,Ada\ny,,"Ada, b"\na,b,c\n1099511627776,,Ada\n2,,\xff\n'
    )


def test_rejected_rows_of_two_formats_keep_the_dialect_of_one(tmp_path: Path) -> None:
    """Rejected rows of CSV are read with their dialect, also where rows of JSON Lines lie beside them."""
    rows, lines = tmp_path / "1.csv", tmp_path / "2.jsonl"
    rows.write_text("id;name\nx;Ada\n", encoding="utf-8")
    lines.write_text('{"id":"x"}\n', encoding="utf-8")
    target = tmp_path / "out" / "rejected.csv"
    described = [describe_file(rows, Dialect(delimiter=";")), describe_file(lines)]
    write_rejected(target, FIELDS, [bad_row(rows, 2), bad_row(lines, 1)], described)
    assert dialect_beside(target) == Dialect(delimiter=";")
    write_rejected(target, FIELDS, [bad_row(lines, 1)], described)
    write_rejected(target, FIELDS, [], described)
    assert dialect_beside(target) is None


def test_no_bad_rows_give_a_file_without_rows(tmp_path: Path) -> None:
    """If nothing was rejected, the file has only a header, and loads as no rows."""
    target = tmp_path / "rejected.csv"
    assert sum(write_rejected(target, FIELDS, [], []).values()) == 0
    assert target.read_bytes() == b"id,name\n"


def test_a_source_that_is_gone_is_named(tmp_path: Path) -> None:
    """If a source was removed in the meantime, it is named, and no incomplete file is left."""
    target, gone = tmp_path / "rejected.csv", tmp_path / "gone.csv"
    gone.write_text("id,name\nx,a\n", encoding="utf-8")
    described = describe_file(gone)
    gone.unlink()
    with pytest.raises(RowFileError, match=r"cannot read .*gone.csv: No such file or directory"):
        write_rejected(target, FIELDS, [bad_row(gone, 2)], [described])
    assert not target.exists()
