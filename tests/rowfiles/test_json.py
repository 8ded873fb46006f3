"""JSON files: values as they stand, and every fault with its line and its row."""

import gzip
import json
from pathlib import Path

import pytest

from pipeline.errors import RowFileError
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.files import write_rows
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from tests.harness.rowfiles import NAMES, SOME, mapped, read_or_fault, splits_of_file
from tests.rowfiles.test_jsonl import COLUMNS, FIELDS, read, written


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ": empty; a JSON file has an array of objects, or objects one after another"),
        (" \n\n", ": empty; a JSON file"),
        ("id;name\n1;a\n", r":1: 'id;name\\n1;a' where \[ or { must stand: a JSON file is an array"),
        ("\n\n7", r":3: '7' where \[ or { must stand"),
        ("\0" * 100, r":1: '(\\x00){20}…' where \[ or { must stand"),
        ('[{"id":1},\n{"id":2}', r": cut off, the array has no \] at its end; copy the file again"),
        ('[{"id":1},\n{"id":2},', r": cut off, the array has no \]"),
        ("[", r": cut off, the array has no \]"),
        (
            '[{"id":1},\n{"id":2',
            r":2 \(row 2\): the element that begins here has no end; copy the file again",
        ),
        ('{"id":1}\n{"id":\n"a}', r":2 \(row 2\): the element that begins here has no end; .* is not closed"),
        ('[{"id":1}\n{"id":2}]', r":2 \(row 2\): '{\"id\":2}\]' where a comma must stand; write one"),
        ('[{"id":1},\n,{"id":2}]', r":2 \(row 2\): a comma where an object must stand; remove it"),
        ('[,{"id":2}]', r":1 \(row 1\): a comma where an object must stand"),
        ('[{"id":1},\n]', r":2 \(row 2\): no object after the last comma; remove the comma"),
        (
            '[{"id":1}]\n{"id":2}',
            r":2: '{\"id\":2}' after the array's end; a file has one array, and no more",
        ),
        ('[{"id":1}]\0', r":1: '\\x00' after the array's end"),
        ('[{"id":1}},{"id":2}]', r":1 \(row 2\): '},{\"id\":2}\]' where a comma must stand"),
        (
            '{"id":1},\n{"id":2}',
            r":1 \(row 2\): a comma between objects that are in no array; put all of them",
        ),
        ('{"id":1}\n]', r":2 \(row 2\): a \] that closes nothing; remove it"),
        ('{"id":1}}', r":1 \(row 2\): a } that closes nothing; remove it"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    """What is wrong with brackets or commas is wrong with the file: nothing of it is read."""
    with pytest.raises(RowFileError, match=rf"rows\.json{fault}"):
        read(written(tmp_path, text, "rows.json"))


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ('{"id":1,"nmae":"a"}', "Object contains unknown field 'nmae'"),
        ('{"id":1,"id":2}', "two keys of a JSON object are the same"),
        ('{"id":1,"\\u0069d":2}', "two keys of a JSON object are the same"),
        ("null", "Expected 'object', got 'null'; a row is one JSON object"),
        ('"a, b"', "Expected 'object', got 'str'"),
        ("-1.5e3", "Expected 'object', got 'float'"),
        ("nonsense", "JSON is malformed: invalid character"),
        ('[{"id":1}]', "Expected 'object', got 'array'"),
        ('{"id":01}', "JSON is malformed: invalid number"),
        ('{"id":1,}', "JSON is malformed: trailing comma in object"),
        ('{"id":1]', "JSON is malformed"),
        ('{"name":"a\nb"}', "JSON is malformed: invalid character"),
        ('{"name":"a\0"}', "JSON is malformed: invalid character"),
        ('{"name":"\udcff"}', "not UTF-8 (byte 0xff)"),
        ('{"tags":' + "[" * 9000 + "]" * 9000 + "}", "nested too deeply"),
    ],
)
def test_an_element_that_is_no_row_costs_itself(tmp_path: Path, element: str, reason: str) -> None:
    """An element that is not one object of known keys is a bad row with its line; others are read."""
    file = written(tmp_path, f'[\n{{"id":1}},{{"id":2}},\n\n  {element}\n, {{"id":4}}]', "rows.json")
    fault, rows, [bad] = read_or_fault(file, FIELDS)
    assert not fault
    places = [(1, 2), (2, 2), (4, 5 + element.count("\n"))]
    assert [row[:3] for row in rows] == [(place, line, str(place)) for place, line in places]
    assert (bad.line, bad.row, bad.reason[: len(reason)]) == (4, 3, reason)


def test_values_stand_as_they_are(tmp_path: Path) -> None:
    """No number loses a digit, nested values keep their line breaks, an absent key is null."""
    file = written(
        tmp_path,
        '\ufeff[{"id" : 12345678901234567890123, "name":"","tags":["a",\n "b"]} ,\n'
        '{"tags":{"a":1.10},"id":1.10,"name":"\\u00e9\\n\\"\u20ac]}"},{"id":true},{}]',
        "rows.json",
    )
    rows, bad = read(file)
    assert not bad
    assert rows == [
        (1, "12345678901234567890123", "", '["a",\n "b"]'),
        (3, "1.10", '\xe9\n"\u20ac]}', '{"a":1.10}'),
        (3, "true", None, None),
        (3, None, None, None),
    ]


def test_an_array_without_elements_has_no_rows(tmp_path: Path) -> None:
    """An empty array is a file without rows, as a CSV file with nothing but a header is."""
    for text in ("[]", " [ \n ]\n\n"):
        file = written(tmp_path, text, "rows.json")
        assert read(file) == ([], [])
        assert describe_file(file).places == 0


def test_many_elements_are_several_splits(tmp_path: Path) -> None:
    """Splits of about 6 MiB follow one another on one line as on many, packed or not; any is read alone."""
    objects = [{"id": at, "name": "n" * (at % 200), "tags": ["]}"]} for at in range(100_000)]
    texts = {"one line": json.dumps(objects), "many": json.dumps(objects, indent=1)}
    texts["no array"] = "\n".join(map(json.dumps, objects))
    for name, text in texts.items():
        plain = written(tmp_path, text, f"{name}.json")
        packed = written(tmp_path, gzip.compress(text.encode(), 1), f"{name}.json.gz")
        splits = describe_file(plain).content.splits
        assert len(splits) > 2
        assert describe_file(packed).content.splits == splits
        _, rows, bad = read_or_fault(plain, FIELDS)
        assert read_or_fault(packed, FIELDS) == ("", rows, bad)
        assert [(row[0], row[2]) for row in rows] == [(at + 1, str(at)) for at in range(100_000)]
        assert not bad
        [last] = splits_of_file(plain, FIELDS, [splits[-1].number])
        first = int(last.places[0]) - 1
        assert first == splits[-1].first_place - 1
        begin = text.rindex("{", 0, text.index(f'"id": {first},'))
        assert last.lines[0] == 1 + text.count("\n", 0, begin)
        assert last.columns[0][0].as_py() == str(first)


def test_an_element_that_no_server_takes_is_refused(tmp_path: Path) -> None:
    """An element of more than 32 MiB is named by its line, whatever is in it; so is a quote that is open."""
    for text in ('{"id":' + "[1]," * 9_000_000, '"' + "\\\\" * 20_000_000, '{"name":"' + "x" * 40_000_000):
        file = written(tmp_path, f'[\n{{"id":1}},\n{text}', "rows.json")
        with pytest.raises(
            RowFileError, match=r"rows\.json:3 \(row 2\): longer than 32 MiB, .* is not closed"
        ):
            read(file)


def test_a_large_object_is_a_split_of_its_own(tmp_path: Path) -> None:
    """An object larger than a split is read, and those around it."""
    large = "x" * 20_000_000
    file = written(tmp_path, f'[{{"id":1}},{{"id":2,"name":"{large}"}},{{"id":3}},{{"id":4}}]', "rows.json")
    assert [split.place_count for split in describe_file(file).content.splits] == [1, 1, 2]
    rows, bad = read(file)
    assert [row[1:3] for row in rows] == [("1", None), ("2", large), ("3", None), ("4", None)]
    assert not bad


@pytest.mark.parametrize("piece", ["[", "{", '"', "\\", '\\"', "1,", "{},", '[{"', '"\\",', "],", " ", "{}"])
def test_no_text_makes_reading_slow(tmp_path: Path, piece: str) -> None:
    """The time to read a file of one unusual piece, 100 kB of it, grows only with its size."""
    for begin in ("[", '[{"id":1},', '[{"id":"', '{"id":1}'):
        for end in ("", '1"}]'):
            text = begin + piece * (100_000 // len(piece)) + end
            fault, rows, bad = read_or_fault(written(tmp_path, text, "rows.json"), FIELDS)
            assert fault or rows or bad


def test_a_mapping_names_keys_and_values_inside_of_others(tmp_path: Path) -> None:
    """A mapping works as for JSON Lines, over several lines too; other keys may then be there."""
    fields = mapped(COLUMNS, {"key": "id", "/person/name": "name", "/person/a~1b": "tags"})
    text = json.dumps([{"key": 1, "person": {"name": "Ada", "a/b": ["x"], "more": 0}}, {"key": 2}], indent=2)
    _, rows, bad = read_or_fault(written(tmp_path, text, "rows.json"), fields)
    assert [(row[0], *row[2:4]) for row in rows] == [(1, "1", "Ada"), (2, "2", None)]
    assert json.loads(str(rows[0][4])) == ["x"]
    assert not bad


def test_an_encoding_may_be_named(tmp_path: Path) -> None:
    """An array in another encoding is read if it is named; if not, the file is refused."""
    file = written(tmp_path, '[{"id":1,"name":"\u20ac"}]'.encode("utf-16"), "rows.json")
    assert read(file, dialect=Dialect(encoding="utf-16"))[0] == [(1, "1", "\u20ac", None)]
    with pytest.raises(RowFileError, match="in another encoding, name that"):
        read(file)


def test_only_objects_in_no_array_may_be_cut_off_unseen(tmp_path: Path) -> None:
    """A last line without a line break is said, or refused, where no bracket shows that the file is whole."""
    strict = Dialect(requires_final_newline=True)
    for text, is_whole in (('[{"id":1}]', True), ('{"id":1}', False), ('{"id":1}\n', True), ("[]", True)):
        file = written(tmp_path, text, "rows.json")
        assert ("has no line break" in describe_file(file).content.remark) is not is_whole
        assert ("cut off" in describe_file(file, strict).content.fault) is not is_whole


def test_what_is_written_is_json_for_any_reader(tmp_path: Path) -> None:
    """A file that is written has one array, an object a line; without rows it has an empty one."""
    file = tmp_path / "rows.json"
    write_rows(file, NAMES, SOME)
    assert [row["id"] for row in json.loads(file.read_text(encoding="utf-8"))] == [1, 2, 3]
    assert file.read_text(encoding="utf-8").count("\n") == 5
    write_rows(file, NAMES, [])
    assert json.loads(file.read_text(encoding="utf-8")) == []


def test_rejected_rows_are_lines(tmp_path: Path) -> None:
    """A bad object is kept in one line, with all its digits, and is no better there than it was."""
    objects = [
        '{\n "id": "x",\n "tags": [1.10,\n 2] }',
        '{"id":2}',
        '{"id":"y",  "name":"\\u00e9"}',
        '{"name":"a\nb"}',
        "{\n 1 }",
        "null",
    ]
    file = written(tmp_path, "[" + ",\n".join(objects) + "]", "rows.json")
    bad = [
        BadRow(file=str(file), line=1, column="id", value="", reason="not an int", row=row)
        for row in (1, 3, 4, 5, 6)
    ]
    target = tmp_path / "out" / "rejected.jsonl"
    assert write_rejected(target.with_suffix(".csv"), FIELDS, bad, [describe_file(file)]) == {target: 5}
    assert target.read_bytes().decode() == (
        '{"id":"x","tags":[1.10,2]}\n{"id":"y",  "name":"\\u00e9"}\n{"name":"a\rb"}\n{\r 1 }\nnull\n'
    )
    rows, again = read(target)
    assert [row[1] for row in rows] == ["x", "y"]
    assert [row.line for row in again] == [3, 4, 5]
