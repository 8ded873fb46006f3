import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError
from pipeline.rowfiles.fields import match_fields
from pipeline.rowfiles.files import plan_fields
from pipeline.rowfiles.finding import find_files, listed, passed_over
from pipeline.rowfiles.headers import Header
from pipeline.rowfiles.mapping import format_mapping, parse_mapping
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.settings.columns import ColumnsConfig
from tests.harness.rowfiles import splits_of_file
from tests.harness.workspace import PROJECT

CASES = PROJECT / "tests/cases"
COLUMNS = [Column("id", "int", is_key=True), Column("a", "text", is_key=False)]
NAMES = st.text(st.sampled_from('ab ,="\n'), min_size=1, max_size=6)


def written(folder: Path, content: bytes, name: str = "rows.csv") -> Path:
    """Return a file with this content."""
    (folder / name).write_bytes(content)
    return folder / name


def splits(file: Path) -> list[SplitRows]:
    """Return the splits of a file of two columns."""
    return list(splits_of_file(file, plan_fields([describe_file(file)], COLUMNS)))


def test_a_folder_takes_suffixes_in_any_case_and_lists_the_rest() -> None:
    """In a mixed folder B.CSV and the packed file are loaded; the other file and the folder are named."""
    folder = str(CASES / "20-mixed-folder" / "in")
    assert [file.name for file in find_files(folder)] == ["B.CSV", "a.csv", "c.csv.gz", "d.tsv"]
    assert listed(passed_over(folder)) == "notes.txt, sub/"
    assert passed_over(f"{folder}/*.csv") == ()


def test_a_file_in_capitals_counts_and_reads_as_any() -> None:
    """The header of F.CSV is not counted as a row and not read as a row."""
    [file] = find_files(str(CASES / "20-mixed-folder" / "only"))
    assert describe_file(file).places == 1
    fields = plan_fields([describe_file(file)], [COLUMNS[0], Column("v", "text", is_key=False)])
    assert [len(split_rows.lines) for split_rows in splits_of_file(file, fields)] == [1]


def test_a_folder_of_which_nothing_is_taken_says_what_is_there(tmp_path: Path) -> None:
    """If a folder holds no row file, the error names what it holds."""
    written(tmp_path, b"", "d.txt")
    with pytest.raises(RowFileError, match=r"no row file at .*; there is only d\.txt; name a "):
        find_files(str(tmp_path))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("pattern", ["", "/*", "/x.{}"])
def test_a_pipe_is_refused_and_never_opened(tmp_path: Path, suffix: str, pattern: str) -> None:
    """A named pipe without a writer is refused at once: in a folder, by a glob, by name."""
    os.mkfifo(tmp_path / f"x.{suffix}")
    with pytest.raises(RowFileError, match=rf"cannot read .*x\.{suffix}: it is a pipe"):
        find_files(str(tmp_path) + pattern.format(suffix))
    with pytest.raises(RowFileError, match="it is a pipe"):
        describe_file(tmp_path / f"x.{suffix}")


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A device, a socket, a folder, a dangling or circular link: each is refused with its kind."""
    file = tmp_path / "x.csv"
    with pytest.raises(RowFileError, match="cannot read /dev/zero: it is a device"):
        find_files("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(file))
        with pytest.raises(RowFileError, match="it is a socket"):
            find_files(str(tmp_path))
    file.unlink()
    for target, words in (("nowhere", "No such file"), ("x.csv", "Too many levels"), (".", "Is a directory")):
        file.symlink_to(target)
        with pytest.raises(RowFileError, match=rf"cannot read .*x\.csv: {words}"):
            find_files(str(tmp_path))
        file.unlink()


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A name with invalid UTF-8 is shown with the bytes escaped, by name and in a folder."""
    name = os.fsdecode(b"caf\xe9.csv")
    written(tmp_path, b"id,a\n", name)
    for pattern in (str(tmp_path), str(tmp_path / name)):
        with pytest.raises(RowFileError, match=r"caf\\xe9\.csv is not UTF-8; rename the file"):
            find_files(pattern)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id;a", "its delimiter seems to be ';'; read it with --delimiter ';'"),
        ("id\ta", "its delimiter seems to be '\\\\t'"),
        ("id|a", "its delimiter seems to be '|'"),
        ('"id";"a"', "its delimiter seems to be ';'"),
        ("1,x", "if the file has no header, read it with --header false"),
        ("# exported", "its first line seems to be a comment"),
        ("id", "missing: 'a'; correct the header, or use LoadTable and --mapping id=id"),
        ("id,a,a", "more than once: 'a'"),
        ("id,a,", "surplus: ''; its first line ends with a comma; correct the header"),
        (",id,a", "surplus: ''; pandas writes its index so unless told index=False"),
        ("id, a", "missing: 'a'; surplus: ' a'; with blanks around it: ' a'"),
        ("id, a", "--mapping 'id=id,\" a\"=a'"),
        ("id,a,__index_level_0__", "index=False; correct the header, or use LoadTable and --mapping"),
    ],
)
def test_a_header_that_does_not_fit_says_why(tmp_path: Path, header: str, message: str) -> None:
    """The error about a header says what is wrong with it, and what to do."""
    file = written(tmp_path, f"{header}\n1,x\n".encode())
    with pytest.raises(RowFileError) as raised:
        plan_fields([describe_file(file)], COLUMNS)
    assert message.replace("\\\\", "\\") in str(raised.value)


def test_advice_can_be_followed() -> None:
    """The suggestion in a mapping's error is valid for --mapping."""
    with pytest.raises(RowFileError, match=r'did you mean " a", with its double quotes\?'):
        match_fields(
            Header(Path("x.csv"), ("id", " a"), is_text=True),
            COLUMNS,
            ColumnsConfig(mapping=(("id", "id"), ("a", "a"))),
        )


@given(st.dictionaries(NAMES, NAMES, max_size=4))
def test_any_names_can_be_mapped(mapping: dict[str, str]) -> None:
    """A mapping is parsed back to the same names, whatever characters they have."""
    assert parse_mapping(format_mapping(mapping)) == mapping


def test_names_in_quotes_are_read() -> None:
    """A name in quotes can contain commas, blanks, equals signs and quotes."""
    mapping = parse_mapping('"Price, EUR"=price, " b"=b, "a=b"=c, "say ""x"""=d, plain name=e')
    assert mapping == {"Price, EUR": "price", " b": "b", "a=b": "c", 'say "x"': "d", "plain name": "e"}


@pytest.mark.parametrize("text", ['"a=b', '"a"x=b', "a", "a=", "a=b,", "a=b,a=c", 'a="b"c'])
def test_a_mapping_that_is_none_is_refused(text: str) -> None:
    """A text that is not a list of pairs is refused."""
    with pytest.raises(ValueError, match="a"):
        parse_mapping(text)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("blank_count", [1, 2, 5000])
def test_empty_lines_at_the_end_are_no_rows(tmp_path: Path, end: bytes, blank_count: int) -> None:
    """Empty lines at the end of a file are neither rows nor bad rows."""
    [split_rows] = splits(written(tmp_path, end.join([b"id,a", b"1,x"]) + end + end * blank_count))
    assert (split_rows.lines.tolist(), list(split_rows.bad)) == ([2], [])


def test_backslashes_cost_their_own_rows() -> None:
    """Rows with backslash-escaped quotes are refused one by one, with a hint; no other row is lost."""
    [split_rows] = splits_of_three(CASES / "05-backslash-escapes" / "copyto.csv")
    assert [row.line for row in split_rows.bad] == [2, 4, 5]
    assert all(r'write \" as ""' in row.reason for row in split_rows.bad)
    assert split_rows.columns[1].to_pylist() == [r"C:\\dir", "plain"]


def splits_of_three(file: Path) -> list[SplitRows]:
    """Return the splits of a file of three columns."""
    columns = [*COLUMNS, Column("b", "text", is_key=False)]
    return list(splits_of_file(file, plan_fields([describe_file(file)], columns)))


def test_a_packed_file_says_so(tmp_path: Path) -> None:
    """A packed file whose name does not say so is refused with the option that reads it; an archive, too."""
    with pytest.raises(RowFileError, match=r"g\.csv: not CSV but gzip; read it with --compression gzip"):
        splits(CASES / "20-mixed-folder" / "renamed" / "g.csv")
    for name in ("g.zip", "g.parquet.gz"):
        with pytest.raises(RowFileError, match=r"has none of the ends .*; unpack it"):
            find_files(str(written(tmp_path, b"x", name)))
