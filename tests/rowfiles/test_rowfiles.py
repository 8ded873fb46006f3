import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cassandra.cluster import Session
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import canonical, cql_type
from pipeline.errors import OutputError, RowFileError, SettingError
from pipeline.files import write_text
from pipeline.rowfiles.files import find_files, read_rows, write_rows
from pipeline.rowfiles.sources import describe_file, digest
from tests.harness.values import SCALARS as VALUES

FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet"])
PROVE = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Of a text, the empty one is null in a row file; of a timestamp, milliseconds are what Cassandra keeps.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
ASCII = st.text(st.characters(max_codepoint=127), min_size=1)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)).map(  # noqa: DTZ001 - naive is UTC
    lambda moment: moment - timedelta(microseconds=moment.microsecond % 1000)
)
SCALARS: dict[str, st.SearchStrategy[object]] = {
    **{name: values for name, values in VALUES.items() if name != "duration"},
    "text": TEXT,
    "varchar": TEXT,
    "ascii": ASCII,
    "timestamp": MOMENTS,
    "date": st.dates(),
    "time": st.times(),
}
ELEMENTS = {
    **SCALARS,
    "text": st.just("") | TEXT,
    "varchar": st.just("") | TEXT,
    "ascii": st.just("") | ASCII,
}
COLLECTIONS: dict[str, st.SearchStrategy[object]] = {
    **{f"list<{name}>": st.lists(values, max_size=4) for name, values in ELEMENTS.items()},
    **{f"set<{name}>": st.sets(values, max_size=4) for name, values in ELEMENTS.items()},
    **{
        f"map<{name}, {name}>": st.dictionaries(values, values, max_size=4)
        for name, values in ELEMENTS.items()
    },
    "map<text, frozen<list<int>>>": st.dictionaries(TEXT, st.lists(SCALARS["int"], max_size=3), max_size=3),
    "list<frozen<map<text, double>>>": st.lists(st.dictionaries(TEXT, st.floats(), max_size=2), max_size=3),
}
EVERY_TYPE = {**SCALARS, **COLLECTIONS}
COLUMNS = [
    Column("id", "int", is_key=True),
    *(Column(f"c{at}", name, is_key=False) for at, name in enumerate(EVERY_TYPE)),
]
ROWS = st.lists(
    st.tuples(SCALARS["int"], *(st.none() | values for values in EVERY_TYPE.values())), min_size=1, max_size=4
)
NAMES = [
    Column("id", "int", is_key=True),
    Column("name", "text", is_key=False),
    Column("born", "date", is_key=False),
]
SOME: list[Row] = [(1, "Ada", date(1815, 12, 10)), (2, 'a "b", c\n\rd\r\n', None), (3, None, None)]


# The driver reads it back off by two microseconds.
FAR_BACK = datetime(205, 3, 9, 3, 42, 56, 18_000)  # noqa: DTZ001 - naive is UTC


def row_of(values: Mapping[str, object]) -> Row:
    """Return a row with these values of columns of these types, null in all others."""
    return (1, *(values.get(name) for name in EVERY_TYPE))


def same(row: Row) -> Row:
    """Return a row in the form in which rows from anywhere can be compared."""
    return tuple(canonical(value) for value in row)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Return a file with this content."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def read(file: Path, columns: Sequence[Column] = NAMES) -> list[Row]:
    """Return all rows of one file."""
    return list(read_rows([file], columns))


@FORMATS
@PROVE
@given(rows=ROWS)
def test_what_is_written_reads_back(file_format: str, rows: list[Row]) -> None:
    """Every value of every type, alone and in lists, sets and maps, reads back equal; null stays null."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"rows.{file_format}")
        assert write_rows(file, COLUMNS, rows) == len(rows)
        assert list(map(same, read(file, COLUMNS))) == list(map(same, rows))


@FORMATS
def test_what_is_read_is_what_the_server_keeps(cql: Session, tmp_path: Path, file_format: str) -> None:
    """Values of all types, read from a row file and inserted, come back from the real server equal."""
    keyspace = f"t_rowfiles_{file_format}"
    cql.execute(
        f"CREATE KEYSPACE {keyspace} WITH replication = "
        "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    try:
        types = ", ".join(f"{column.name} {column.type_name}" for column in COLUMNS)
        cql.execute(f"CREATE TABLE {keyspace}.every_type ({types}, PRIMARY KEY (id))")
        names = [column.name for column in COLUMNS]
        insert = cql.prepare(
            f"INSERT INTO {keyspace}.every_type ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        )
        found = cql.prepare(f"SELECT {', '.join(names)} FROM {keyspace}.every_type WHERE id = ?")

        # Without shrinking: against a server, that takes minutes.
        @settings(PROVE, max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])
        @given(rows=ROWS)
        @example(rows=[row_of({"timestamp": FAR_BACK, "map<timestamp, timestamp>": {FAR_BACK: FAR_BACK}})])
        def prove(rows: list[Row]) -> None:
            file = tmp_path / f"rows.{file_format}"
            write_rows(file, COLUMNS, rows)
            for row in read(file, COLUMNS):
                cql.execute(insert, row)
                kept = cql.execute(found, [row[0]]).one()
                assert tuple(canonical(kept[name]) for name in names) == same(row)

        prove()
    finally:
        cql.execute(f"DROP KEYSPACE {keyspace}")


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfid,name,born\n1,Ada,1815-12-10\n2,"a ""b"", c\n\rd\r\n",\n3,,\n',
        b'id,name,born\r\n1,Ada,1815-12-10\r\n2,"a ""b"", c\n\rd\r\n",\r\n3,,\r\n',
        b'born,id,name\n1815-12-10,1,"Ada"\n"",2,"a ""b"", c\n\rd\r\n"\n,3,\n',
    ],
    ids=["byte-order mark", "CRLF", "another order"],
)
def test_csv_as_others_write_it(tmp_path: Path, content: bytes) -> None:
    """A byte-order mark, CRLF and another order of columns do not matter; quoted text keeps every letter."""
    assert read(written(tmp_path, "rows.csv", content)) == SOME


def test_csv_is_what_the_csv_module_reads(tmp_path: Path) -> None:
    """A row file is plain CSV with a header: any reader of CSV understands it."""
    file = tmp_path / "rows.csv"
    write_rows(file, NAMES, [*SOME, (4, "a\rb", None)])
    with file.open(encoding="utf-8", newline="") as text:
        assert list(csv.reader(text)) == [
            ["id", "name", "born"],
            ["1", "Ada", "1815-12-10"],
            ["2", 'a "b", c\n\rd\r\n', ""],
            ["3", "", ""],
            ["4", "a\rb", ""],
        ]


def test_parquet_has_the_types_of_the_columns(tmp_path: Path) -> None:
    """Parquet carries numbers, dates and moments as such, for whoever else reads the file."""
    columns = [Column(name, name, is_key=False) for name in ("bigint", "double", "date", "timestamp", "blob")]
    file = tmp_path / "rows.parquet"
    write_rows(file, columns, [(1, 0.5, date(2026, 11, 22), datetime(2026, 11, 22, 1, 2, 3), b"\0")])  # noqa: DTZ001 - naive is UTC
    assert [str(kind) for kind in pq.read_schema(file).types] == [
        "int64",
        "double",
        "date32[day]",
        "timestamp[ms, tz=UTC]",
        "binary",
    ]


def test_parquet_as_others_write_it(tmp_path: Path) -> None:
    """Wider numbers, text in place of numbers, and another order of columns load from Parquet."""
    file = tmp_path / "rows.parquet"
    table = {"born": ["1815-12-10", None], "id": pa.array([1, 2], pa.int64()), "name": ["Ada", None]}
    pq.write_table(pa.table(table), file)
    assert read(file) == [(1, "Ada", date(1815, 12, 10)), (2, None, None)]


def test_parquet_tells_an_empty_text_from_none(tmp_path: Path) -> None:
    """In Parquet an empty text is a text, where CSV has one way to write both."""
    file = tmp_path / "rows.parquet"
    write_rows(file, NAMES[:2], [(1, ""), (2, None)])
    assert read(file, NAMES[:2]) == [(1, ""), (2, None)]


def test_parquet_text_without_its_type_is_text(tmp_path: Path) -> None:
    """Bytes and dictionaries that feed a column of text are text."""
    file = tmp_path / "rows.parquet"
    names = pa.array([b"Ada", None], pa.binary())
    for values in (names, names.view(pa.string()).dictionary_encode()):
        pq.write_table(pa.table({"id": [1, 2], "name": values}), file)
        assert read(file, NAMES[:2]) == [(1, "Ada"), (2, None)]


def test_a_moment_finer_than_a_microsecond_is_read(tmp_path: Path) -> None:
    """Nanoseconds, which Python cannot hold, are cut to what the server keeps."""
    file = tmp_path / "rows.parquet"
    columns = [NAMES[0], Column("at", "timestamp", is_key=False)]
    pq.write_table(pa.table({"id": [1], "at": pa.array([1_001_000_001], pa.timestamp("ns"))}), file)
    assert read(file, columns) == [(1, datetime(1970, 1, 1, 0, 0, 1, 1000))]  # noqa: DTZ001 - naive is UTC


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": empty; a row file has at least a header"),
        ("id,name,born\n1,a,", ": cut off, its last line has no line break"),
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
        ("id,name,born\n1,a,\n".encode("utf-16"), ":1: not UTF-8 but UTF-16; convert the file"),
    ],
)
def test_a_fault_in_csv_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    """Each fault raises a RowFileError that names the file, the line and the value."""
    with pytest.raises(RowFileError, match=f"rows.csv{message}"):
        read(written(tmp_path, "rows.csv", content))


def test_the_line_of_a_wrong_byte_is_right_in_a_large_file(tmp_path: Path) -> None:
    """The line of a byte that is not UTF-8 is exact, although text is decoded in blocks."""
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
    """A Parquet file that lost its end, however much of it, is no row file."""
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
    """Text that is no value of its column's type is refused before it reaches the server."""
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
    """Of the many ways to write an address, the one is taken that is read back from the table."""
    assert cql_type("inet").parse(text) == kept


@pytest.mark.parametrize("name", ["map<int>", "list<no>"])
def test_a_type_that_row_files_cannot_carry_is_refused(name: str) -> None:
    """A column of a type without a text form is refused by the type's name."""
    with pytest.raises(SettingError, match=r"row files cannot carry the CQL type"):
        cql_type(name)


def test_digest_is_of_contents(tmp_path: Path) -> None:
    """The digest ignores names and order, but not contents, nor where one file ends and the next begins."""
    one, two, renamed = (
        describe_file(written(tmp_path, name, text))
        for name, text in (("1.csv", "a"), ("2.csv", "b"), ("3.csv", "a"))
    )
    joined, empty = (
        describe_file(written(tmp_path, name, text)) for name, text in (("4.csv", "ab"), ("5.csv", ""))
    )
    assert digest([one, two], "") == digest([two, renamed], "")
    others = [([one], ""), ([one, two, two], ""), ([joined], ""), ([empty, joined], ""), ([one, two], "ttl")]
    assert len({digest(files, options) for files, options in [([one, two], ""), *others]}) == 1 + len(others)
    with pytest.raises(RowFileError, match=r"cannot read .*no.csv: No such file or directory; check"):
        describe_file(tmp_path / "no.csv")


def test_find_files_takes_a_file_a_folder_or_a_glob(tmp_path: Path) -> None:
    """A file, a folder's row files, or a glob's matches are found in order; hidden ones are not."""
    for name in ("b.csv", "a.parquet", ".a.csv.1.tmp", ".hidden.csv", "notes.txt"):
        written(tmp_path, name, "x")
    both = (tmp_path / "a.parquet", tmp_path / "b.csv")
    assert find_files(str(tmp_path)) == both
    assert find_files(f"{tmp_path}/[ab].*") == both
    assert find_files(str(tmp_path / "b.csv")) == both[1:]
    odd = written(tmp_path, "[odd] *.csv", "x")
    assert find_files(str(odd)) == (odd,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.csv", "no row file at .*no.csv; name a .csv or .parquet file, a folder of them, or a glob"),
        ("*.no", "no row file at "),
        ("empty", "no row file at "),
        ("notes.txt", "notes.txt is neither .csv nor .parquet; rename or convert it"),
        ("*.txt", "notes.txt is neither .csv nor .parquet"),
    ],
)
def test_find_files_refuses_what_is_no_row_file(tmp_path: Path, name: str, message: str) -> None:
    """Nothing, an empty folder, and files of another kind are refused, not loaded as no rows."""
    (tmp_path / "empty").mkdir()
    written(tmp_path, "notes.txt", "x")
    with pytest.raises(RowFileError, match=message):
        find_files(str(tmp_path / name))


def _failing_rows() -> Iterator[Row]:
    yield from SOME
    raise ZeroDivisionError


@FORMATS
def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path: Path, file_format: str) -> None:
    """When the rows end in an error, the file of before is as it was and nothing lies beside it."""
    file = tmp_path / f"rows.{file_format}"
    write_rows(file, NAMES, SOME[:1])
    before = file.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write_rows(file, NAMES, _failing_rows())
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@FORMATS
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, file_format: str) -> None:
    """When the disk is full, that is what is said, and the file of before is as it was."""
    file = tmp_path / f"rows.{file_format}"
    write_rows(file, NAMES, SOME[:1])
    before = file.read_bytes()
    # The device that is always full, under the name that this process is about to write to.
    (tmp_path / f".{file.name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=f"cannot write .*{file.name}: No space left on device; check"):
        write_rows(file, NAMES, SOME)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """The next writer of a file removes what a dead one left, and leaves a living one's alone."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1, check=True)
    file = tmp_path / "rows.csv"
    left = written(tmp_path, f".rows.csv.{int(gone.stdout)}.tmp", "half")
    alive = written(tmp_path, f".rows.csv.{os.getppid()}.tmp", "half")
    other = written(tmp_path, f".other.csv.{int(gone.stdout)}.tmp", "half")
    write_rows(file, NAMES, SOME)
    assert not left.exists()
    assert alive.exists()
    assert other.exists()


def test_a_target_that_is_a_folder_is_named(tmp_path: Path) -> None:
    """A file that cannot be put into its place is an error that names it, and leaves nothing beside it."""
    target = tmp_path / "text"
    target.mkdir()
    with pytest.raises(OutputError, match=f"cannot write {target}: Is a directory; check that the folder"):
        write_text(target, "whole")
    assert list(tmp_path.iterdir()) == [target]
