"""JSON Lines: the same values by columns as row by row, and every fault with its line."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError, SettingError
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.objects.fields import Objects
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from tests.harness.rowfiles import mapped, splits_of_file
from tests.rowfiles.test_csvfile import PROVE

COLUMNS = [
    Column("id", "int", is_key=True),
    Column("name", "text", is_key=False),
    Column("tags", "list<text>", is_key=False),
]
FIELDS = [Field(column, column.name) for column in COLUMNS]
PIECES = st.sampled_from(
    [
        '{"id":1',
        "}",
        "{",
        ',"name":',
        '"a"',
        '"\\u00e9"',
        '"\\ud800"',
        "null",
        "\n",
        "\r\n",
        " ",
        '"id":2',
        ",",
        "[1]",
        "1e400",
        "\udcff",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
MEMBERS = st.tuples(
    st.sampled_from(['"id"', '"name"', '"tags"', '"o"', '"\\u0069d"', '"x\\"id"', '"\udcff"']),
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False))
    | st.sampled_from(
        [
            '{"tags":1}',
            '{"tags":1,"tags":2}',
            '{"x":{"tags":1}}',
            '"\\\\"',
            '"]\\\\\\"{"',
            '"\udcff"',
            "1" * 5000,
        ]
    ),
)
OBJECTS = st.dictionaries(st.sampled_from(["id", "name", "tags"]), VALUES).map(
    lambda row: json.dumps(row, ensure_ascii=False) + "\n"
) | st.lists(MEMBERS, max_size=4).map(
    lambda members: "{" + ",".join(f"{key}:{value}" for key, value in members) + "}\n"
)
POINTERS = [
    Field(column, name, allows_others=True)
    for column, name in zip(COLUMNS, ["id", "name", "/o/tags"], strict=True)
]


def read(
    file: Path, fields: list[Field] = FIELDS, dialect: Dialect | None = None
) -> tuple[list[tuple[object, ...]], list[BadRow]]:
    """Return the rows of a file, each with its line, and the bad ones."""
    rows: list[tuple[object, ...]] = []
    bad: list[BadRow] = []
    for split in splits_of_file(file, fields, dialect=dialect):
        values = [column.to_pylist() for column in split.columns]
        rows += zip(split.lines.tolist(), *values, strict=True)
        bad += split.bad
    return rows, bad


def written(folder: Path | str, text: str | bytes, name: str = "rows.jsonl") -> Path:
    """Return a file with this text."""
    file = Path(folder, name)
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return file


@PROVE
@given(
    text=st.lists(OBJECTS, max_size=20).map("".join) | st.lists(PIECES, max_size=40).map("".join),
    fields=st.sampled_from([FIELDS, POINTERS]),
    split_bytes=st.sampled_from([8, 64, 1 << 20]),
)
@example(text='{"id":1}{"id":2}\n\n', fields=FIELDS, split_bytes=1 << 20)
@example(text='{"id":1,"id":2}\n{"name":"a"}\n', fields=FIELDS, split_bytes=1 << 20)
@example(text='{"id":\n1}\n', fields=FIELDS, split_bytes=1 << 20)
@example(text='{"id":1,"\\u0069d":2}\n', fields=FIELDS, split_bytes=1 << 20)
@example(text='{"o":{},"o":{"tags":1}}\n{"id":1}\n', fields=POINTERS, split_bytes=1 << 20)
def test_columns_at_once_are_the_rows_one_by_one(text: str, fields: list[Field], split_bytes: int) -> None:
    """For any split ends, the rows, lines and bad rows are those of a reading line by line."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = written(folder, text + "\n")
        if describe_file(file).content.fault:
            return
        with pytest.MonkeyPatch.context() as by_rows:
            by_rows.setattr(Objects, "columns", lambda *_, **__: None)
            expected = read(file, fields)
        patch.setattr("pipeline.rowfiles.formats.jsonl.format._SPLIT_BYTES", split_bytes)
        assert read(file, fields) == expected


def test_values_stand_as_they_are(tmp_path: Path) -> None:
    """No number loses a digit, nested values stay JSON, an absent key is null, an empty text is a text."""
    lines = [
        '{"id": 12345678901234567890123, "name": "", "tags": ["a", "b"]}',
        '{"tags":{"a":1.10},"id":1.10,"name":"\\u00e9\\n\\"\u20ac"}',
        '{"id":true}',
        '{"id":null,"name":null}',
    ]
    rows, bad = read(written(tmp_path, "\n".join(lines) + "\r\n"))
    assert rows == [
        (1, "12345678901234567890123", "", '["a", "b"]'),
        (2, "1.10", '\xe9\n"\u20ac', '{"a":1.10}'),
        (3, "true", None, None),
        (4, None, None, None),
    ]
    assert not bad


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id":1,"nmae":"a"}', "Object contains unknown field 'nmae'"),
        ('{"id":1,"id":2}', "two keys of a JSON object are the same"),
        ('{"id":1,"\\u0069d":2}', "two keys of a JSON object are the same"),
        ('{"id":1}{"id":2}', "JSON is malformed: trailing characters"),
        ("[1]", "Expected 'object', got 'array'"),
        ("", "an empty line; remove it"),
        ('{"id":01}', "JSON is malformed: invalid number"),
        ('{"id":NaN}', "JSON is malformed: invalid character"),
        ('{"name":"\udcff"}', "not UTF-8 (byte 0xff)"),
        ('{"name":"\\udc00"}', "JSON is malformed: invalid utf-16 surrogate"),
        ('{"tags":' + "[" * 9000 + "]" * 9000 + "}", "nested too deeply"),
    ],
)
def test_a_line_that_is_no_row_costs_itself(tmp_path: Path, line: str, reason: str) -> None:
    """A line that is not one object of known keys, each once, is a bad row with its line; others are read."""
    rows, [bad] = read(written(tmp_path, f'{{"id":1}}\n{line}\n{{"id":3}}\n'))
    assert [row[:2] for row in rows] == [(1, "1"), (3, "3")]
    assert (bad.line, bad.reason[: len(reason)]) == (2, reason)


def test_a_pointer_finds_nested_values(tmp_path: Path) -> None:
    """A mapping names keys, or values inside of others; other keys may then be there."""
    mapping = {"key": "id", "/person/name": "name", "/person/a~1b": "tags"}
    fields = mapped(COLUMNS, mapping)
    file = written(
        tmp_path,
        '{"key":1,"person":{"name":"Ada","a/b":["x"],"more":0},"other":1}\n{"key":2,"person":null}\n{"key":3}\n'
        '{"key":4,"person":"Ada"}\n',
    )
    rows, [bad] = read(file, fields)
    assert rows == [(1, "1", "Ada", '["x"]'), (2, "2", None, None), (3, "3", None, None)]
    assert bad.reason.startswith("Expected 'object | null', got 'str'")
    with pytest.raises(SettingError, match="'person' is a field twice, or has a field inside of it"):
        read(file, mapped(COLUMNS, {"key": "id", "person": "tags", "/person/name": "name"}))


def test_a_key_that_stands_twice_is_refused_where_a_field_is_named(tmp_path: Path) -> None:
    """A mapping's key may not stand twice, however it is written, nor a key above it; others may."""
    lines = [
        '{"id":1,"o":{},"o":{"tags":"a"}}',
        '{"id":2,"\\u0069d":3}',
        '{"id":4,"x":1,"x":2}',
        '{"id":5,"o":{"tags":{"a":1,"a":2}}}',
        '{"id":6}',
    ]
    rows, bad = read(written(tmp_path, "".join(f"{line}\n" for line in lines)), POINTERS)
    assert [row[1] for row in rows] == ["4", "5", "6"]
    assert rows[1][3] == '{"a":1,"a":2}'
    assert [row.line for row in bad] == [1, 2]


def test_a_key_that_json_escapes_is_a_name_as_any(tmp_path: Path) -> None:
    """Keys with quotes, backslashes or line breaks are found, unknown ones are refused."""
    columns = [Column('a "b"', "int", is_key=True), Column("c\\d", "text", is_key=False)]
    lines = [
        '{"a \\"b\\"":1,"c\\\\d":"x"}',
        '{"a \\"b\\"":2,"e":3}',
        '{"a \\"b\\"":4,"a \\"b\\"":5}',
        '{"a \\u0022b\\"":6}',
    ]
    file = written(tmp_path, "".join(f"{line}\n" for line in lines))
    rows, bad = read(file, mapped(columns, {}))
    assert rows == [(1, "1", "x"), (4, "6", None)]
    assert [row.reason[:35] for row in bad] == [
        "Object contains unknown field 'e'; ",
        "two keys of a JSON object are the s",
    ]
    nested = written(tmp_path, '{"o":{"a \\"b\\"":1}}\n{"o":null}\n', "nested.jsonl")
    assert read(nested, mapped(columns, {'/o/a "b"': 'a "b"'}))[0] == [(1, "1"), (2, None)]


def test_many_lines_are_several_splits(tmp_path: Path) -> None:
    """Splits of about 6 MiB follow one another, and lines are counted through all of them."""
    lines = [json.dumps({"id": at, "name": "n" * (at % 50)}) for at in range(300_000)]
    file = written(tmp_path, "\ufeff" + "\n".join(lines) + "\n")
    assert len(describe_file(file).content.splits) > 1
    rows, bad = read(file)
    assert [row[:2] for row in rows] == [(at + 1, str(at)) for at in range(300_000)]
    assert not bad


def test_an_encoding_may_be_named(tmp_path: Path) -> None:
    """Lines in another encoding are read if it is named."""
    file = written(tmp_path, '{"id":1,"name":"\u20ac"}\n'.encode("utf-16"))
    assert read(file, dialect=Dialect(encoding="utf-16"))[0] == [(1, "1", "\u20ac", None)]


def test_files_that_are_no_rows_are_refused(tmp_path: Path) -> None:
    """An empty file, and one that is one long line, are refused by name."""
    with pytest.raises(
        RowFileError, match=r"rows\.jsonl: empty; a file of JSON Lines has at least one object"
    ):
        read(written(tmp_path, ""))
    with pytest.raises(RowFileError, match=r"rows\.jsonl:1: longer than 32 MiB"):
        read(written(tmp_path, b'{"id":1},' * 8_000_000))


def test_a_carriage_return_alone_ends_no_line(tmp_path: Path) -> None:
    """A rejected row after a blank that is a carriage return is the one whose line was noted."""
    file = written(tmp_path, '{"id":1,\r"name":"a"}\n{"id":"x"}\n')
    bad = [BadRow(file=str(file), line=2, column="id", value="x", reason="not an int")]
    write_rejected(tmp_path / "rejected.csv", FIELDS, bad, [describe_file(file)])
    assert (tmp_path / "rejected.jsonl").read_text(encoding="utf-8") == '{"id":"x"}\n'


def test_rejected_rows_are_lines_of_their_source(tmp_path: Path) -> None:
    """Bad lines are kept as they are, in a file of JSON Lines, beside those of CSV."""
    lines, rows = written(tmp_path, '{"id":"x"}\n{"id":2}\n{"id":1\n'), tmp_path / "rows.csv"
    rows.write_text("id,name,tags\ny,,\n", encoding="utf-8")
    bad = [
        BadRow(file=str(file), line=line, column="id", value="", reason="not an int")
        for file, line in ((lines, 1), (rows, 2), (lines, 3))
    ]
    target = tmp_path / "out" / "rejected.csv"
    counts = write_rejected(target, FIELDS, bad, [describe_file(lines), describe_file(rows)])
    assert counts == {target.with_suffix(".jsonl"): 2, target: 1}
    assert target.with_suffix(".jsonl").read_text(encoding="utf-8") == '{"id":"x"}\n{"id":1\n'
    assert target.read_text(encoding="utf-8") == "id,name,tags\ny,,\n"
