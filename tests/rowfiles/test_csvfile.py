import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.csv.grammar import grammar_of
from pipeline.rowfiles.formats.csv.reader import Position
from pipeline.rowfiles.formats.csv.rows import ANY_WIDTH, take_rows
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.texts import open_text
from tests.harness.rowfiles import splits_of_file

RFC4180 = Dialect()
PROVE = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = ("x", "y", "z")
Rows = list[tuple[int, tuple[str | None, ...]]]
Bad = list[tuple[int, str]]

LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
LETTERS = st.text(st.sampled_from("a1é\0 \ufeff"), max_size=6)
QUOTED = st.text(st.sampled_from('aé,\n\r"'), max_size=6).map(
    lambda text: '"' + text.replace('"', '""') + '"'
)
TIDY_ROW = st.lists(LETTERS | QUOTED, min_size=3, max_size=3).map(",".join)
ODD_ROW = st.lists(LETTERS | QUOTED | st.sampled_from(['"', '""', 'a"', '"a"b']), max_size=5).map(",".join)
PIECES = st.sampled_from(
    [b"a", b",", b"\n", b"\r\n", b"\r", b'"', b'""', b',"', b'",', "é".encode(), b"\xff", b"\0"]
)


@st.composite
def _texts(draw: st.DrawFn) -> bytes:
    """Draw rows without a header, well-formed or not, that end with a line break."""
    end = draw(LINE_ENDS)
    rows = draw(st.lists(st.one_of(TIDY_ROW, TIDY_ROW, TIDY_ROW, ODD_ROW), max_size=30))
    text = "".join(row + end for row in rows).encode()
    for piece in draw(st.lists(PIECES, max_size=2)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + piece + text[at:]
    return text + end.encode()


TEXTS = _texts() | st.lists(PIECES, max_size=60).map(lambda pieces: b"".join(pieces) + b"\n")


def fields_of(*names: str) -> list[Field]:
    """Return text fields, of which the first is the key."""
    return [Field(Column(name, "text", is_key=at == 0), name) for at, name in enumerate(names)]


def by_rows(file: Path, names: tuple[str, ...], dialect: Dialect = RFC4180) -> tuple[Rows, Bad]:
    """Parse a file row by row, from its first byte to its last."""
    rows: Rows = []
    bad: Bad = []
    grammar = grammar_of(dialect)
    with open_text(file, dialect) as source:
        header = next(take_rows(source, grammar, 0, 1, ANY_WIDTH))
        fields = [grammar.text(field or b"").decode() for field in header.raw_fields]
        for row in take_rows(source, grammar, header.end, 1 + header.line_count, len(fields)):
            values = [grammar.value(row.raw_fields[fields.index(name)]) for name in names if not row.fault]
            try:
                if row.fault:
                    bad.append((row.line, row.fault))
                else:
                    texts = tuple(None if value is None else value.decode() for value in values)
                    rows.append((row.line, texts))
            except UnicodeDecodeError:
                bad.append((row.line, "not UTF-8"))
    return rows, bad


def by_splits(file: Path, names: tuple[str, ...], dialect: Dialect = RFC4180) -> tuple[Rows, Bad]:
    """Read a file by its splits."""
    rows: Rows = []
    bad: Bad = []
    for split_rows in splits_of_file(file, fields_of(*names), dialect=dialect):
        values = [column.to_pylist() for column in split_rows.columns]
        rows += zip(split_rows.lines.tolist(), zip(*values, strict=True), strict=True)
        for row in split_rows.bad:
            bad.append((row.line, "not UTF-8" if row.reason.startswith("not UTF-8") else row.reason))
    return rows, bad


def written(folder: str | Path, content: bytes) -> Path:
    """Return a CSV file with this content."""
    file = Path(folder, "rows.csv")
    file.write_bytes(content)
    return file


def sizes(monkeypatch: pytest.MonkeyPatch, *, split_rows: int, row: int) -> None:
    """Set the size limits of a split and of a row, in place of 6 MiB and 32 MiB."""
    monkeypatch.setattr("pipeline.rowfiles.formats.csv.reader._SPLIT_BYTES", split_rows)
    monkeypatch.setattr("pipeline.rowfiles.formats.csv.rows._WINDOW_BYTES", split_rows)
    monkeypatch.setattr("pipeline.rowfiles.formats.csv.reader.ROW_MAX_BYTES", row)
    monkeypatch.setattr("pipeline.rowfiles.formats.csv.rows.ROW_MAX_BYTES", row)


@pytest.mark.parametrize("width", [1, 200, 201, 100_000])
def test_a_wide_header_costs_no_more_than_its_bytes(tmp_path: Path, width: int) -> None:
    """Rows with quotes are read correctly under a wide header; no work is done for each of its fields."""
    names = [str(at) for at in range(width)]
    rows = [["v"] * (width - 1) + [last] for last in ('a"b', 'c,"d"', "e\nf", "g")]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([names, *rows])
    file = written(tmp_path, buffer.getvalue().replace('"a""b"', 'a"b').encode())
    found, bad = by_splits(file, (names[0], names[-1]))
    assert not bad
    assert found == [(line, (row[0], row[-1])) for line, row in zip((2, 3, 4, 6), rows, strict=True)]


@PROVE
@given(text=TEXTS, split_rows=st.sampled_from([4, 16, 64, 256, 1 << 20]), wanted=st.sets(st.integers(0, 9)))
@example(text=b"a,b,c\n\xef\xbb\xbfa,b,c\n", split_rows=6, wanted={1})
@example(text=b'a,"b\nc",d\ne,"f\n"\ng,h,i\n', split_rows=1 << 20, wanted=set())
@example(text=b'a,b,c\r\n\r\n"a","b","c"\r\n', split_rows=1 << 20, wanted=set())
@example(text=b'a,b,c\na",b,c\na""b,c,d\n', split_rows=1 << 20, wanted=set())
@example(text=b',,\n,,"\r"\n\n', split_rows=4, wanted=set())
def test_columns_at_once_are_the_rows_one_by_one(text: bytes, split_rows: int, wanted: set[int]) -> None:
    """For any split ends, the rows, lines and bad rows are those of a reading row by row."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = written(folder, b"x,y,z\n" + text)
        sizes(patch, split_rows=split_rows, row=1 << 20)
        for names in (NAMES, ("z", "x")):
            assert by_splits(file, names) == by_rows(file, names)
        fields = fields_of("y")
        every = {split_rows.number: split_rows for split_rows in splits_of_file(file, fields)}
        some = {split_rows.number: split_rows for split_rows in splits_of_file(file, fields, wanted)}
        assert some.keys() == every.keys() & wanted
        for number, found in some.items():
            assert found.columns == every[number].columns
            assert found.first_place == every[number].first_place


@PROVE
@given(text=TEXTS, row=st.sampled_from([16, 64]))
@example(text=b'a"",,111\n\n', row=16)
def test_a_row_longer_than_the_limit_is_bad_on_both_roads(text: bytes, row: int) -> None:
    """A row above the limit is one bad row at its first line, when read by splits or row by row."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = written(folder, b"x,y,z\n" + text)
        sizes(patch, split_rows=8, row=row)
        assert by_splits(file, NAMES) == by_rows(file, NAMES)


@PROVE
@given(text=TEXTS, width=st.integers(1, 4), window=st.sampled_from([4, 16, 1 << 20]))
@example(text=b"a\r\nb\r", width=1, window=2)
@example(text=b"a\n\nb\n", width=1, window=4)
def test_whole_rows_are_taken_as_any(text: bytes, width: int, window: int) -> None:
    """A row that is parsed as a whole equals the row that is parsed field by field."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = written(folder, text)
        sizes(patch, split_rows=window, row=1 << 20)
        with open_text(file, RFC4180) as source:
            rows = list(take_rows(source, grammar_of(RFC4180), 0, 1, width))
            patch.setattr("pipeline.rowfiles.formats.csv.rows._take_whole", lambda *_: None)
            assert list(take_rows(source, grammar_of(RFC4180), 0, 1, width)) == rows


@PROVE
@given(text=TEXTS)
def test_a_valid_file_is_what_the_csv_module_reads(text: bytes) -> None:
    """A file that Python's strict reader accepts, with three fields in each row, gives the same rows."""
    try:
        expected = list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return
    if any(len(row) != len(NAMES) for row in expected):
        return
    with tempfile.TemporaryDirectory() as folder:
        rows, bad = by_splits(written(folder, b"x,y,z\n" + text), NAMES)
        assert [[value or "" for value in row] for _, row in rows] == expected
        assert not bad


def test_an_unclosed_quote_costs_one_line(tmp_path: Path) -> None:
    """A quote that is never closed, or closed much later, makes one bad row; the other rows are read."""
    lines = [f"{at},b,c\n" for at in range(100_000)]
    lines[10] = '10,"b,c\n'
    lines[90_000] = '90000,"b,c\n'
    rows, bad = by_splits(written(tmp_path, ("x,y,z\n" + "".join(lines)).encode()), NAMES)
    assert [line for line, _ in bad] == [12, 90_002]
    assert len(rows) == 99_998


def test_line_numbers_hold_across_splits(tmp_path: Path) -> None:
    """Values with line breaks, in a file of many splits, do not change the line numbers after them."""
    lines = [f"{at},{'b' * 80},c\n" if at % 7 else f'{at},"b\r\n\nb",c\n' for at in range(60_000)]
    content = "x,y,z\n" + "".join(lines)
    found = {
        int(key): line
        for split_rows in splits_of_file(written(tmp_path, content.encode()), fields_of("x"))
        for line, key in zip(split_rows.lines.tolist(), split_rows.columns[0].to_pylist(), strict=True)
    }
    line = 2
    for at, text in enumerate(lines):
        assert found[at] == line
        line += text.count("\n")


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "quoted"])
def test_a_field_of_ten_megabytes_is_read(tmp_path: Path, *, quoted: bool) -> None:
    """A split grows until it contains a complete row."""
    value = "é\n," * 2_500_000 if quoted else "é" * 5_000_000
    text = f'1,"{value}",c\n2,b,c\n' if quoted else f"1,{value},c\n2,b,c\n"
    rows, bad = by_splits(written(tmp_path, b"x,y,z\n" + text.encode()), NAMES)
    assert [row for _, row in rows] == [("1", value, "c"), ("2", "b", "c")]
    assert not bad


def test_a_line_beyond_the_limit_is_one_bad_row(tmp_path: Path) -> None:
    """A line of 40 MB is skipped and reported with its place; the rows around it are read."""
    content = b"x,y,z\n1,b,c\n2," + b"b" * 40_000_000 + b",c\n3,b,c\n"
    rows, bad = by_splits(written(tmp_path, content), NAMES)
    assert [row[0] for _, row in rows] == ["1", "3"]
    [(line, reason)] = bad
    assert (line, reason[:18]) == (3, "longer than 32 MiB")


def test_a_field_that_nobody_asks_for_may_hold_anything(tmp_path: Path) -> None:
    """Invalid UTF-8 in a field that is written to no column is not a fault."""
    file = written(tmp_path, b"x,y,z\n1,\xff,c\n2,b,\xff\n")
    assert by_splits(file, ("x", "z")) == ([(2, ("1", "c"))], [(3, "not UTF-8")])


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"a\\ , b\\\\ ,c\\\\\\\t ", ("a ", "b\\", "c\\\t")),
        (b'a\\ , \\ ,"c" ', ("a ", " ", "c")),
    ],
    ids=["columns at once", "row by row"],
)
def test_an_escaped_blank_is_not_trimmed(tmp_path: Path, line: bytes, row: tuple[str, ...]) -> None:
    """A blank that is escaped is a part of its field; the others around a field are not."""
    dialect = Dialect(escape="\\", trim=True)
    assert by_splits(written(tmp_path, b"x,y,z\n" + line + b"\n"), NAMES, dialect) == ([(2, row)], [])


def test_a_bad_row_names_its_place_and_value(tmp_path: Path) -> None:
    """A value that is not UTF-8 is a bad row with file, line, column and the printable part of it."""
    file = written(tmp_path, b"x,y,z\n1,b,c\n2," + b"\xe9" * 100 + b",c\n")
    [split_rows] = splits_of_file(file, fields_of("x", "y"))
    [bad] = split_rows.bad
    assert (bad.file, bad.line, bad.column, bad.value) == (str(file), 3, "y", "\ufffd" * 80 + "…")
    assert (
        bad.reason
        == "not UTF-8 (byte 0xe9); convert the file, or name its encoding, such as --encoding cp1252"
    )


def test_a_file_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    """If a file is truncated while it is read, the reader raises; it does not end early or hang."""
    file = written(tmp_path, b"x,y,z\n" + b"1,b,c\n" * 2_000_000)
    splits = splits_of_file(file, fields_of("x"))
    next(splits)
    with file.open("r+b") as stream:
        stream.truncate(1 << 20)
    with pytest.raises(RowFileError, match="became shorter while it was read; load it when it is complete"):
        list(splits)


def test_no_more_than_a_split_is_held(tmp_path: Path) -> None:
    """A file with quotes is divided into splits of about 6 MiB, each read as columns, with complete rows."""
    file = written(tmp_path, b"x,y,z\n" + b'1,"b",c\n' * 2_000_000)
    end = 6
    for split in describe_file(file).content.splits:
        position = Position(*split.position)
        assert position.start == end
        assert position.size_bytes <= 6 << 20
        assert position.row_count == split.place_count
        end = position.end
    assert end == file.stat().st_size
