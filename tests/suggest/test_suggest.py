"""What is suggested for files: types, forms, keys, and what is doubtful."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RowFileError
from pipeline.settings.files import FilesConfig
from pipeline.suggest.handlers import suggest_table
from pipeline.suggest.jobs import Suggestion, SuggestTable


def suggested(
    folder: Path, content: str | bytes, name: str = "rows.csv", *, key: tuple[str, ...] = (), **given: str
) -> Suggestion:
    """Return what is suggested for a file with this content."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    job = SuggestTable(files=(str(file),), table="shop.rows", key=key, given=FilesConfig(**given))  # type: ignore[arg-type]  # texts
    return suggest_table(job, lambda *_: None)


def types(found: Suggestion) -> dict[str, str]:
    """Return the type of each column of a suggested table; its key under the name `key`."""
    lines = [line.strip().rstrip(",") for line in found.statement.splitlines()[1:-1]]
    columns = dict(line.split(" ", 1) for line in lines[:-1])
    return {**columns, "key": lines[-1].removeprefix("PRIMARY KEY ")}


@pytest.mark.parametrize(
    ("values", "kind", "options"),
    [
        (["1", "-2", "30"], "int", {}),
        (["1", "2147483648"], "bigint", {}),
        (["1", "9223372036854775808"], "varint", {}),
        (["1", "2.5", "1e-3", "NaN", "-.5"], "double", {}),
        (["007", "8"], "text", {}),
        (["+49 30", "12"], "text", {}),
        (["true", "false"], "boolean", {}),
        (["Yes", "No", "Yes"], "boolean", {"true_words": "Yes", "false_words": "No"}),
        (["Y", "Y"], "text", {}),
        (["Y", "N"], "boolean", {"true_words": "Y", "false_words": "N"}),
        (["2026-11-01", "2026-11-02"], "date", {}),
        (["2026-11-01T12:30:00Z", "2026-11-01 12:30"], "timestamp", {}),
        (["2012/01/01 00:00", "2012/12/31 23:59"], "timestamp", {"timestamp_formats": "%Y/%m/%d %H:%M"}),
        (["Jan 1 2000", "Feb 29 2000"], "date", {"date_formats": "%b %d %Y"}),
        (["31/12/2000", "01/02/2000"], "date", {"date_formats": "%d/%m/%Y"}),
        (["24.12.26", "1.1.26"], "date", {"date_formats": "%d.%m.%y"}),
        (["123e4567-e89b-42d3-a456-426614174000"], "uuid", {}),
        (["10.0.0.1", "192.168.0.12"], "inet", {}),
        (["12:30:00", "23:59:59.5"], "time", {}),
        (["0x00ff"], "blob", {}),
        (["1", "NA", "3"], "int", {"null_words": "NA"}),
        (["1.5", "?", "."], "double", {"null_words": ".,?"}),
        (["1.0", "", "3.0"], "int", {"whole_floats": "true"}),
        (["1.0", "2.0"], "double", {}),
        (['"1,234"', "12"], "int", {"thousands_mark": ","}),
        (['"[1, 2]"', "[]"], "frozen<list<int>>", {}),
        (["", ""], "text", {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_type_is_what_a_load_takes(
    tmp_path: Path, values: list[str], kind: str, options: dict[str, str]
) -> None:
    """The type of a column is the narrowest that takes all values, with the settings that read them."""
    lines = [f"{at},{value}" for at, value in enumerate(values)]
    found = suggested(tmp_path, "\n".join(["id,v", *lines, ""]))
    assert (types(found)["v"], dict(found.options)) == (kind, options)


def test_a_date_that_may_be_two_is_doubtful(tmp_path: Path) -> None:
    """Where no day is beyond 12, the order of day and month is a guess, and it is said."""
    found = suggested(tmp_path, "id,d\n1,01/02/2000\n2,03/04/2000\n")
    assert dict(found.options) == {"date_formats": "%m/%d/%Y"}
    assert "d: each value fits %m/%d/%Y and %d/%m/%Y; %m/%d/%Y is a guess" in found.doubts
    assert not suggested(tmp_path, "id,d\n1,01/31/2000\n").doubts


def test_columns_share_their_forms(tmp_path: Path) -> None:
    """Settings are for all columns: what does not suit them is text, and a null word in a text is a doubt."""
    found = suggested(
        tmp_path, "id,a,b,c,d\n1,NA,NA,01.02.2000,02/20/2000\n2,5,Namibia,24.12.2000,02/21/2000\n"
    )
    assert types(found)["a"] == "int"
    assert dict(found.options) == {"null_words": "NA", "date_formats": "%d.%m.%Y | %m/%d/%Y"}
    assert "b: NA is null in it too, where it may be a text" in found.doubts
    found = suggested(
        tmp_path, 'id;a;b;c\n1;1,5;1,234.5;x\n2;2,5;"1,000.0";y\n3;0,5;7,001.0;z\n4;0,25;2,000.0;z\n'
    )
    assert sorted([types(found)["a"], types(found)["b"]]) == ["double", "text"]
    assert any("written in another form than other columns of double; text" in each for each in found.doubts)


PACKED: dict[str, Callable[[bytes], bytes]] = {"rows.csv.gz": gzip.compress, "rows.dat": bz2.compress}


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("rows.csv", b"id;v\n1;2,5\n2;3,5\n", {"delimiter": ";", "decimal_mark": ","}),
        ("rows.tsv", b"id\tv\n1\tx\n", {"delimiter": r"\t"}),
        ("rows.csv", b"id|v\r\n1|a,b\r\n", {"delimiter": "|"}),
        ("rows.csv", b"# made by hand\nid,v\n1,x\n", {"comment": "#"}),
        ("rows.csv", b"Report\nof the day\nid,v,w\n1,x,y\n2,x,y\n", {"skip_rows": "2"}),
        ("rows.csv", "id,v\n1,J\xfcrg\n2,M\xfcller und S\xf6hne\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("rows.csv", "id,v\n1,J\xfcrg\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("rows.csv", "\ufeffid,v\n1,J\xfcrg\n".encode(), {}),
        ("rows.csv", b"'id','v'\n'1','a,b'\n", {"quote": "'"}),
        ("rows.csv", b'id,v\n1,"a \\"b\\", c"\n2,"d"\n', {"escape": "\\"}),
        ("rows.csv", b"id,v\n1, 5\n2, 6\n", {"trim": "true"}),
        ("rows.csv", b"1,2.5\n2,3.5\n", {"header": "false", "mapping": "1=c_1,2=c_2"}),
        ("rows.csv", b"ID,V\n1,x\n", {"match": "any_case"}),
        ("rows.csv", b"id,Last name\n1,x\n", {"mapping": "id=id,Last name=last_name"}),
        ("rows.csv", b"id,v,v\n1,x,y\n", {"header": "false", "skip_rows": "1", "mapping": "1=id,2=v,3=v_2"}),
        ("rows.csv", b",v\n1,x\n2,y\n", {"mapping": '""=field_1,v=v'}),
        ("rows.csv.gz", b"id,v\n1,x\n", {}),
        ("rows.dat", b"id,v\n1,x\n", {"compression": "bzip2", "format": "csv"}),
        ("rows.txt", b'{"id":1,"v":"x"}\n{"id":2}\n', {"format": "jsonl"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_file_is_read_as_it_is(tmp_path: Path, name: str, content: bytes, options: dict[str, str]) -> None:
    """Delimiter, quotes, header, encoding, packing and format are found, and the options say them."""
    found = suggested(tmp_path, PACKED.get(name, bytes)(content), name)
    assert dict(found.options) == options


def test_what_is_given_stays(tmp_path: Path) -> None:
    """A setting that the user gives is not guessed again, and is among the options."""
    found = suggested(tmp_path, "a;b|c\n1;2|3\n", delimiter="|")
    assert dict(found.options)["delimiter"] == "|"
    assert list(types(found)) == ["a_b", "c", "key"]


def test_keys_of_json_objects_are_columns(tmp_path: Path) -> None:
    """Nested objects have columns of their own by pointers; arrays are lists; keys that come later count."""
    lines = [
        '{"id":1,"at":"2026-11-01","address":{"city":"Bonn","zip":"01067"},"tags":["a"]}',
        '{"id":2,"extra":0.5,"address":{"city":"K\\u00f6ln"},"tags":[]}',
    ]
    found = suggested(tmp_path, "\n".join(lines) + "\n", "rows.jsonl")
    assert types(found) == {
        "id": "int",
        "at": "date",
        "address_city": "text",
        "address_zip": "text",
        "tags": "frozen<list<text>>",
        "extra": "double",
        "key": "(id)",
    }
    mapping = "id=id,at=at,/address/city=address_city,/address/zip=address_zip,tags=tags,extra=extra"
    assert dict(found.options) == {"mapping": mapping}


def test_keys_of_json_are_mapped_in_any_case(tmp_path: Path) -> None:
    """Objects name their fields in each row, so only a mapping can say that capitals do not count."""
    found = suggested(tmp_path, '[{"Id": 1, "Name": "x"}]', "rows.json")
    assert dict(found.options) == {"mapping": "Id=id,Name=name"}


def test_types_of_parquet_are_those_of_arrow(tmp_path: Path) -> None:
    """A Parquet file says its types; what has none in CQL is left out."""
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int32()),
            "n": pa.array([1, None], pa.int64()),
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "at": pa.array([0, 1], pa.timestamp("ns")),
            "tags": pa.array([["a"], []]),
            "odd": pa.array([{"a": 1}, {"a": 2}]),
            "code": pa.array(["01", "NA"]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = suggested(tmp_path, (tmp_path / "t.parquet").read_bytes(), "rows.parquet")
    assert types(found) == {
        "id": "int",
        "n": "bigint",
        "name": "text",
        "at": "timestamp",
        "tags": "frozen<list<text>>",
        "code": "text",
        "key": "(id)",
    }
    assert dict(found.options) == {"surplus_fields": "skip"}
    assert any(each.startswith("odd: nothing is loaded from Parquet's struct") for each in found.doubts)


@pytest.mark.parametrize(
    ("content", "key", "options"),
    [
        ("name,id\nx,1\nx,2\n", "(id)", {}),
        ("code,n\na,1.5\nb,1.5\n", "(code)", {}),
        ("day,city,t\n2026-11-01,Bonn,5\n2026-11-02,Bonn,5\n2026-11-01,Ulm,5\n", "(city, day)", {}),
        ("a,b\n1,1\n1,1\n", "(row_number)", {"constants": "row_number={row}"}),
        ("row_number,b\n1,1\n1,1\n", "(own_row_number)", {"constants": "own_row_number={row}"}),
    ],
)
def test_a_key_tells_rows_apart(tmp_path: Path, content: str, key: str, options: dict[str, str]) -> None:
    """The key is the fewest columns that no two rows share, a time last; else the row's place in its file."""
    found = suggested(tmp_path, content)
    assert (types(found)["key"], dict(found.options)) == (key, options)


def test_a_key_that_is_named_is_looked_at(tmp_path: Path) -> None:
    """A key that the user names is taken; what is wrong with it is a doubt, or an error."""
    found = suggested(tmp_path, "a,b\n1,1\n1,2\n1,2\n2,\n", key=("a", "b"))
    assert types(found)["key"] == "(a, b)"
    assert "key: 1 of 4 rows have a key that another row has; the last row of a key wins" in found.doubts
    assert "key: b has no value in 1 rows; they are bad rows" in found.doubts
    with pytest.raises(RowFileError, match="key: no field 'c'; there are 'a,b'"):
        suggested(tmp_path, "a,b\n1,1\n", key=("c",))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"id,v\n", "no row that can be read"), (b"\x00\x01", "rows.csv")],
)
def test_what_has_no_rows_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A file without rows ends with an error that names it."""
    with pytest.raises(RowFileError, match=message):
        suggested(tmp_path, content)


def test_rows_that_are_bad_are_counted(tmp_path: Path) -> None:
    """Rows of another number of fields are a doubt, and so many bad rows an option."""
    found = suggested(tmp_path, "id,v\n1,x\n2,y,z\n3,z\n")
    assert dict(found.options) == {"max_bad_rows": "1"}
    assert any(each.startswith("1 rows cannot be taken apart, the first: line 3: ") for each in found.doubts)
