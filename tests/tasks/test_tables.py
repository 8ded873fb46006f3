"""Loads that are scheduled: an input for each day, files that come later, a section for each table."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.tables import TASK_FAILED, Tables

MISSING_DATA, SCHEDULING_ERROR = 20, 35


@pytest.fixture(scope="module")
def keyspace(cql: Session) -> Iterator[str]:
    """Create a keyspace for this module's tables."""
    name = "t_scheduled"
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cql.execute(f"CREATE KEYSPACE IF NOT EXISTS {name} WITH replication = {replication}")
    yield name
    cql.execute(f"DROP KEYSPACE {name}")


@pytest.fixture
def tables(tmp_path: Path, endpoint: Endpoint, cql: Session, keyspace: str) -> Tables:
    """Return a folder with a table of events, which is empty."""
    tables = Tables(tmp_path, endpoint, cql, keyspace)
    tables.create("events", "id int PRIMARY KEY, name text, day date")
    return tables


def drop(tables: Tables, day: str, *rows: str, flag: bool = True) -> None:
    """Write a day's packed file, and the file that says that it is complete."""
    folder = tables.folder / "drop" / day.replace("-", "/")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.csv.gz").write_bytes(gzip.compress("\n".join(["id;name", *rows, ""]).encode()))
    if flag:
        (folder / "_SUCCESS").touch()


def declare(tables: Tables, name: str = "events", **settings: str) -> None:
    """Add a section for a table to luigi.cfg."""
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    with (tables.folder / "luigi.cfg").open("a", encoding="utf-8") as file:
        file.write(f"\n[table {name}]\n{lines}")


NIGHTLY = {
    "input": "drop/{year}/{month}/{day}/*.csv.gz",
    "delimiter": ";",
    "constants": "day={date}",
    "flag_file": "_SUCCESS",
}


def test_a_range_of_days_reads_each_day_its_own_files(tables: Tables) -> None:
    """A table's section says all; RangeDaily loads the days that are there, and waits for the others."""
    declare(tables, **NIGHTLY)
    drop(tables, "2026-11-01", "1;a")
    drop(tables, "2026-11-02", "2;b", flag=False)
    words = ("RangeDaily", "--of", "LoadTable", "--of-params", '{"table": "events"}')
    days = ("--start", "2026-11-01", "--stop", "2026-11-04")
    waiting = tables.luigi(*words, *days)
    assert waiting.returncode == MISSING_DATA, waiting.stdout
    assert "no row file at drop/2026/11/03/*.csv.gz; name a" in waiting.stdout
    assert "no _SUCCESS in drop/2026/11/02: its files are not complete yet" in waiting.stdout
    assert {(row["id"], str(row["day"])) for row in tables.rows("t.events")} == {(1, "2026-11-01")}
    drop(tables, "2026-11-02", "2;b")
    drop(tables, "2026-11-03", "3;c")
    tables.succeed(*words, *days)
    assert {(row["id"], row["name"], str(row["day"])) for row in tables.rows("t.events")} == {
        (1, "a", "2026-11-01"),
        (2, "b", "2026-11-02"),
        (3, "c", "2026-11-03"),
    }
    tables.succeed("VerifyTable", "--table", "events", "--date", "2026-11-02")
    again = tables.luigi("LoadTable", "--table", f"{tables.keyspace}.events", "--date", "2026-11-03")
    assert "1 complete ones were encountered" in again.stdout


def test_what_is_gone_never_counts_as_loaded(tables: Tables) -> None:
    """A day that was loaded, whose file is gone since, is waited for, not taken as done."""
    declare(tables, **NIGHTLY)
    drop(tables, "2026-11-05", "5;e")
    words = ("LoadTable", "--table", "events", "--date", "2026-11-05")
    tables.succeed(*words)
    (tables.folder / "drop/2026/11/05/events.csv.gz").unlink()
    done = tables.luigi(*words)
    assert done.returncode == MISSING_DATA, done.stdout


def test_a_verification_waits_for_its_input(tables: Tables) -> None:
    """The verification of a day without files exits with 20 and names them, before and after a load."""
    declare(tables, **NIGHTLY)
    words = ("VerifyTable", "--table", "events", "--date", "2026-11-06")
    absent = tables.luigi(*words)
    assert absent.returncode == MISSING_DATA, absent.stdout
    assert "no row file at drop/2026/11/06/*.csv.gz; name a" in absent.stdout
    drop(tables, "2026-11-06", "6;f")
    tables.succeed(*words)
    (tables.folder / "drop/2026/11/06/events.csv.gz").unlink()
    gone = tables.luigi(*words)
    assert gone.returncode == MISSING_DATA, gone.stdout


def test_yesterday_is_a_date(tables: Tables) -> None:
    """`--date yesterday` is the day before this one, as cron needs it."""
    yesterday = dt.date.today() - dt.timedelta(days=1)  # noqa: DTZ011 - as the task has it
    (tables.folder / f"of_{yesterday}.csv").write_text("id,name,day\n1,a,2026-11-01\n", encoding="utf-8")
    tables.succeed("LoadTable", "--table", "events", "--input", "of_{date}.csv", "--date", "yesterday")
    assert len(tables.rows("t.events")) == 1
    done = tables.luigi("LoadTable", "--table", "events", "--input", "{yaer}.csv")
    assert done.returncode == SCHEDULING_ERROR, done.stdout
    assert "input is '{yaer}.csv': {yaer} is not known; use {year}, {month}, {day}, {date}" in done.stdout


def test_a_row_that_was_rejected_is_read_by_the_same_section(tables: Tables) -> None:
    """An option wins over the section; rejected rows are replayed by it, whatever its input and format."""
    declare(tables, **NIGHTLY, skip_rows="0", max_bad_rows="5")
    drop(tables, "2026-11-06", "x;e", "7;g")
    words = ("--table", "events", "--date", "2026-11-06")
    done = tables.luigi("LoadTable", *words, "--max-bad-rows", "0")
    assert done.returncode == TASK_FAILED, done.stdout
    tables.succeed("LoadTable", *words)
    rejected = tables.said("rejected.csv")
    assert rejected.read_text(encoding="utf-8") == "id;name\nx;e\n"
    assert json.loads(rejected.with_suffix(".json").read_text(encoding="utf-8"))["delimiter"] == ";"
    rejected.write_text("id;name\n8;e\n", encoding="utf-8")
    tables.succeed("ReplayBadRows", *words)
    assert {row["id"] for row in tables.rows("t.events")} == {7, 8}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ([("events", {"inptu": "x.csv"})], "[table events] has no setting 'inptu'; did you mean 'input'?"),
        (
            [("events", {"pool_size": "some"})],
            "[table events] pool_size is 'some'; it must be a whole number, or auto",
        ),
        ([("events", {}), ("t_scheduled.events", {})], "are for the same table; make them one"),
    ],
)
def test_a_section_that_is_wrong_is_refused(
    tables: Tables, sections: list[tuple[str, dict[str, str]]], message: str
) -> None:
    """An unknown setting, a wrong value and a second section end the command with their names."""
    for name, settings in sections:
        declare(tables, name, **settings)
    done = tables.luigi("LoadTable", "--table", "events", "--input", "x.csv")
    assert done.returncode != 0
    assert message in done.stdout
    assert "Traceback" not in done.stdout


def test_a_format_can_be_named(tables: Tables) -> None:
    """With --format, files may have any ending; rejected rows are replayed without it."""
    file = tables.folder / "events.dat"
    file.write_text("# made by hand\nid,name,day\n1,a,2026-11-01\nx,b,\n", encoding="utf-8")
    options = ("--table", "events", "--format", "csv", "--skip-rows", "1", "--max-bad-rows", "1")
    tables.succeed("LoadTable", *options, "--input", "events.dat")
    rejected = tables.said("rejected.csv")
    rejected.write_text(rejected.read_text(encoding="utf-8").replace("x", "2"), encoding="utf-8")
    tables.succeed("ReplayBadRows", *options)
    assert {row["id"] for row in tables.rows("t.events")} == {1, 2}
