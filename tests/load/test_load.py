import contextlib
import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cassandra.cluster import Session
from cassandra.metadata import protect_name
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.cql.types import canonical
from pipeline.embedded import Endpoint
from pipeline.errors import BadRowsError
from pipeline.rowfiles.files import write_rows
from pipeline.rowfiles.formats import FILE_FORMATS
from tests.harness.loads import MIB, Loads, loads_into
from tests.harness.tables import Tables
from tests.harness.values import EVERY_TYPE, USER_TYPES, known
from tests.harness.versions import supported
from tests.harness.workspace import before_end

KEYSPACE = "t_load"


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into(KEYSPACE, tmp_path_factory.mktemp("load"), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def tables(loads: Loads, tmp_path: Path, endpoint: Endpoint, cql: Session) -> Tables:
    """Return a workspace on the same keyspace."""
    del loads
    return Tables(tmp_path, endpoint, cql, KEYSPACE)


@pytest.fixture(scope="module")
def every_type(loads: Loads, cql: Session) -> list[Column]:
    """Return the columns of a table with every type, each under a name that needs quotes."""
    for name, fields in USER_TYPES.items():
        members = ", ".join(f"{protect_name(field)} {type_name}" for field, type_name in fields.items())
        cql.execute(f"CREATE TYPE {loads.keyspace}.{protect_name(name)} ({members})")
    return [
        Column("Key", "int", is_key=True),
        *(
            Column(f'Odd "Name" {at}', type_name, is_key=False, user_types=USER_TYPES)
            for at, type_name in enumerate(supported(cql, EVERY_TYPE))
        ),
    ]


def drawn_rows(type_names: Sequence[str], count: int) -> list[tuple[object, ...]]:
    """Return rows of these types, the first all null, the same in each call."""
    rows: list[tuple[object, ...]] = [tuple(None for _ in type_names)]

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(row=st.tuples(*(st.none() | EVERY_TYPE[name] for name in type_names)))
    def draw(row: tuple[object, ...]) -> None:
        rows.append(row)

    draw()
    return [(at, *row) for at, row in enumerate(rows)]


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_every_type_arrives_as_the_file_has_it(
    tables: Tables, every_type: list[Column], file_format: str
) -> None:
    """Values of every CQL type, under names that need quotes, are read back as they were written."""
    table = tables.create(
        "Every_Type",
        ", ".join(
            f"{protect_name(column.name)} {column.type_name}{' PRIMARY KEY' * column.is_key}"
            for column in every_type
        ),
    )
    rows = drawn_rows([column.type_name for column in every_type[1:]], 20)
    file = tables.folder / f"rows.{file_format}"
    write_rows(file, every_type, rows)
    tables.succeed("LoadTable", "--table", table, "--input", file.name)
    found = {row["Key"]: row for row in tables.rows(table)}
    assert len(found) == len(rows)
    for key, *values in rows:
        for column, value in zip(every_type[1:], values, strict=True):
            # In CSV an empty text and an absent one look the same.
            is_nothing = value is None or (file_format == "csv" and not known(column.type_name).format(value))
            wanted = None if is_nothing else value
            assert canonical(found[key][column.name]) == canonical(wanted), column


def test_a_mapping_loads_the_fields_that_it_names(tables: Tables) -> None:
    """With --mapping, named fields are written to named columns; other fields and columns are ignored."""
    table = tables.create("mapped", '"Id" int PRIMARY KEY, "Odd Name" text, kept text')
    tables.cql.execute(f"INSERT INTO {table} (\"Id\", kept) VALUES (1, 'as it was')")
    file = tables.write("orders.csv", "more,no,who,kept\nx,1,Ada,y\nx,2,,y\n")
    tables.succeed("LoadTable", "--table", "mapped", "--input", str(file), "--mapping", "no=Id, who=Odd Name")
    found = {row["Id"]: (row["Odd Name"], row["kept"]) for row in tables.rows(table)}
    assert found == {1: ("Ada", "as it was"), 2: (None, None)}


def test_a_file_that_was_moved_is_loaded_already(tables: Tables) -> None:
    """A finished load is recognised by the content of its files, not by their names."""
    table = tables.create("moved", "id int PRIMARY KEY")
    words = ("LoadTable", "--table", table, "--input")
    file = tables.folder / tables.write("first.csv", "id\n1\n")
    assert "1 ran successfully" in tables.succeed(*words, file.name)
    moved = file.rename(tables.folder / "second.csv")
    assert "Did not run any tasks" in tables.succeed(*words, moved.name)
    tables.write("second.csv", "id\n2\n")
    assert "1 ran successfully" in tables.succeed(*words, moved.name)
    assert sorted(row["id"] for row in tables.rows(table)) == [1, 2]


@pytest.mark.parametrize(
    ("table", "header", "message"),
    [
        ("counts", "id,n", "table t_load.counts: column n is a counter; counters can only be added to"),
        ("oders", "id", r"table t_load.oders is absent; did you mean 'orders'\?; create it"),
        ("t_laod.orders", "id", r"keyspace 't_laod' is absent; did you mean 't_load'\?"),
        ("orders", "id,naem", "rows.csv: the header is 'id,naem'; it must name each of 'id,name' once"),
    ],
)
def test_a_table_that_cannot_be_loaded_is_refused(
    tables: Tables, table: str, header: str, message: str
) -> None:
    """Counters, and a table, keyspace or header that does not fit, end the load with a one-line reason."""
    tables.create("counts", "id int PRIMARY KEY, n counter")
    orders = tables.create("orders", "id int PRIMARY KEY, name text")
    file = tables.write("rows.csv", f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    output = tables.refused("LoadTable", "--table", table, "--input", str(file))
    assert len(re.findall(message, before_end(output))) == 1, output
    assert tables.rows(orders) == []


def test_a_dry_run_checks_and_writes_nothing(tables: Tables) -> None:
    """--dry-run counts rows and bad rows, names the columns, fails where a load would, and writes nothing."""
    table = tables.create("dry", "id int PRIMARY KEY, name text")
    kept = f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{KEYSPACE}'"
    before = list(tables.cql.execute(kept))
    file = tables.write("dry.csv", "name,id\nAda,1\nGrace,two\nJoan,3\n")
    words = ("LoadTable", "--table", table, "--input", str(file), "--dry-run")
    output = tables.refused(*words)
    message = r"1 bad rows, .*: dry.csv:3: column id: 'two' is not a valid int"
    assert len(re.findall(message, before_end(output))) == 1, output
    output = tables.succeed(*words, "--max-bad-rows", "34%")
    assert "LoadTable: 2 rows would be loaded: id, name; 1 are bad\n" in output
    assert tables.said("rejected.csv").read_text(encoding="utf-8") == "name,id\nGrace,two\n"
    assert tables.rows(table) == []
    assert not list(tables.folder.glob("output/checkpoints/*"))
    assert list(tables.cql.execute(kept)) == before


PRIVATE = "nobody's business"
BAD = {
    3: (f"wrong,a,many,{PRIVATE},", "n", "many", "'many' is not a valid int: "),
    4: (f"no key,,1,{PRIVATE},", "part", "", "no value; a key column needs one"),
    5: (f"fields,a,1,{PRIVATE}", "", "", "4 fields where the header has 5; quote values that hold a comma"),
    6: (f"J\xfcrg,a,1,{PRIVATE},", "id", "J�rg", "not UTF-8 (byte 0xfc); convert the file"),
    7: (f"{'k' * 70_000},a,1,{PRIVATE},", "", "", "a partition key of 70000 bytes; 65535 are the most"),
    8: (f"c,{'k' * 70_000},1,{PRIVATE},", "", "", "a clustering key of 70000 bytes; 65535 are the most"),
    9: (f"large,a,1,{PRIVATE * MIB},", "", "", " bytes of values; 15728640 are the most"),
    10: (f"refused,a,1,{PRIVATE},{'i' * 70_000}", "", "", "Cannot index value of size 70000 for index"),
}
MENDED = [f"mended {line},a,1,," for line in BAD]


def test_bad_rows_are_set_apart_mended_and_replayed(tables: Tables) -> None:
    """Bad rows within the budget are reported and left out; beyond it the load fails and can be resumed."""
    table = tables.create("apart", "id text, part text, n int, v text, i text, PRIMARY KEY (id, part)")
    tables.cql.execute(f"CREATE INDEX ON {table} (i)")
    good = [("pad", "a"), ("x" * 40_000, "y" * 40_000), ("z" * 65_535, "y" * 65_535), ("last", "a")]
    header, first, *others = "id,part,n,v,i", *(f"{key},{part},1,{PRIVATE}," for key, part in good)
    # The first row fills a split: the large row after it is in the next one.
    lines = [header, first[:-1] + "p" * MIB + ",", *(line for line, *_ in BAD.values()), *others, ""]
    file = tables.write("apart.csv", "\n".join(lines))
    words = ("LoadTable", "--table", table, "--input", str(file), "--pool-size", "1", "--max-bad-rows")

    output = before_end(tables.refused(*words, "7"))
    assert (
        len(re.findall(r"8 bad rows, .* is 7: apart.csv:3: column n: 'many' is not a valid int", output)) == 1
    ), output
    assert PRIVATE not in output
    assert len(re.findall(r"mend the rows in output/.*/rejected.csv, then run ReplayBadRows", output)) == 1
    assert len(tables.said("bad_rows.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(BAD)
    output = tables.succeed(*words, "8")
    assert PRIVATE not in output
    assert "goes on behind 7 rows that a run before this one has loaded" in output
    assert "8 bad rows were left out: see output/loads/" in output
    report = json.loads(tables.said("load.json").read_text(encoding="utf-8"))
    counted = [report[what] for what in ("read", "sent", "acknowledged", "bad", "resumed")]
    assert counted == [12, 5, 4, 8, 7]
    found = {(row["id"], row["part"]) for row in tables.rows(table, "id, part")}
    assert found == set(good)
    with tables.said("bad_rows.csv").open(encoding="utf-8", newline="") as text:
        listed = list(csv.DictReader(text))
    assert [(row["file"], int(row["line"])) for row in listed] == [("apart.csv", line) for line in BAD]
    for row, (_, column, value, reason) in zip(listed, BAD.values(), strict=True):
        assert (row["column"], row["value"]) == (column, value)
        assert reason in row["reason"]
    rejected = tables.said("rejected.csv")
    wanted = "\n".join([header, *(line for line, *_ in BAD.values()), ""])
    assert rejected.read_bytes() == wanted.encode("latin-1")

    rejected.write_text("\n".join([header, *MENDED, ""]), encoding="utf-8")
    tables.succeed("ReplayBadRows", "--table", table)
    found = {(row["id"], row["part"]) for row in tables.rows(table, "id, part")}
    assert found == {*good, *((f"mended {line}", "a") for line in BAD)}


@pytest.mark.parametrize(("budget", "is_enough"), [("2", True), ("1", False), ("50%", True), ("49%", False)])
def test_bad_rows_count_against_the_budget(loads: Loads, budget: str, *, is_enough: bool) -> None:
    """max_bad_rows, a number or a share, is the largest number of bad rows that a load accepts."""
    table = loads.create("budget", "id int PRIMARY KEY")
    file = loads.write(f"{budget}.csv", "id", [(1,), ("x",), ("x",), (2,)])
    load = loads.job(table, [file], max_bad_rows=budget)
    too_many = pytest.raises(BadRowsError, match=rf"2 bad rows, where max_bad_rows is {budget}: .*:3: column")
    with contextlib.nullcontext() if is_enough else too_many:
        assert loads.run(load).bad == 2
    listed = (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8").splitlines()
    assert [line.partition("'x' is not a valid int")[1] for line in listed[1:]] == [
        "'x' is not a valid int"
    ] * 2


def test_the_servers_warnings_are_counted_and_said_once(tables: Tables) -> None:
    """The server's warnings of batches with many partitions are counted; single statements cause none."""
    table = tables.create("warned", "id int PRIMARY KEY")
    file = tables.write("warned.csv", "\n".join(["id", *map(str, range(1000)), ""]))
    words = ("LoadTable", "--table", table, "--input", str(file))
    output = tables.succeed(*words)
    report = json.loads(tables.said("load.json").read_text(encoding="utf-8"))
    count = report["requests_with_a_warning"]
    assert count > 1
    assert len(re.findall(f"the server warned {count} times, first: Unlogged batch covering", output)) == 1
    assert output.count("the server warned") == 1
    assert "server warned" not in tables.succeed(*words, "--reload", "--method", "prepared")
    report = json.loads(tables.said("load.json").read_text(encoding="utf-8"))
    assert report["requests_with_a_warning"] == 0
