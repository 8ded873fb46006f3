"""The content of lists after repeated loads, and when rows expire: from public reports of duplicates."""

from pathlib import Path

import pytest

from pipeline.errors import RequestError, SettingError
from pipeline.load import jobs
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.journal import read_journal
from pipeline.workers.client import run_job
from tests.harness.loads import Loads, planned

TIMESTAMP_US = 1_700_000_000_000_000
LIST_ROWS = [(1, '["a","b","c"]'), (2, '["d"]')]


def values(loads: Loads, table: str) -> dict[int, object]:
    """Return the table's column `v` by its key `id`."""
    return {row["id"]: row["v"] for row in loads.rows(table)}


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_no_number_of_runs_doubles_a_list(loads: Loads, method: str) -> None:
    """However often a load is interrupted, a list has its elements once, or the load says what to do."""
    table = loads.create("listed", "id int PRIMARY KEY, v list<text>")
    load = loads.job(table, [loads.write("listed.csv", "id,v", LIST_ROWS)], method=method)
    runs = 0
    with pytest.raises(RequestError, match="its lists might stand twice; run the load with --reload"):  # noqa: PT012 - which run it is that stops is the point
        for _ in range(20):
            journal = Path(loads.begin(load).journal)
            loads.send(load, str(journal))
            # Like a kill before the split's line was written: every sent row is sent again.
            lines = journal.read_text(encoding="ascii").splitlines(keepends=True)
            journal.write_text("".join(line for line in lines if '"split"' not in line), encoding="ascii")
            runs += 1
    assert runs > 4
    assert values(loads, table) == {1: ["a", "b", "c"], 2: ["d"]}
    journal = Path(run_job(jobs.BeginLoad(plan=planned(load), anew=True)).journal)
    loads.send(load, str(journal))
    assert read_journal(FileLog(journal)).attempts == 1
    assert values(loads, table) == {1: ["a", "b", "c"], 2: ["d"]}


def test_a_chosen_timestamp_doubles_no_list(loads: Loads) -> None:
    """The same --timestamp-us for a list is refused a second time, from any machine, until a TRUNCATE."""
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
    """Rows expire as the table says without ttl_s, never with 0, and otherwise after ttl_s."""
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
    """Cqlengine cannot write a time to live of 0: it is refused, not ignored."""
    with pytest.raises(SettingError, match="method create cannot write ttl_s = 0"):
        loads.job("any", [], method="create", ttl_s=0)
