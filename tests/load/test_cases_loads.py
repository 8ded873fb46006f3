"""When a load is finished and when not: from public reports of tables that were wrong without an error."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RowFileError
from pipeline.load.jobs import BeginLoad, PlanLoad
from pipeline.rowfiles.sources import describe_file, require_unchanged
from pipeline.workers.client import run_job
from tests.harness.loads import Loads
from tests.harness.tables import TASK_FAILED, Tables
from tests.harness.workspace import before_end, until

TIMESTAMP_US = 1_700_000_000_000_000


def create(loads: Loads, name: str) -> str:
    """Create a table with a key and a text; return its name."""
    return loads.create(name, "id int PRIMARY KEY, v text")


def append(file: Path) -> None:
    """Append to the file."""
    with file.open("a", encoding="utf-8") as text:
        text.write("9002,appended\n")


def edit(file: Path) -> None:
    """Overwrite a value by another one of the same length, and restore the file's modification time."""
    stat = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace("1,old", "1,new"), encoding="utf-8")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replace(file: Path) -> None:
    """Replace the file by another one."""
    other = file.with_suffix(".other")
    other.write_text("id,v\n1,new\n2,old\n", encoding="utf-8")
    other.replace(file)


@pytest.mark.parametrize("change", [append, replace, Path.unlink])
def test_a_file_that_changed_since_it_was_described_is_not_begun(loads: Loads, change: object) -> None:
    """If a file has changed since it was described, its load does not begin: no journal is written."""
    file = loads.write("stale.csv", "id,v", [(1, "old"), (2, "old")])
    load = loads.job(create(loads, "stale"), [file])
    plan = run_job(PlanLoad(load=load))
    change(file)  # type: ignore[operator]
    before = set(Path(load.checkpoints).glob("*.journal"))
    with pytest.raises(RowFileError, match=r"stale\.csv"):
        run_job(BeginLoad(plan=plan, anew=False))
    assert set(Path(load.checkpoints).glob("*.journal")) == before


@pytest.mark.parametrize("change", [append, edit, replace, Path.unlink])
def test_a_file_that_changes_during_its_load_is_not_loaded(loads: Loads, change: object) -> None:
    """A file that grows, is edited, replaced or removed during its load ends the load without a marker."""
    table = create(loads, "changing")
    file = loads.write("changing.csv", "id,v", [(1, "old"), (2, "old")])
    load = loads.job(table, [file])
    journal = loads.begin(load).journal
    loads.send(load, journal)
    change(file)  # type: ignore[operator]
    with pytest.raises(RowFileError, match=r"changing\.csv"):
        loads.finish(load, journal)
    assert not [row for row in loads.rows("load_marker") if row["table_name"] == table]
    # What was settled can be of either content: the next run sends every row.
    assert not Path(journal).exists()


def test_a_file_whose_rights_change_is_still_the_same(loads: Loads) -> None:
    """Permissions and links of a file can change during its load: only its content counts."""
    file = loads.write("rights.csv", "id,v", [(1, "old")])
    described = describe_file(file)
    file.chmod(0o600)
    (file.with_suffix(".link")).hardlink_to(file)
    require_unchanged(described)


def test_a_file_that_is_edited_within_a_tick_of_its_clock_is_described_anew(tmp_path: Path) -> None:
    """Two contents of one length and one modification time have two digests."""
    file = tmp_path / "ticks.csv"
    file.write_text("id,v\n1,old\n", encoding="utf-8")
    first = describe_file(file)
    edit(file)
    assert describe_file(file).sha256 != first.sha256


def test_damage_that_shows_during_a_load_ends_it(tables: Tables) -> None:
    """A Parquet page that cannot be decoded ends the load with one message; no run marks it as finished."""
    table = tables.create("damaged", "id int PRIMARY KEY, v text")
    file = tables.folder / "damaged.parquet"
    rows = pa.table({"id": pa.array(range(160_000), pa.int32()), "v": ["a"] * 160_000})
    pq.write_table(rows, file, row_group_size=80_000, compression="zstd")
    content = bytearray(file.read_bytes())
    start = pq.read_metadata(file).row_group(1).column(0).data_page_offset
    content[start + 40 : start + 60] = bytes(20)
    file.write_bytes(content)
    words = ("LoadTable", "--table", table, "--input", file.name)
    for _ in range(2):
        said = before_end(tables.refused(*words))
        assert said.count("damaged.parquet: not a whole Parquet file: ") == 1
    assert max((row["id"] for row in tables.rows(table, "id")), default=0) < 80_000


def test_a_file_that_joins_the_folder_is_loaded_by_the_next_run(tables: Tables) -> None:
    """A file that is added during the load of its folder ends that load; the next run loads it too."""
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
        output, _ = loading.communicate()
    assert loading.returncode == TASK_FAILED, output
    assert "in/b.csv was added while it was being loaded; run the load again" in output
    tables.succeed(*words)
    assert len(tables.rows(table)) == 601


def test_a_truncated_table_is_loaded_again(tables: Tables) -> None:
    """A table that was truncated after its load is loaded again; a table that lost a column is not."""
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
    """Markers without a truncation time do not count; the next load adds the missing column."""
    table = tables.create("older", "id int PRIMARY KEY, v text")
    file = tables.write("o.csv", "id,v\n1,a\n")
    words = ("LoadTable", "--table", table, "--input", str(file))
    tables.succeed(*words)
    tables.cql.execute(f"ALTER TABLE {tables.keyspace}.load_marker DROP truncated_at")
    tables.succeed(*words)
    assert "Did not run any tasks" in tables.succeed(*words)


def test_inputs_with_names_alike_have_folders_of_their_own(tables: Tables) -> None:
    """`orders/1.csv` and `orders_1.csv`, or two long paths with the same end, have separate reports."""
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
    """The bad rows of loads with different mappings are in different folders."""
    table = tables.create("two_ways", "id int PRIMARY KEY, v text")
    file = tables.write("two.csv", "id,v,w\n1,a,b\n")
    for mapping in ("id=id,v=v", "id=id,w=v"):
        tables.succeed("LoadTable", "--table", table, "--input", str(file), "--mapping", mapping)
    assert len(list(tables.folder.glob("output/loads/*/*/*/load.json"))) == 2


def test_the_windows_of_the_end_are_kept(tables: Tables) -> None:
    """load.json has the final limit of requests in flight of each node."""
    table = tables.create("windows", "id int PRIMARY KEY, v text")
    file = tables.write("w.csv", "id,v\n1,a\n")
    tables.succeed("LoadTable", "--table", table, "--input", str(file))
    report = json.loads(tables.said("load.json").read_text(encoding="utf-8"))
    assert set(report["requests_in_flight_at_end"]) == {"127.0.0.1"}
    assert report["requests_in_flight_at_end"]["127.0.0.1"] >= 1
