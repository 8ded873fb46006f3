"""Messages of a command about invalid names, skipped files and empty keys."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.errors import BadRowsError
from tests.harness.loads import Loads, loads_into
from tests.harness.tables import Tables
from tests.harness.workspace import PROJECT, before_end

CASES = PROJECT / "tests/cases"
KEYSPACE = "t_cases_edges"
SCHEDULING_ERROR, UNHANDLED = 35, 40
NOT_UTF8 = os.fsdecode(b"caf\xe9.csv")


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into(KEYSPACE, tmp_path_factory.mktemp("edges"), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def tables(loads: Loads, tmp_path: Path, endpoint: Endpoint, cql: Session) -> Tables:
    """Return a workspace on the same keyspace."""
    del loads
    return Tables(tmp_path, endpoint, cql, KEYSPACE)


def said_once(tables: Tables, *words: str, code: int, message: str, **environment: str) -> None:
    """Run a command that must fail with `code`, print `message` once, and no traceback."""
    done = tables.luigi(*words, **environment)
    assert done.returncode == code, done.stdout
    assert before_end(done.stdout).count(message) == 1, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    assert "Logging error" not in done.stdout, done.stdout


@pytest.mark.parametrize("task", ["LoadTable", "VerifyTable", "LoadUsers"])
def test_an_input_whose_name_is_not_utf8_is_refused(tables: Tables, task: str) -> None:
    """Every task refuses a file name with invalid UTF-8 in one message, with escaped bytes, in any locale."""
    table = () if task == "LoadUsers" else ("--table", tables.create("named", "id int PRIMARY KEY, v text"))
    tables.folder.joinpath(NOT_UTF8).write_text("id,v\n1,a\n", encoding="utf-8")
    message = r"caf\xe9.csv is not UTF-8; rename what it names"
    for name in (NOT_UTF8, str(tables.folder / NOT_UTF8)):
        words = (task, *table, "--input", name)
        said_once(tables, *words, code=1, message=message, LC_ALL="C")


@pytest.mark.parametrize("flag", ["--cassandra-user", "--LoadTable-input", "--locale"])
def test_no_word_that_is_not_utf8_gets_further(tables: Tables, flag: str) -> None:
    """An argument with invalid UTF-8 is refused by name: a setting, a parameter's long name, any text."""
    name = flag.rpartition("-")[2]
    message = rf"error: {name}: caf\xe9.csv is not UTF-8"
    said_once(tables, "LoadUsers", flag, NOT_UTF8, code=1, message=message)


def test_a_folder_with_a_name_that_is_not_utf8_is_refused(tables: Tables) -> None:
    """A file with such a name, in a folder or found by a glob, is refused with the same message."""
    table = tables.create("named", "id int PRIMARY KEY, v text")
    (tables.folder / "in").mkdir()
    (tables.folder / "in" / NOT_UTF8).write_text("id,v\n1,a\n", encoding="utf-8")
    for name in ("in", "in/*.csv"):
        words = ("LoadTable", "--table", table, "--input", name)
        said_once(tables, *words, code=SCHEDULING_ERROR, message=r"caf\xe9.csv is not UTF-8; rename the file")


@pytest.mark.parametrize("task", ["LoadTable", "VerifyTable", "LoadUsers", "ReplayBadRows"])
def test_an_empty_input_is_refused(tables: Tables, task: str) -> None:
    """`--input ''`, as from a variable that is not set, loads nothing, not even generated rows."""
    table = () if task == "LoadUsers" else ("--table", tables.create("empty", "id int PRIMARY KEY, v text"))
    message = "input is ''; it must be a file, a folder or a glob"
    said_once(tables, task, *table, "--input", "", code=UNHANDLED, message=message)


def test_an_empty_date_is_refused(tables: Tables) -> None:
    """`--date ''` is refused; it does not mean today."""
    said_once(
        tables, "LoadUsers", "--date", "", code=UNHANDLED, message="date is ''; it must be a date such as"
    )


def test_what_a_folder_holds_beside_is_said_by_load_and_by_verification(tables: Tables) -> None:
    """The log lists the files of a folder that are neither loaded nor verified."""
    table = tables.create("mixed", "id int PRIMARY KEY, v text")
    shutil.copytree(CASES / "20-mixed-folder" / "in", tables.folder / "in")
    words = ("--table", table, "--input", "in")
    passed = (
        "the .csv and .tsv and .parquet and .jsonl and .ndjson and .json files of in, not notes.txt, sub/\n"
    )
    assert tables.succeed("LoadTable", *words, "--dry-run").count(f"LoadTable: reads {passed}") == 1
    assert tables.succeed("LoadTable", *words).count(f"LoadTable: reads {passed}") == 1
    assert tables.succeed("VerifyTable", *words).count(f"VerifyTable: reads {passed}") == 1


@pytest.mark.parametrize(
    ("name", "columns", "reason"),
    [
        (
            "part",
            "a text, b text, PRIMARY KEY ((a, b))",
            "in CSV an empty text cannot be told from null",
        ),
        ("clustering", "a text, b text, PRIMARY KEY (a, b)", "in CSV an empty text cannot be told from null"),
        ("number", "a text, b int, PRIMARY KEY (a, b)", "column b: no value; a key column needs one; "),
        ("whole", "b text PRIMARY KEY, a text", "column b: no value; a key column needs one; "),
    ],
)
def test_an_empty_key_says_whether_parquet_can_hold_it(
    loads: Loads, name: str, columns: str, reason: str
) -> None:
    """If Cassandra accepts an empty text in a key, the reason suggests Parquet; else it asks for a value."""
    table = loads.create(f"empty_{name}", columns)
    file = loads.write(f"{name}.csv", "a,b", [("x", None)])
    with pytest.raises(BadRowsError) as raised:
        loads.run(loads.job(table, [file]))
    assert reason in str(raised.value)
    assert ("Parquet loads it" in str(raised.value)) == ("CSV" in reason)
