import csv
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline.cluster.keyspace import bind_model
from pipeline.driver import create_table_cql
from pipeline.errors import BadRowsError, OutputError, RequestError, SchemaError
from pipeline.load import jobs
from pipeline.load.eventlogs.cluster import ClusterLog, LoadJournal
from pipeline.load.journal import Journal, LoadKey, SplitRecord, begin_run, read_journal, take_over
from pipeline.rowfiles.badrows import BadRow
from pipeline.workers.client import run_job
from tests.harness.loads import SPLIT_BYTES, Loads, planned

KEY = LoadKey(
    cluster="Test", keyspace="ks", table_id="1", emptied_at="", files=["a" * 64], splits="", options="[]"
)
SAID = 'it\'s "secret"'
BAD = BadRow(file="f.csv", line=3, column="id", value=SAID, reason=f"{SAID!r} is not a valid int")
RECORD = SplitRecord(file=0, split=0, rows=10, sent=9, acknowledged=9, bad=[BAD])
PAD = "x" * SPLIT_BYTES
"""A row with it is a split by itself."""


@pytest.fixture
def logs(loads: Loads, cql: Session) -> Any:  # noqa: ANN401 - a function
    """Return what opens the log of a journal, in an empty table of journals."""
    cql.execute(f"DROP TABLE IF EXISTS {loads.keyspace}.load_journal")
    cql.execute(create_table_cql(bind_model(LoadJournal, loads.keyspace)))

    def log(name: str = KEY.name, *, table: str = "t", keeps_values: bool = True) -> ClusterLog:
        return ClusterLog(
            cql, loads.keyspace, table, name, datacentre="", keeps_values=keeps_values, budget_s=10
        )

    return log


def begun(log: ClusterLog, key: LoadKey = KEY, *, timestamp_us: int = 7, anew: bool = False) -> Journal:
    """Return the journal of a load that begins, or goes on."""
    return begin_run(log, key, timestamp_us=timestamp_us, anew=anew)


def test_another_machine_finds_what_is_settled(logs: Any) -> None:  # noqa: ANN401
    """Another machine reads the events of the first one, and its timestamp."""
    first = begun(logs())
    first.settle(RECORD)
    first.reserve_attempts(3)
    found = begun(logs(), timestamp_us=8)
    assert (list(found.splits.values()), found.attempts, found.timestamp_us) == ([RECORD], 3, 7)


def test_a_journal_that_is_begun_anew_is_empty(logs: Any) -> None:  # noqa: ANN401
    """What a run before `anew` has settled, or settles after it, counts no more."""
    before = begun(logs())
    before.settle(RECORD)
    found = begun(logs(), timestamp_us=8, anew=True)
    before.settle(dataclasses.replace(RECORD, split=1))
    assert (read_journal(found.log).splits, found.timestamp_us) == ({}, 8)


def test_two_machines_agree_on_one_load(logs: Any) -> None:  # noqa: ANN401
    """If two machines begin a load at once, both have the timestamp of the one that was first."""
    one, other = logs(), logs()
    header = {**dataclasses.asdict(KEY), "timestamp_us": 7}
    other._header = lambda: None  # what it saw before the first one wrote  # noqa: SLF001
    one.replace([header])
    other.replace([{**header, "timestamp_us": 8}])
    assert [read_journal(logs()).timestamp_us for _ in range(2)] == [7, 7]


def test_a_journal_that_is_removed_is_gone(logs: Any, loads: Loads) -> None:  # noqa: ANN401
    """Nothing is left of a finished load, and a run that still has its journal is told."""
    journal = begun(logs())
    journal.settle(RECORD)
    journal.log.remove()
    assert loads.rows("load_journal") == []
    with pytest.raises(OutputError, match=f"the journal {loads.keyspace}.load_journal {KEY.name} is gone"):
        read_journal(journal.log)


def test_a_load_of_other_contents_ends_the_one_before(logs: Any) -> None:  # noqa: ANN401
    """A load that finds another content at a path removes the journal of the content before; only that."""
    a, b = (dataclasses.replace(KEY, files=[name * 64]) for name in "ab")
    of_a, of_b = begun(logs(a.name), a), begun(logs(b.name), b)
    elsewhere = begun(logs("other"), dataclasses.replace(KEY, table_id="2"))
    for journal in (of_a, elsewhere):
        take_over(journal, {"/rows.csv": "a" * 64})
    take_over(of_b, {"/rows.csv": "b" * 64})
    assert [bool(journal.log.read()) for journal in (of_a, of_b, elsewhere)] == [False, True, True]


def test_rows_of_a_journal_expire(logs: Any, loads: Loads) -> None:  # noqa: ANN401
    """What is abandoned is cleared after 30 days."""
    begun(logs()).settle(RECORD)
    found = loads.rows("load_journal", "ttl(said) AS left_s")
    assert [29 * 86400 < row["left_s"] <= 30 * 86400 for row in found] == [True, True]


def test_many_bad_rows_of_a_split_are_several_rows(logs: Any, loads: Loads) -> None:  # noqa: ANN401
    """A split of many bad rows is no request that a server refuses; a part alone does not count."""
    record = dataclasses.replace(RECORD, bad=[dataclasses.replace(BAD, line=at) for at in range(3000)])
    begun(logs()).settle(record)
    assert list(read_journal(logs()).splits.values()) == [record]
    loads.execute(
        f"DELETE FROM {loads.keyspace}.load_journal WHERE scope = '{KEY.name}' "
        f"AND run = '{run_of(loads)}' AND event = 'split 0 0' AND part = 1"
    )
    assert not read_journal(logs()).splits


def run_of(loads: Loads) -> str:
    """Return the run of the only journal."""
    [run] = {row["run"] for row in loads.rows("load_journal", "run") if row["run"]}
    return str(run)


def test_only_one_run_holds_a_load(logs: Any) -> None:  # noqa: ANN401
    """A second run is refused while the first one holds the load, which may hold it again, until the end."""
    log = begun(logs()).log
    log.hold("one")
    log.hold("one")
    with pytest.raises(RequestError, match="another run of the same load, one, is sending its rows"):
        logs().hold("other")
    log.remove()
    logs().hold("other")


@pytest.fixture
def wide(loads: Loads) -> str:
    """Return a table, created again, for rows so wide that each is a split."""
    return loads.create("wide", "id text PRIMARY KEY, number int, pad text")


def wide_job(loads: Loads, folder: str, *numbers: object, **config: Any) -> jobs.Load:  # noqa: ANN401
    """Return a load with a journal in the cluster, of a row and so a split a number, run in a folder."""
    rows = [(chr(ord("a") + at), number, PAD) for at, number in enumerate(numbers)]
    load = loads.job(
        "wide", [loads.write("wide.csv", "id,number,pad", rows)], journal="cluster", pool_size=1, **config
    )
    place = loads.folder / folder
    return dataclasses.replace(load, checkpoints=str(place / "checkpoints"), bad_rows=str(place / "bad"))


def bad_rows(load: jobs.Load) -> Sequence[dict[str, str]]:
    """Return the rows of the bad rows' file."""
    with Path(load.bad_rows, "bad_rows.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("journal_values", [False, True])
def test_a_load_goes_on_without_its_disk(loads: Loads, wide: str, *, journal_values: bool) -> None:
    """Killed on one machine, a load goes on on another one; no value of a bad row is in the journal."""
    numbers = (1, "it's mine", 2, "many", 4)
    first = wide_job(loads, "one", *numbers, max_bad_rows="1", journal_values=journal_values)
    begun_there = loads.begin(first, anew=True)
    with pytest.raises(
        BadRowsError, match=r"2 bad rows, where max_bad_rows is 1: .*wide.csv:3: column number"
    ):
        loads.send(first, begun_there.journal)
    said = json.dumps([row["said"] for row in loads.rows("load_journal", "said")])
    assert ("it's mine" in said) is journal_values
    assert not Path(first.checkpoints).exists()

    second = wide_job(loads, "two", *numbers, max_bad_rows="2", journal_values=journal_values)
    resumed = loads.begin(second)
    assert (resumed.journal, resumed.rows) == (begun_there.journal, 3)
    loads.send(second, resumed.journal)
    counts = loads.finish(second, resumed.journal)
    assert counts == jobs.RowCounts(read=5, sent=3, acknowledged=3, bad=2)
    assert {row["id"]: row["number"] for row in loads.rows(wide, "id, number")} == {"a": 1, "c": 2, "e": 4}
    assert [(row["line"], row["value"], row["reason"]) for row in bad_rows(second)] == [
        ("3", "it's mine", '"it\'s mine" is not a valid int: expected a whole number such as -12'),
        ("5", "many", "'many' is not a valid int: expected a whole number such as -12"),
    ]
    assert loads.rows("load_journal") == []


@pytest.mark.usefixtures("wide")
def test_a_table_of_journals_that_is_absent_is_named(loads: Loads, cql: Session) -> None:
    """Without the right to create it, the message has the CQL for the table of journals."""
    cql.execute(f"DROP TABLE IF EXISTS {loads.keyspace}.load_journal")
    load = wide_job(loads, "one", 1)
    load = dataclasses.replace(load, keyspace=dataclasses.replace(load.keyspace, manage_schema=False))
    with pytest.raises(
        SchemaError, match=rf"table {loads.keyspace}.load_journal is absent .* CREATE TABLE .*load_journal"
    ):
        loads.begin(load)


def test_lists_of_two_machines_stand_once(loads: Loads) -> None:
    """A second machine does not send rows with lists while the first one may; its elements stand once."""
    table = loads.create("listed", "id int PRIMARY KEY, elements list<int>")
    file = loads.write("listed.csv", "id,elements", [(at, "[1, 2]") for at in range(10)])
    load = loads.job(table, [file], journal="cluster", retry_budget_s=1)
    plan = planned(load)
    first = run_job(jobs.BeginLoad(plan=plan, anew=True))
    with pytest.raises(RequestError, match=f"another run of the same load, {first.holder}, is sending"):
        run_job(jobs.BeginLoad(plan=plan, anew=False))
    with pytest.raises(RequestError, match=f"another run of the same load, {first.holder}, is sending"):
        run_job(jobs.LoadShard(plan=first.plan, journal=first.journal, holder="other"))
    assert loads.rows(table) == []
    run_job(jobs.LoadShard(plan=first.plan, journal=first.journal, holder=first.holder))
    assert {tuple(row["elements"]) for row in loads.rows(table)} == {(1, 2)}
