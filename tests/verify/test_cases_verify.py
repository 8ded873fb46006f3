"""What a verification reads and advises: from public reports of tables that were wrong without an error."""

import json
import time

import pytest

from pipeline.errors import VerificationError
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import Loads, planned
from tests.harness.tables import Tables

TIMESTAMP_US = 1_700_000_000_000_000


def create(loads: Loads, name: str) -> str:
    """Create a table with a key and a text; return its name."""
    return loads.create(name, "id int PRIMARY KEY, v text")


def test_a_named_verification_always_reads_the_table(tables: Tables) -> None:
    """After an edit the new content is verified; after the deletion of a row the verification fails."""
    table = tables.create("verified", "id int PRIMARY KEY, v text")
    file = tables.write("a.csv", "id,v\n1,a\n2,b\n")
    words = ("VerifyTable", "--table", table, "--input", str(file))
    tables.succeed(*words)
    tables.write("a.csv", "id,v\n1,A\n3,c\n")
    assert "2 of 2 rows are in the table" in tables.succeed(*words)
    tables.cql.execute(f"DELETE FROM {table} WHERE id = 3")
    assert "id='3': absent" in tables.refused(*words)


def test_a_verification_of_another_load_does_not_count(tables: Tables) -> None:
    """A task that requires a verification runs it again after the load was repeated."""
    tables.configure(timing={"latencies_s": "0", "sync_repeats": 1, "async_repeats": 1})
    tables.succeed("TimingReport", "--rows", "20")
    first = json.loads(tables.said("verified.json").read_text(encoding="utf-8"))
    tables.succeed("TimingReport", "--rows", "20", "--run-id", "second")
    assert json.loads(tables.said("verified.json").read_text(encoding="utf-8")) == first
    tables.succeed("LoadUsers", "--rows", "20", "--reload")
    tables.succeed("TimingReport", "--rows", "20", "--run-id", "third")
    assert json.loads(tables.said("verified.json").read_text(encoding="utf-8"))["marker"] != first["marker"]


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
    """If a cell has a later write timestamp than a repeated load has, --reload is not advised."""
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
    """If only rows of no file are found, a load cannot help, and none is advised."""
    table = create(loads, "surplus")
    load = loads.job(table, [loads.write("surplus.csv", "id,v", [(1, "new")])])
    loads.run(load)
    loads.execute(f"INSERT INTO {loads.keyspace}.{table} (id, v) VALUES (2, 'other')")
    with pytest.raises(VerificationError, match="delete the rows that are in no file") as raised:
        run_job(VerifyFiles(plan=planned(load), exact=True))
    assert "--reload" not in str(raised.value)
