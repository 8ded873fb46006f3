"""When a load is finished, and when it is not: after public reports of tables that were wrong in silence."""

import csv
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.errors import RequestError, RowFileError, SettingError, VerificationError
from pipeline.load import jobs
from pipeline.load.journal import read_journal
from pipeline.rowfiles.sources import describe_file, require_unchanged
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import Loads, loads_into, planned
from tests.harness.tables import TASK_FAILED, Tables
from tests.harness.workspace import until

KEYSPACE = "t_cases_loads"
TIMESTAMP_US = 1_700_000_000_000_000
LIST_ROWS = [(1, '["a","b","c"]'), (2, '["d"]')]


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return what loads files into tables of a keyspace of this module."""
    with loads_into(KEYSPACE, tmp_path_factory.mktemp("cases"), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def tables(loads: Loads, tmp_path: Path, endpoint: Endpoint, cql: Session) -> Tables:
    """Return a workspace on the same keyspace."""
    del loads
    return Tables(tmp_path, endpoint, cql, KEYSPACE)


def values(loads: Loads, table: str) -> dict[int, object]:
    """Return the table's column `v` by its key `id`."""
    return {row["id"]: row["v"] for row in loads.rows(table)}


def create(loads: Loads, name: str) -> str:
    """Create a table with a key and a text; return its name."""
    return loads.create(name, "id int PRIMARY KEY, v text")


def append(file: Path) -> None:
    """Have the file grow."""
    with file.open("a", encoding="utf-8") as text:
        text.write("9002,appended\n")


def edit(file: Path) -> None:
    """Write another value over one, in place, of the same length; and set the file's time back."""
    stat = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace("1,old", "1,new"), encoding="utf-8")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replace(file: Path) -> None:
    """Put another file in its place."""
    other = file.with_suffix(".other")
    other.write_text("id,v\n1,new\n2,old\n", encoding="utf-8")
    other.replace(file)


@pytest.mark.parametrize("change", [append, edit, replace, Path.unlink])
def test_a_file_that_changes_during_its_load_is_not_loaded(loads: Loads, change: object) -> None:
    """A file that grows, is edited, replaced or removed while it is loaded ends its load without a marker."""
    table = create(loads, "changing")
    file = loads.write("changing.csv", "id,v", [(1, "old"), (2, "old")])
    load = loads.job(table, [file])
    journal = loads.begin(load).journal
    sent = loads.send(load, journal)
    change(file)  # type: ignore[operator]
    with pytest.raises(RowFileError, match=r"changing\.csv"):
        loads.finish(load, journal, sent)
    assert not [row for row in loads.rows("load_marker") if row["table_name"] == table]
    # What was settled may be of either content: the next run begins anew.
    assert not Path(journal).exists()


def test_a_file_whose_rights_change_is_still_the_same(loads: Loads) -> None:
    """Rights and links of a file may change while it is loaded: its content is what counts."""
    file = loads.write("rights.csv", "id,v", [(1, "old")])
    described = describe_file(file)
    file.chmod(0o600)
    (file.with_suffix(".link")).hardlink_to(file)
    require_unchanged(described)


def test_a_file_that_is_edited_within_a_tick_of_its_clock_is_described_anew(tmp_path: Path) -> None:
    """Two contents of one length and one time of change have two digests."""
    file = tmp_path / "ticks.csv"
    file.write_text("id,v\n1,old\n", encoding="utf-8")
    first = describe_file(file)
    edit(file)
    assert describe_file(file).sha256 != first.sha256


def test_a_file_that_joins_the_folder_is_loaded_by_the_next_run(tables: Tables) -> None:
    """A file that arrives while its folder is loaded ends that load; the next run loads it too."""
    table = tables.create("joined", "id int PRIMARY KEY, v text")
    (tables.folder / "in").mkdir()
    with (tables.folder / "in" / "a.csv").open("w", encoding="utf-8") as text:
        csv.writer(text).writerows([("id", "v"), *((at, "old") for at in range(600))])
    words = ("LoadTable", "--table", table, "--input", "in")
    with subprocess.Popen(
        tables.command(*words, "--rows-per-s", "200"),
        cwd=tables.folder,
        env=tables.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as loading:
        until(lambda: tables.rows(table))
        tables.write("in/b.csv", "id,v\n9001,late\n")
        said, _ = loading.communicate()
    assert loading.returncode == TASK_FAILED, said
    assert "in/b.csv was added while it was being loaded; run the load again" in said
    tables.succeed(*words)
    assert len(tables.rows(table)) == 601


def test_a_truncated_table_is_loaded_again(tables: Tables) -> None:
    """A table that was truncated after its load is loaded again; one that lost a column is not."""
    table = tables.create("truncated", "id int PRIMARY KEY, v text, gone text")
    file = tables.write("t.csv", "id,v\n1,a\n")
    words = ("LoadTable", "--table", table, "--input", str(file), "--mapping", "id=id,v=v")
    tables.succeed(*words)
    tables.cql.execute(f"ALTER TABLE {table} DROP gone")
    assert "Did not run any tasks" in tables.succeed(*words)
    tables.cql.execute(f"TRUNCATE {table}")
    tables.succeed(*words)
    assert len(tables.rows(table)) == 1
    assert "Did not run any tasks" in tables.succeed(*words)


def test_a_marker_table_of_an_earlier_version_is_given_its_column(tables: Tables) -> None:
    """Markers that say nothing of truncation do not count; the next load adds what they lack."""
    table = tables.create("older", "id int PRIMARY KEY, v text")
    file = tables.write("o.csv", "id,v\n1,a\n")
    words = ("LoadTable", "--table", table, "--input", str(file))
    tables.succeed(*words)
    tables.cql.execute(f"ALTER TABLE {KEYSPACE}.load_marker DROP truncated_at")
    tables.succeed(*words)
    assert "Did not run any tasks" in tables.succeed(*words)


def test_a_named_verification_always_reads_the_table(tables: Tables) -> None:
    """After an edit the new content is verified; after a row is deleted the verification fails."""
    table = tables.create("verified", "id int PRIMARY KEY, v text")
    file = tables.write("a.csv", "id,v\n1,a\n2,b\n")
    words = ("VerifyTable", "--table", table, "--input", str(file))
    tables.succeed(*words)
    tables.write("a.csv", "id,v\n1,A\n3,c\n")
    assert "2 of 2 rows are in the table" in tables.succeed(*words)
    tables.cql.execute(f"DELETE FROM {table} WHERE id = 3")
    assert "id='3': absent" in tables.refused(*words)


def test_a_verification_of_another_load_does_not_count(tables: Tables) -> None:
    """What requires a verification has it carried out again once the load was repeated."""
    tables.configure(timing={"latencies_s": "0", "sync_repeats": 1, "async_repeats": 1})
    tables.succeed("TimingReport", "--rows", "20")
    first = json.loads(tables.said("verified.json").read_text(encoding="utf-8"))
    tables.succeed("TimingReport", "--rows", "20", "--run-id", "second")
    assert json.loads(tables.said("verified.json").read_text(encoding="utf-8")) == first
    tables.succeed("LoadUsers", "--rows", "20", "--reload")
    tables.succeed("TimingReport", "--rows", "20", "--run-id", "third")
    assert json.loads(tables.said("verified.json").read_text(encoding="utf-8"))["marker"] != first["marker"]


def test_inputs_with_names_alike_have_folders_of_their_own(tables: Tables) -> None:
    """`orders/1.csv` and `orders_1.csv`, or two long paths with one end, share no report."""
    table = tables.create("alike", "id int PRIMARY KEY, v text")
    long = "x" * 150
    for folder in ("orders", f"a{long}", f"b{long}"):
        (tables.folder / folder).mkdir()
    names = ("orders/1.csv", "orders_1.csv", f"a{long}/1.csv", f"b{long}/1.csv")
    for at, name in enumerate(names):
        tables.write(name, f"id,v\n{at},a\n")
        tables.succeed("LoadTable", "--table", table, "--input", name)
    assert len(list(tables.folder.glob("output/loads/*/*/*/load.json"))) == len(names)


def test_one_input_read_in_two_ways_has_two_folders(tables: Tables) -> None:
    """The bad rows of a load with one mapping are not those of a load with another."""
    table = tables.create("two_ways", "id int PRIMARY KEY, v text")
    file = tables.write("two.csv", "id,v,w\n1,a,b\n")
    for mapping in ("id=id,v=v", "id=id,w=v"):
        tables.succeed("LoadTable", "--table", table, "--input", str(file), "--mapping", mapping)
    assert len(list(tables.folder.glob("output/loads/*/*/*/load.json"))) == 2


def test_the_windows_of_the_end_are_kept(tables: Tables) -> None:
    """load.json says how many requests each node was last allowed to have in flight."""
    table = tables.create("windows", "id int PRIMARY KEY, v text")
    file = tables.write("w.csv", "id,v\n1,a\n")
    tables.succeed("LoadTable", "--table", table, "--input", str(file))
    said = json.loads(tables.said("load.json").read_text(encoding="utf-8"))
    assert set(said["requests_in_flight_at_end"]) == {"127.0.0.1"}
    assert said["requests_in_flight_at_end"]["127.0.0.1"] >= 1


@pytest.mark.parametrize("way", ["batch", "prepared"])
def test_no_number_of_runs_doubles_a_list(loads: Loads, way: str) -> None:
    """However often a load is interrupted, a list has its elements once, or the load says what to do."""
    table = loads.create("listed", "id int PRIMARY KEY, v list<text>")
    load = loads.job(table, [loads.write("listed.csv", "id,v", LIST_ROWS)], way=way)
    runs = 0
    with pytest.raises(RequestError, match="its lists might stand twice; run the load with --reload"):  # noqa: PT012 - which run it is that stops is the point
        for _ in range(20):
            journal = Path(loads.begin(load).journal)
            loads.send(load, str(journal))
            # As after a kill before the chunk's line was written: all that was sent is sent again.
            lines = journal.read_text(encoding="ascii").splitlines(keepends=True)
            journal.write_text("".join(line for line in lines if '"chunk"' not in line), encoding="ascii")
            runs += 1
    assert runs > 4
    assert values(loads, table) == {1: ["a", "b", "c"], 2: ["d"]}
    journal = Path(run_job(jobs.BeginLoad(plan=planned(load), anew=True)).journal)
    loads.send(load, str(journal))
    assert read_journal(journal).attempts == 1
    assert values(loads, table) == {1: ["a", "b", "c"], 2: ["d"]}


def test_a_chosen_timestamp_doubles_no_list(loads: Loads) -> None:
    """The same --timestamp-us for a list a second time is refused, from any machine, until a TRUNCATE."""
    table = loads.create("chosen", "id int PRIMARY KEY, v list<text>")
    file = loads.write("chosen.csv", "id,v", LIST_ROWS)
    load = loads.job(table, [file], timestamp_us=TIMESTAMP_US)
    loads.run(load)
    for anew in (False, True):
        with pytest.raises(SettingError, match="leave --timestamp-us out, or name one from"):
            loads.begin(load, anew=anew)
    with pytest.raises(SettingError, match=f"timestamp_us is {TIMESTAMP_US + 20}"):
        loads.begin(loads.job(table, [file], timestamp_us=TIMESTAMP_US + 20))
    loads.run(loads.job(table, [file], timestamp_us=TIMESTAMP_US + 1000))
    assert values(loads, table) == {1: ["a", "b", "c"], 2: ["d"]}
    loads.execute(f"TRUNCATE {loads.keyspace}.{table}")
    loads.run(load)
    assert values(loads, table) == {1: ["a", "b", "c"], 2: ["d"]}


def test_ttl_0_is_for_ever_and_unset_is_the_tables(loads: Loads) -> None:
    """Rows expire as the table says where nothing is said, never with 0, and after what is said else."""
    table = loads.create("expiring", "id int PRIMARY KEY, v text")
    loads.execute(f"ALTER TABLE {loads.keyspace}.{table} WITH default_time_to_live = 3600")
    for at, ttl_s in enumerate([None, 0, 60]):
        file = loads.write(f"ttl{at}.csv", "id,v", [(at, "a")])
        loads.run(loads.job(table, [file], ttl_s=ttl_s))
    found = {row["id"]: row["ttl"] for row in loads.rows(table, "id, TTL(v) AS ttl")}
    assert 60 < found[0] <= 3600
    assert found[1] is None
    assert 0 < found[2] <= 60


def test_way_create_refuses_ttl_0(loads: Loads) -> None:
    """Cqlengine cannot write a time to live of 0: it is refused instead of forgotten."""
    with pytest.raises(SettingError, match="way create cannot write ttl_s = 0"):
        loads.job("any", [], way="create", ttl_s=0)


@pytest.mark.parametrize(
    ("written_us", "timestamp_us", "advice"),
    [
        (TIMESTAMP_US * 1000, 0, f"load with --timestamp-us {TIMESTAMP_US * 1000 + 1}"),
        (TIMESTAMP_US + 5000, TIMESTAMP_US, "load without --timestamp-us, or with a later one"),
        (0, 0, "load again with --reload"),
    ],
)
def test_a_verification_gives_advice_that_helps(
    loads: Loads, written_us: int, timestamp_us: int, advice: str
) -> None:
    """Where a cell's write timestamp is later than that of a repeated load, --reload is not the advice."""
    table = create(loads, "advised")
    load = loads.job(
        table, [loads.write("advised.csv", "id,v", [(1, "new"), (2, "two")])], timestamp_us=timestamp_us
    )
    loads.run(load)
    written_us = written_us or time.time_ns() // 1000
    loads.execute(
        f"INSERT INTO {loads.keyspace}.{table} (id, v) VALUES (1, 'other') USING TIMESTAMP {written_us}"
    )
    with pytest.raises(VerificationError, match=advice):
        run_job(VerifyFiles(plan=planned(load), exact=False))


def test_rows_of_no_file_are_not_reloaded(loads: Loads) -> None:
    """Where only rows of no file are found, no load can help, and none is advised."""
    table = create(loads, "surplus")
    load = loads.job(table, [loads.write("surplus.csv", "id,v", [(1, "new")])])
    loads.run(load)
    loads.execute(f"INSERT INTO {loads.keyspace}.{table} (id, v) VALUES (2, 'other')")
    with pytest.raises(VerificationError, match="delete the rows that are in no file") as raised:
        run_job(VerifyFiles(plan=planned(load), exact=True))
    assert "--reload" not in str(raised.value)
