"""What feeds columns: fields by name, case or order, constants; and what a row says of its own writing."""

import re
from collections.abc import Iterator

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.errors import BadRowsError, RowFileError, SchemaError, SettingError, VerificationError
from pipeline.load.jobs import Load
from pipeline.settings import ColumnsConfig, ValuesConfig
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import Loads, loads_into, planned

LATE, EARLY = 1_700_000_000_000_000, 1_600_000_000_000_000


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into("t_fields", tmp_path_factory.mktemp("fields"), endpoint, cql) as loads:
        yield loads


def verify(load: Load) -> None:
    """Verify that the table has exactly the rows of a load."""
    run_job(VerifyFiles(plan=planned(load), exact=True))


def test_constants_are_values_of_each_row(loads: Loads) -> None:
    """A constant is written to each row, and stands for the row's file and line; a key may have one."""
    table = loads.create("origins", "source text, no int, v text, at text, PRIMARY KEY (source, no)")
    file = loads.write("origins.csv", "v", [("a",), ('b\n"c"',), ("d",)])
    constants = (("source", "shop {7}"), ("no", "{line}"), ("at", "{file}:{line} {x-1}"))
    load = loads.job(table, [file], columns=ColumnsConfig(constants=constants))
    loads.run(load)
    found = {row["no"]: (row["source"], row["v"], row["at"]) for row in loads.rows(table)}
    assert found == {
        2: ("shop {7}", "a", "origins.csv:2 {x-1}"),
        3: ("shop {7}", 'b\n"c"', "origins.csv:3 {x-1}"),
        5: ("shop {7}", "d", "origins.csv:5 {x-1}"),
    }
    verify(load)


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ((("n", "x"),), "constants: column n: 'x' is not a valid int"),
        ((("m", "1"),), "constants: column 'm' is not there; there are"),
        ((("k", "1"), ("n", "1"), ("v", "1")), "constants feed every column"),
    ],
)
def test_a_constant_that_is_no_value_is_refused(
    loads: Loads, constants: tuple[tuple[str, str], ...], message: str
) -> None:
    """A constant must be a value of a column of the table; this shows before a row is read."""
    table = loads.create("constants", "k int PRIMARY KEY, n int, v text")
    file = loads.write("constants.csv", "k,v", [(1, 1)])
    with pytest.raises(SettingError, match=re.escape(message)):
        planned(loads.job(table, [file], columns=ColumnsConfig(constants=constants)))


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_row_has_the_time_to_live_of_its_field(loads: Loads, file_format: str) -> None:
    """The seconds of ttl_field count for their row alone: 0 is none, a null the table's default."""
    table = loads.create("expiring", "k int PRIMARY KEY, v text")
    loads.execute(f"ALTER TABLE t_fields.{table} WITH default_time_to_live = 7200")
    file = loads.folder / f"expiring.{file_format}"
    lines = {
        "csv": "k,v,ttl\n1,a,3600\n2,b,0\n3,c,\n",
        "jsonl": '{"k":1,"v":"a","ttl":3600}\n{"k":2,"v":"b","ttl":"0"}\n{"k":3,"v":"c"}\n',
    }
    file.write_text(lines[file_format], encoding="utf-8")
    load = loads.job(table, [file], columns=ColumnsConfig(ttl_field="ttl"))
    loads.run(load)
    ttl = {row["k"]: row["ttl"] for row in loads.rows(table, "k, TTL(v) AS ttl")}
    assert 3000 < ttl[1] <= 3600
    assert ttl[2] is None
    assert 3600 < ttl[3] <= 7200
    verify(load)


@pytest.mark.parametrize("method", ["batch", "prepared"])
@pytest.mark.parametrize("feeds_a_column", [True, False], ids=["column too", "no column"])
def test_the_row_with_the_latest_timestamp_wins(loads: Loads, method: str, feeds_a_column: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """With timestamp_field the latest row of a key wins, wherever it stands; verification knows it."""
    table = loads.create("versions", "k int PRIMARY KEY, v text, w text" + ", at text" * feeds_a_column)
    rows = [(1, "late", "", LATE), (2, "alone", "w", EARLY), (1, "early", "w", EARLY)]
    file = loads.write("versions.csv", "k,v,w,at", rows)
    load = loads.job(table, [file], columns=ColumnsConfig(timestamp_field="at"), method=method)
    loads.run(load)
    found = {
        row["k"]: (row["v"], row["w"], row["at"]) for row in loads.rows(table, "k, v, w, writetime(v) AS at")
    }
    assert found == {1: ("late", "w", LATE), 2: ("alone", "w", EARLY)}
    verify(load)


def test_a_timestamp_has_the_forms_of_timestamps(loads: Loads) -> None:
    """A write timestamp may be a moment with microseconds; a row without one, or another form, is bad."""
    table = loads.create("moments", "k int PRIMARY KEY, v text")
    file = loads.write(
        "moments.csv", "k,v,at", [(1, "a", "2023-11-14T22:13:20.000001Z"), (2, "b", ""), (3, "c", "x")]
    )
    load = loads.job(table, [file], columns=ColumnsConfig(timestamp_field="at"), max_bad_rows="2")
    assert loads.run(load).bad == 2
    assert loads.rows(table, "k, writetime(v) AS at") == [{"k": 1, "at": LATE + 1}]
    with pytest.raises(
        BadRowsError, match=r"moments.csv:3: .*timestamp_field at: '' is not a write timestamp"
    ):
        loads.run(loads.job(table, [file], columns=ColumnsConfig(timestamp_field="at")))


def test_two_rows_with_one_timestamp_are_not_verified(loads: Loads) -> None:
    """Of two rows with one key and one timestamp nobody knows the winner: verification says so."""
    table = loads.create("ties", "k int PRIMARY KEY, v text")
    same = loads.write("same.csv", "k,v,at", [(1, "a", EARLY), (1, "a", EARLY)])
    load = loads.job(table, [same], columns=ColumnsConfig(timestamp_field="at"))
    loads.run(load)
    verify(load)
    other = loads.write("other.csv", "k,v,at", [(1, "a", EARLY), (1, "b", EARLY)])
    load = loads.job(table, [other], columns=ColumnsConfig(timestamp_field="at"))
    loads.run(load)
    with pytest.raises(
        VerificationError, match=r"k='1': two rows have write timestamp 1600000000000000 and dif"
    ):
        verify(load)


def test_what_cannot_have_its_own_timestamp_is_refused(loads: Loads) -> None:
    """Lists that are not frozen, another setting that says the same, and method create end the plan."""
    table = loads.create("lists", "k int PRIMARY KEY, v list<int>")
    file = loads.write("lists.csv", "k,v,at", [(1, "[1]", EARLY)])
    columns = ColumnsConfig(timestamp_field="at", ttl_field="")
    with pytest.raises(SchemaError, match="has a list that is not frozen"):
        planned(loads.job(table, [file], columns=columns))
    table = loads.create("plain", "k int PRIMARY KEY, v text")
    with pytest.raises(SettingError, match="timestamp_field is 'at', and timestamp_us is set too"):
        planned(loads.job(table, [file], columns=columns, timestamp_us=5))
    with pytest.raises(SettingError, match="ttl_field is 'at', and ttl_s is set too"):
        planned(loads.job(table, [file], columns=ColumnsConfig(ttl_field="at"), ttl_s=5))
    with pytest.raises(SettingError, match="method create cannot write timestamp_field"):
        planned(loads.job(table, [file], columns=columns, method="create"))
    with pytest.raises(
        RowFileError, match="no field 'when' in its header, which the mapping wants for ttl_field"
    ):
        planned(loads.job(table, [file], columns=ColumnsConfig(ttl_field="when", surplus_fields="skip")))


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        (
            "case.csv",
            "K,V,Extra\n1,a,x\n",
            ColumnsConfig(match="any_case", missing_columns="skip", surplus_fields="skip"),
        ),
        ("order.csv", "a,b\n1,a\n", ColumnsConfig(match="order", missing_columns="skip")),
        ("missing.csv", "k,v\n1,a\n", ColumnsConfig(missing_columns="skip")),
        ("surplus.csv", "x,k,y,v,w\n0,1,0,a,\n", ColumnsConfig(surplus_fields="skip")),
        ("surplus.jsonl", '{"x":[0],"k":1,"v":"a"}\n', ColumnsConfig(surplus_fields="skip")),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_fields_find_their_columns_as_asked(
    loads: Loads, name: str, text: str, columns: ColumnsConfig
) -> None:
    """Fields feed columns by name in any case, or by order; what has no partner is left out where asked."""
    table = loads.create("asked", "k int PRIMARY KEY, v text, w text")
    file = loads.folder / name
    file.write_text(text, encoding="utf-8")
    load = loads.job(table, [file], columns=columns)
    loads.run(load)
    assert [(row["k"], row["v"], row["w"]) for row in loads.rows(table)] == [(1, "a", None)]
    verify(load)


def test_settings_of_values_do_not_touch_constants(loads: Loads) -> None:
    """A constant is written in the usual forms, whatever the forms of the file's values."""
    table = loads.create("forms", "k int PRIMARY KEY, d date, e date")
    file = loads.write("forms.csv", "k,d", [(1, "24.12.2026")])
    columns = ColumnsConfig(constants=(("e", "2026-12-25"),))
    load = loads.job(table, [file], columns=columns, values=ValuesConfig(date_formats="%d.%m.%Y"))
    loads.run(load)
    [row] = loads.rows(table)
    assert (str(row["d"]), str(row["e"])) == ("2026-12-24", "2026-12-25")


def test_files_of_a_load_must_agree(loads: Loads) -> None:
    """Files that do not feed the same columns are not loaded together."""
    table = loads.create("agree", "k int PRIMARY KEY, v text, w text")
    files = [loads.write(f"agree_{name}.csv", f"k,{name}", [(1, "a")]) for name in "vw"]
    with pytest.raises(RowFileError, match=r"agree_w.csv: not the same fields feed .* v for v, w for w"):
        planned(loads.job(table, files, columns=ColumnsConfig(missing_columns="skip")))
