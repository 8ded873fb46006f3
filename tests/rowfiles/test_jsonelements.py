"""The elements of JSON files: all at once as one by one, and no other values than Python reads."""

import json
import tempfile
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.objects.fields import Objects
from tests.harness.rowfiles import read_or_fault
from tests.rowfiles.test_csvfile import PROVE
from tests.rowfiles.test_jsonl import FIELDS, MEMBERS, POINTERS, VALUES, written

PIECES = st.sampled_from(
    [
        *(
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            " ",
            "\n",
            "\r\n",
            "\t",
            '"',
            "\\",
            '\\"',
            '" "',
            "1",
            "null",
            "a",
            "\0",
        ),
        *("\ufeff", "\udcff", '{"id":1}', ',{"id":2}', ',\n{"name":"[}"}', '"\\\\"', '{"id":\n[1]}'),
    ]
)
OBJECTS = st.lists(MEMBERS, max_size=4).map(
    lambda members: "{" + ",\n".join(f"{key}: {value}" for key, value in members) + "}"
)
WHOLE = st.lists(OBJECTS, max_size=8).map(lambda objects: "[" + ",".join(objects) + "]") | st.lists(
    OBJECTS, max_size=8
).map("".join)


def _with_pieces(text: str, pieces: list[tuple[int, str]]) -> str:
    for at, piece in pieces:
        text = text[:at] + piece + text[at:]
    return text


TEXTS = (
    st.lists(PIECES, max_size=40).map("".join)
    | WHOLE
    | st.builds(_with_pieces, WHOLE, st.lists(st.tuples(st.integers(0, 200), PIECES), min_size=1, max_size=3))
)
LAYOUTS: list[dict[str, Any]] = [{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}]


def python_objects(text: str) -> list[dict[str, object]]:
    """Return what Python reads: the items of an array, or values one after another, numbers as text."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    text = text.removeprefix("\ufeff").strip(" \t\r\n")
    if text.startswith("["):
        items: list[dict[str, object]] = json.loads(text, parse_int=str, parse_float=str)
        return items
    found = []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip(" \t\r\n")
    return found


@PROVE
@given(text=TEXTS, fields=st.sampled_from([FIELDS, POINTERS]), split_bytes=st.sampled_from([8, 64, 1 << 20]))
@example(text='[{"id":1},\n1,{"id":2}]', fields=FIELDS, split_bytes=8)
@example(text='[{"id":1}\\"]', fields=FIELDS, split_bytes=1 << 20)
@example(text='[{"id":"\\\\"},{"id":"\\\\\\""}]', fields=FIELDS, split_bytes=1 << 20)
@example(text='[{"id":"}]', fields=FIELDS, split_bytes=1 << 20)
@example(text='[nonsense-,{"id":1}]', fields=FIELDS, split_bytes=8)
@example(text='{"id":"\\\\"}', fields=FIELDS, split_bytes=1 << 20)
@example(text='{"id":1}{"n" x":"\\""}', fields=FIELDS, split_bytes=1 << 20)
@example(text='{"name":\\"}"}{"id":1}', fields=FIELDS, split_bytes=1 << 20)
@example(text='[{"id":1}{"id":2},,{"id":3}]', fields=FIELDS, split_bytes=1 << 20)
def test_all_at_once_is_one_by_one(text: str, fields: list[Field], split_bytes: int) -> None:
    """For any split ends, the rows, their places and lines, the bad rows or the fault are the same."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = written(folder, text, "rows.json")
        with pytest.MonkeyPatch.context() as by_rows:
            by_rows.setattr(Objects, "columns", lambda *_, **__: None)
            for module in ("splits", "format"):
                by_rows.setattr(
                    f"pipeline.rowfiles.formats.json.{module}.find_elements", lambda *_, **__: None
                )
            expected = read_or_fault(file, fields)
        patch.setattr("pipeline.rowfiles.formats.json.splits._SPLIT_BYTES", split_bytes)
        assert read_or_fault(file, fields) == expected


@PROVE
@given(text=TEXTS)
def test_what_has_no_fault_is_what_python_reads(text: str) -> None:
    """A file without a fault and without a bad row has the values that Python finds in it, no others."""
    with tempfile.TemporaryDirectory() as folder:
        fault, rows, bad = read_or_fault(written(folder, text, "rows.json"), FIELDS)
    if fault or bad:
        return
    expected = python_objects(text)
    assert [row[0] for row in rows] == list(range(1, len(expected) + 1))
    for row, members in zip(rows, expected, strict=True):
        assert set(members) <= {"id", "name", "tags"}
        for value, wanted in zip(row[2:], map(members.get, ("id", "name", "tags")), strict=True):
            assert value == wanted or json.loads(str(value), parse_int=str, parse_float=str) == wanted


@PROVE
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["id", "name", "tags"]), VALUES), max_size=9),
    layout=st.sampled_from(LAYOUTS),
    in_array=st.booleans(),
)
def test_whatever_python_writes_is_read(
    rows: list[dict[str, object]],
    layout: dict[str, Any],
    in_array: bool,  # noqa: FBT001 - hypothesis passes parameters by name
) -> None:
    """Objects in an array or in none, on one line or on many, are read whole, each value as it stands."""
    if not rows and not in_array:
        return
    texts = [json.dumps(row, **layout) for row in rows]
    text = json.dumps(rows, **layout) if in_array else "\n".join(texts)
    with tempfile.TemporaryDirectory() as folder:
        fault, found, bad = read_or_fault(written(folder, text, "rows.json"), FIELDS)
    assert (fault, bad) == ("", [])
    for number, (row, wanted) in enumerate(zip(found, rows, strict=True), start=1):
        assert row[0] == number
        for value, name in zip(row[2:], ("id", "name", "tags"), strict=True):
            one = wanted.get(name)
            is_plain = one is None or isinstance(one, str)
            assert value == one if is_plain else json.loads(str(value)) == one
