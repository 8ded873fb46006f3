import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError, SettingError
from pipeline.rowfiles.fields import match_fields
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.headers import Header
from pipeline.rowfiles.sources import describe_file
from pipeline.settings.columns import ColumnsConfig

COLUMNS = [
    Column("id", "int", is_key=True),
    Column("name", "text", is_key=False),
    Column("born", "date", is_key=False),
]
FILE = Path("rows.csv")


def names(mapping: dict[str, str], header: list[str], **config: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - settings
    """Return the name of each field with the name of its column."""
    columns = ColumnsConfig(mapping=tuple(mapping.items()), **config)
    fields = match_fields(Header(FILE, tuple(header), is_text=True), COLUMNS, columns)
    return [(field.name, field.column.name) for field in fields]


def test_a_header_names_the_columns_in_any_order() -> None:
    """Without a mapping each column takes the field of its name; the result has the table's order."""
    assert names({}, ["born", "id", "name"]) == [("id", "id"), ("name", "name"), ("born", "born")]


def test_a_mapping_takes_what_it_names() -> None:
    """With a mapping only its fields are loaded, in the table's order; other fields are ignored."""
    mapping = {"Full name": "name", "No.": "id"}
    assert names(mapping, ["x", "No.", "x", "Full name"]) == [("No.", "id"), ("Full name", "name")]


@pytest.mark.parametrize(
    ("mapping", "kind", "message"),
    [
        (
            {"no": "id", "x": "nmae"},
            SettingError,
            "mapping: field 'x' is to feed column 'nmae', which is not there; did you mean 'name'?",
        ),
        ({"no": "id", "x": "???"}, SettingError, "which is not there; there are 'id,name,born'"),
        (
            {"no": "id", "num": "id"},
            SettingError,
            "mapping: column 'id' is fed by both 'no' and 'num'; keep one",
        ),
        (
            {"x": "name"},
            SettingError,
            "mapping: no field feeds column 'id', which is in the primary key; add one",
        ),
        (
            {"no": "id", "nume": "name"},
            RowFileError,
            "no field 'nume' in its header, which the mapping wants for column 'name'; did you mean 'num'?",
        ),
        (
            {"dup": "id"},
            RowFileError,
            "rows.csv: the header names 'dup' 2 times, which the mapping wants for",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    mapping: dict[str, str], kind: type[Exception], message: str
) -> None:
    """A mapping must fit the table and the header: the message names field, column and a near match."""
    with pytest.raises(kind, match=re.escape(message)):
        names(mapping, ["no", "num", "dup", "dup", "x"])


def test_every_header_is_looked_at_first(tmp_path: Path) -> None:
    """A wrong header of the last file is found before a row of the first file is read."""
    for name, header in (("1.csv", "id,name,born"), ("2.csv", "born,id,name"), ("3.csv", "id,name")):
        (tmp_path / name).write_text(f"{header}\n", encoding="utf-8")
    files = [describe_file(file) for file in sorted(tmp_path.iterdir())]
    with pytest.raises(RowFileError, match=r"3\.csv: the header is 'id,name'; it must name each of"):
        plan_fields(files, COLUMNS)
    assert len(plan_fields(files[:2], COLUMNS)) == 3


def test_fields_are_found_by_name_in_each_file(tmp_path: Path) -> None:
    """Files whose headers have different orders give the same columns."""
    (tmp_path / "1.csv").write_text("id,x,name\n1,-,Ada\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text("name,id\nAda,1\n", encoding="utf-8")
    files = [describe_file(file) for file in sorted(tmp_path.iterdir())]
    fields = plan_fields(files, COLUMNS, ColumnsConfig(mapping=(("name", "name"), ("id", "id"))))
    for file in files:
        [split_rows] = read_splits(file, fields)
        assert [column.to_pylist() for column in split_rows.columns] == [["1"], ["Ada"]]
