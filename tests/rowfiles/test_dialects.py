"""Dialects: what a text means in each, by columns as row by row; and files that are packed or not UTF-8."""

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import RowFileError, SettingError
from pipeline.rowfiles.dialect import PRESETS, Dialect, dialect_of_file
from pipeline.rowfiles.sources import describe_file
from pipeline.settings import FilesConfig
from tests.harness.rowfiles import splits_of_file
from tests.rowfiles.test_csvfile import PROVE, by_rows, by_splits, fields_of, sizes

NAMES = ("x", "y", "z")
DIALECTS: Mapping[str, Dialect] = {
    **{name: replace(preset, has_header=True) for name, preset in PRESETS.items()},
    "trimmed": Dialect(trim=True),
    "null words": Dialect(nulls=("", "NA")),
    "empty is a text": Dialect(nulls=("NA",), trim=True),
    "comments": Dialect(comment="#"),
    "odd delimiter": Dialect(delimiter="\u00a6"),
    "no quotes": Dialect(quote="", delimiter="|"),
    "quotes of its own": Dialect(quote="'", delimiter="|", quoted_nulls=False, trim=True),
    "escaped": Dialect(escape="\\", comment="#", quoted_nulls=False),
    "short rows": Dialect(fills_short_rows=True, nulls=("NA",)),
}
PIECES = st.sampled_from(
    [
        "a",
        "NA",
        "\\N",
        " ",
        ",",
        ";",
        "\t",
        "|",
        "\u00a6",
        "\n",
        "\r\n",
        "\n",
        '"',
        '""',
        "'",
        "\\",
        "\\n",
        "#",
        "n",
        "\xe9",
    ]
)


@st.composite
def tidy_texts(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a dialect's name and a text of it that is mostly well-formed."""
    name = draw(st.sampled_from(sorted(DIALECTS)))
    dialect = DIALECTS[name]
    letters = st.text(st.sampled_from("aN\xe9 A\\#"), max_size=4)
    field = letters
    if dialect.quote:
        escaped = (dialect.escape or dialect.quote) + dialect.quote
        inner = st.lists(st.sampled_from(["a", " ", "\n", dialect.delimiter, escaped]), max_size=4).map(
            "".join
        )
        field = letters | inner.map(lambda text: f"{dialect.quote}{text}{dialect.quote}")
    rows = draw(st.lists(st.lists(field, min_size=3, max_size=3).map(dialect.delimiter.join), max_size=20))
    text = "".join(f"{row}\n" for row in rows)
    for piece in draw(st.lists(PIECES, max_size=2)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + piece + text[at:]
    return name, text


TEXTS = tidy_texts() | st.tuples(
    st.sampled_from(sorted(DIALECTS)), st.lists(PIECES, max_size=60).map("".join)
)


@PROVE
@given(drawn=TEXTS, split_rows=st.sampled_from([4, 16, 64, 1 << 20]), packed=st.booleans())
@example(drawn=("mysql", "a\t\\N\t\\\\N\n"), split_rows=1 << 20, packed=False)
@example(drawn=("comments", "#\n"), split_rows=4, packed=False)
@example(drawn=("odd delimiter", '"\n"\u00a6\u00a6\n'), split_rows=4, packed=False)
@example(drawn=("trimmed", ' a , "b" ,c\n'), split_rows=1 << 20, packed=True)
@example(drawn=("postgres", 'a,"",\n'), split_rows=1 << 20, packed=False)
def test_columns_at_once_are_the_rows_one_by_one(
    drawn: tuple[str, str], split_rows: int, *, packed: bool
) -> None:
    """In any dialect, packed or not, rows, lines and bad rows are those of a reading row by row."""
    name, text = drawn
    dialect = DIALECTS[name]
    content = f"{dialect.delimiter.join(NAMES)}\n{text}".encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        sizes(patch, split_rows=split_rows, row=1 << 20)
        plain, stream = Path(folder, "rows.csv"), Path(folder, "rows.csv.gz")
        plain.write_bytes(content)
        stream.write_bytes(gzip.compress(content))
        expected = by_rows(plain, NAMES, dialect)
        assert by_splits(plain, NAMES, dialect) == expected
        if packed:
            assert by_splits(stream, NAMES, replace(dialect, compression="gzip")) == expected


@pytest.mark.parametrize(
    ("name", "line", "row"),
    [
        ("rfc4180", 'a,"","b""c"', ("a", None, 'b"c')),
        ("excel", 'a;"b;c";', ("a", "b;c", None)),
        ("tsv", 'a\t"b\tc"\t', ("a", "b\tc", None)),
        ("postgres", 'a,"",', ("a", "", None)),
        ("mysql", "a\t\\N\tb\\\tc\\n\\\\", ("a", None, "b\tc\n\\")),
        ("mysql", 'a"\t\tNULL', ('a"', "", "NULL")),
        ("cqlsh", r'a,"b\"c",d\,e', ("a", 'b"c', "d,e")),
        ("cqlsh", r"C:\\\\dir,x\\ny,\\\\n", ("C:\\dir", "x\ny", "\\n")),
        ("cqlsh", r'a,"\\x01\\x85",', ("a", "\x01\x85", None)),
        ("dsbulk", r'a\b,"c\"d\\","",', None),
        ("dsbulk", r'a\b,"c\"d\\",""', ("a\\b", 'c"d\\', "")),
    ],
)
def test_each_dialect_is_its_programs(
    tmp_path: Path, name: str, line: str, row: tuple[str | None, ...] | None
) -> None:
    """A line means in a dialect what the program of that name writes it for."""
    dialect = DIALECTS[name]
    file = tmp_path / "rows.csv"
    file.write_text(f"{dialect.delimiter.join(NAMES)}\n{line}\n", encoding="utf-8", newline="")
    rows, bad = by_splits(file, NAMES, dialect)
    assert rows == ([(2, row)] if row else [])
    assert len(bad) == (row is None)


@pytest.mark.parametrize(
    ("config", "content", "rows"),
    [
        (FilesConfig(skip_rows=2), b"about\n\nx,y,z\n1,2,3\n", [(4, ("1", "2", "3"))]),
        (FilesConfig(comment="#"), b"# by hand\nx,y,z\n# more\n1,2,3\n#end\n", [(4, ("1", "2", "3"))]),
        (FilesConfig(trim="true"), b' x , y,z\n 1 ,"  2 ", 3\n', [(2, ("1", "  2 ", "3"))]),
        (FilesConfig(null_words=("NA", "-")), b"x,y,z\nNA,-,\n", [(2, (None, None, None))]),
        (FilesConfig(null_words=("NA",), empty="text"), b"x,y,z\nNA,-,\n", [(2, (None, "-", ""))]),
        (FilesConfig(encoding="latin-1"), b"x,y,z\n\xe9,\xff,\n", [(2, ("\xe9", "\xff", None))]),
        (FilesConfig(encoding="utf-16"), "x,y,z\n\u20ac,b,c\n".encode("utf-16"), [(2, ("\u20ac", "b", "c"))]),
        (FilesConfig(delimiter="\\t", quote="none"), b'x\ty\tz\n"a\tb\tc\n', [(2, ('"a', "b", "c"))]),
        (FilesConfig(dialect="tsv", delimiter="|"), b"x|y|z\n1|2|3\n", [(2, ("1", "2", "3"))]),
    ],
    ids=str,
)
def test_settings_change_the_dialect(
    tmp_path: Path, config: FilesConfig, content: bytes, rows: list[tuple[int, tuple[str | None, ...]]]
) -> None:
    """Each setting of [files] does what it says, alone or over a preset."""
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    dialect = dialect_of_file(file, config)
    found = [
        (line, row)
        for split_rows in splits_of_file(file, fields_of(*NAMES), dialect=dialect)
        for line, row in zip(
            split_rows.lines.tolist(),
            zip(*(each.to_pylist() for each in split_rows.columns), strict=True),
            strict=True,
        )
    ]
    assert found == rows


def test_without_a_header_fields_are_numbers(tmp_path: Path) -> None:
    """Without a header, fields are called 1, 2, … and the first line is a row."""
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a,b\nc,d\n")
    dialect = Dialect(has_header=False)
    assert describe_file(file, dialect).content.header == ("1", "2")
    [split_rows] = splits_of_file(file, fields_of("2", "1"), dialect=dialect)
    assert [column.to_pylist() for column in split_rows.columns] == [["b", "d"], ["a", "c"]]
    assert split_rows.lines.tolist() == [1, 2]


def _by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def packed(content: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(content)
        found: bytes = sink.getvalue().to_pybytes()
        return found

    return packed


PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": _by_arrow("zstd"),
    "lz4": _by_arrow("lz4"),
}


@pytest.mark.parametrize("end", PACKED)
def test_a_packed_file_is_what_is_in_it(tmp_path: Path, end: str) -> None:
    """Rows, lines and splits of a packed file are those of the plain one; several members are one file."""
    lines = b"".join(b'%d,"b\nc",\xc3\xa9\n' % at for at in range(800_000))
    content = b"x,y,z\n" + lines
    plain, packed = tmp_path / "rows.csv", tmp_path / f"packed.csv.{end}"
    plain.write_bytes(content)
    half = len(content) // 2
    packed.write_bytes(PACKED[end](content[:half]) + PACKED[end](content[half:]))
    described = describe_file(packed)
    assert described.content.splits == describe_file(plain).content.splits
    assert len(described.content.splits) > 1
    wanted = {1}
    [of_plain] = splits_of_file(plain, fields_of(*NAMES), wanted)
    [of_packed] = splits_of_file(packed, fields_of(*NAMES), wanted)
    assert of_packed.columns == of_plain.columns
    assert of_packed.lines.tolist() == of_plain.lines.tolist()


@pytest.mark.parametrize("end", PACKED)
@pytest.mark.parametrize("damage", ["cut off", "another format", "garbage after it"])
def test_a_damaged_packed_file_is_refused(tmp_path: Path, end: str, damage: str) -> None:
    """A packed file that is cut off, is not packed so, or goes on as something else, is refused by name."""
    content = b"x,y,z\n" + bytes(range(33, 127)).replace(b'"', b"") * 5000
    packed = PACKED[end](content)
    file = tmp_path / f"rows.csv.{end}"
    file.write_bytes(
        {"cut off": packed[:-9], "another format": content, "garbage after it": packed + b"?!"}[damage]
    )
    fault = describe_file(file).content.fault
    assert fault.startswith(f"{file}: damaged, cut off, or not ")


def test_text_in_no_encoding_is_a_bad_row(tmp_path: Path) -> None:
    """A byte that the named encoding does not have is a bad row with its place; nothing is guessed."""
    file = tmp_path / "rows.csv"
    file.write_bytes(b"x,y,z\n1,\x80,c\n2,\x81,c\n")
    [split_rows] = splits_of_file(file, fields_of(*NAMES), dialect=Dialect(encoding="cp1252"))
    assert split_rows.columns[1].to_pylist() == ["\u20ac"]
    [bad] = split_rows.bad
    assert (bad.line, bad.column) == (3, "y")
    assert bad.reason == "not cp1252 text; name the file's encoding"


@pytest.mark.parametrize("packed", [False, True])
def test_a_last_line_without_a_line_break(tmp_path: Path, *, packed: bool) -> None:
    """It is a row, and is remarked upon; where a line break is required, the file is refused."""
    content = b"x,y,z\n1,2,3\n4,5,6"
    file = tmp_path / ("rows.csv.gz" if packed else "rows.csv")
    file.write_bytes(gzip.compress(content) if packed else content)
    compression = "gzip" if packed else "none"
    described = describe_file(file, Dialect(compression=compression))
    assert described.content.remark == f"{file}: its last line has no line break; it is loaded as it is"
    [split_rows] = splits_of_file(file, fields_of("x"))
    assert split_rows.columns[0].to_pylist() == ["1", "4"]
    refused = describe_file(file, Dialect(compression=compression, requires_final_newline=True))
    assert refused.content.fault.startswith(f"{file}: cut off, its last line has no line break")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delimiter": ";;"}, r"delimiter is ';;'; it must be one character, or \t"),
        ({"quote": "\u00e9"}, "quote is '\u00e9'; it must be one ASCII character, or none"),
        ({"delimiter": '"'}, "delimiter and quote are both '\"'; they must differ"),
        ({"escape": ","}, "delimiter and escape are both ','; they must differ"),
        ({"encoding": "no-such"}, "encoding is 'no-such'; it must be the name of a text encoding"),
        ({"encoding": "base64"}, "encoding is 'base64'; it must be the name of a text encoding"),
        ({"dialect": "pandas"}, "dialect is 'pandas'; it must be one of"),
    ],
)
def test_contradictions_are_refused(given: dict[str, str], message: str) -> None:
    """A setting out of range, or two that contradict each other, are named."""
    with pytest.raises(SettingError) as caught:
        dialect_of_file(Path("rows.csv"), FilesConfig(**given))  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_packed_file_by_another_name_says_so(tmp_path: Path) -> None:
    """A packed file without the end of its name is refused, and the option that would take it is named."""
    file = tmp_path / "rows.csv"
    file.write_bytes(gzip.compress(b"x,y,z\n"))
    with pytest.raises(RowFileError, match="read it with --compression gzip"):
        list(splits_of_file(file, fields_of("x")))


def test_a_short_row_is_filled_where_asked(tmp_path: Path) -> None:
    """With `short_rows = fill`, fields that a row lacks are null; an empty line and a long row stay bad."""
    file = tmp_path / "rows.csv"
    file.write_text('x,y,z\n1\n2,b\n\n"3","c","d"\n4,e,f,g\n', encoding="utf-8")
    dialect = dialect_of_file(file, FilesConfig(short_rows="fill", empty="text"))
    [rows] = splits_of_file(file, fields_of(*NAMES), dialect=dialect)
    columns = [column.to_pylist() for column in rows.columns]
    assert columns == [["1", "2", "3"], [None, "b", "c"], [None, None, "d"]]
    assert [row.line for row in rows.bad] == [4, 6]
