"""Loads of objects: streamed, resumed, and never marked as finished if an object has changed."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cql.columns import Column
from pipeline.errors import BadRowsError, RowFileError, StoreError, WorkerError
from pipeline.load import jobs
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.journal import read_journal
from pipeline.proxy.control import proxy
from pipeline.rowfiles.files import write_rows
from pipeline.rowfiles.stores.paths import FilePath, ObjectPath
from pipeline.workers.client import run_job
from tests.harness.loads import MIB, Loads
from tests.harness.stores import Store

PAD = "x" * MIB
"""Rows of a mebibyte, of which a split has five or six."""


@pytest.fixture
def wide(loads: Loads) -> str:
    """Return the name of an empty table."""
    return loads.create("wide", "id text PRIMARY KEY, number int, pad text")


def wide_csv(*numbers: object) -> str:
    """Return rows of a mebibyte, the first one called 000."""
    return "id,number,pad\n" + "".join(f"{at:03d},{number},{PAD}\n" for at, number in enumerate(numbers))


def numbers(loads: Loads, name: str = "wide") -> dict[str, int]:
    """Return the numbers in the table by their keys."""
    return {row["id"]: row["number"] for row in loads.rows(name, "id, number")}


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_objects_are_loaded(loads: Loads, store: Store, method: str) -> None:
    """CSV with quotes, packed CSV, JSON Lines, JSON and Parquet leave their rows; bad ones name an object."""
    name = loads.create("several", "id int PRIMARY KEY, text text")
    local = loads.folder / "rows.csv"
    local.write_text("id,text\n6,f\n", encoding="utf-8")
    parquet = loads.folder / "rows.parquet"
    columns = [Column("id", "int", is_key=True), Column("text", "text", is_key=False)]
    write_rows(parquet, columns, [(5, "e")])
    files: list[FilePath] = [
        store.put("several/1.csv", 'id,text\n1,"a\n"",b"\nx,bad\n'),
        store.put("several/2.csv.gz", gzip.compress(b"id,text\n2,b\n")),
        store.put("several/3.jsonl", '{"id": 3, "text": "c"}\n'),
        store.put("several/4.json", '[{"id": 4, "text": "d"}]'),
        store.put("several/5.parquet", parquet),
        local,
    ]
    done = loads.run(loads.job(name, files, max_bad_rows="1", method=method))
    assert {row["id"]: row["text"] for row in loads.rows(name)} == {
        1: 'a\n",b',
        2: "b",
        3: "c",
        4: "d",
        5: "e",
        6: "f",
    }
    assert (done.read, done.acknowledged, done.bad) == (7, 6, 1)
    bad = (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [row.split(",\"'x")[0] for row in bad] == ['"s3://rows/several/1.csv",4,"id","x"']
    assert (loads.folder / "bad" / "rejected.csv").read_text(encoding="utf-8") == "id,text\nx,bad\n"


def test_a_load_goes_on_behind_the_splits_that_are_settled(loads: Loads, store: Store, wide: str) -> None:
    """A resumed run finds the splits of a stream again, and sends none twice."""
    load = loads.job(wide, [store.put("resume.csv", wide_csv(*range(20), "many", *range(21, 30)))])
    journal = loads.begin(load).journal
    with pytest.raises(BadRowsError, match=r"1 bad rows, .*s3://rows/resume.csv:22: column number: 'many'"):
        loads.send(load, journal)
    settled = read_journal(FileLog(Path(journal)))
    assert settled.rows > 0
    assert settled.ends == {}
    loads.execute(f"TRUNCATE {loads.keyspace}.{wide}")
    again = loads.job(wide, load_files(store, "resume.csv"), max_bad_rows="1")
    loads.send(again, journal)
    assert sorted(numbers(loads)) == [f"{at:03d}" for at in range(settled.rows, 30) if at != 20]
    assert list(read_journal(FileLog(Path(journal))).ends) == [0]


def test_a_stream_goes_on_on_another_machine(loads: Loads, store: Store) -> None:
    """With its journal in the cluster, a stream with lists and a bad row is resumed without the disk."""
    table = loads.create("listed", "id text PRIMARY KEY, elements list<int>, pad text")
    rows = [f'{at:03d},"[{at}, {at}]",{PAD}' for at in range(10)] + [f"bad,many,{PAD}", f"last,[7],{PAD}"]
    file = store.put("listed.csv", "\n".join(["id,elements,pad", *rows, ""]))
    load = loads.job(table, [file], journal="cluster")
    begun = loads.begin(load)
    with pytest.raises(BadRowsError, match=r"1 bad rows, .*s3://rows/listed.csv:12: column elements: 'many'"):
        run_job(jobs.LoadShard(plan=begun.plan, journal=begun.journal, holder=begun.holder))
    loads.execute(
        f"DELETE FROM {loads.keyspace}.load_journal WHERE scope = '{begun.journal[-32:]}' AND run = 'held'"
    )
    elsewhere = replace(
        loads.job(table, [file], journal="cluster", max_bad_rows="1"), bad_rows=str(loads.folder / "b")
    )
    again = loads.begin(elsewhere)
    assert again.journal == begun.journal
    run_job(jobs.LoadShard(plan=again.plan, journal=again.journal, holder=again.holder))
    assert loads.finish(elsewhere, again.journal).bad == 1
    found = {row["id"]: row["elements"] for row in loads.rows(table, "id, elements")}
    assert found == {**{f"{at:03d}": [at, at] for at in range(10)}, "last": [7]}
    assert "'many' is not a valid list" in (loads.folder / "b" / "bad_rows.csv").read_text(encoding="utf-8")


def load_files(store: Store, *keys: str) -> Sequence[ObjectPath]:
    """Return the paths of objects that are there."""
    return [store.path(key) for key in keys]


def test_a_stream_that_was_read_to_its_end_is_not_read_again(loads: Loads, store: Store, wide: str) -> None:
    """Once it is settled whole, not even a store that is gone keeps a run from going on."""
    load = loads.job(wide, [store.put("whole.csv", wide_csv(1, 2))])
    journal = loads.begin(load).journal
    loads.send(load, journal)
    loads.execute(f"TRUNCATE {loads.keyspace}.{wide}")
    loads.send(load, journal)
    assert numbers(loads) == {}


def test_settled_splits_must_be_those_of_the_stream(loads: Loads, store: Store, wide: str) -> None:
    """A split whose text differs from the one that was settled ends the load, and says what to do."""
    load = loads.job(wide, [store.put("digest.csv", wide_csv(*range(12)))])
    journal = loads.begin(load).journal
    loads.send(load, journal)
    log = FileLog(Path(journal))
    said = [event for event in log.read() if "end" not in event]
    for event in said:
        if "split" in event:
            event["split"]["sha256"] = "0" * 64
    log.replace(said)
    with pytest.raises(RowFileError, match=r"digest.csv: split 0 is another than .*--reload: it begins anew"):
        loads.send(load, journal)


def test_an_end_that_nobody_saw_is_no_finished_load(loads: Loads, store: Store, wide: str) -> None:
    """A load of a stream is finished only if its end is noted, and each split before it is settled."""
    load = loads.job(wide, [store.put("end.csv", wide_csv(*range(12)))])
    journal = loads.begin(load).journal
    loads.send(load, journal)
    log = FileLog(Path(journal))
    said = log.read()
    log.replace([event for event in said if "end" not in event])
    with pytest.raises(WorkerError, match=r"s3://rows/end.csv was not read to its end; run the load again"):
        loads.finish(load, journal)
    log.replace([event for event in said if event.get("split", {}).get("split") != 1])
    with pytest.raises(WorkerError, match=r"split 1 of s3://rows/end.csv is not settled; run the load again"):
        loads.finish(load, journal)


def test_an_object_that_is_replaced_during_its_load_ends_it(loads: Loads, store: Store, wide: str) -> None:
    """Whether before the rest of it is read or behind its end: there is no marker, and no journal."""
    loads.run(loads.job(wide, [store.put("other.csv", wide_csv(0))]))
    before = loads.rows("load_marker")
    load = loads.job(wide, [store.put("replaced.csv", wide_csv(1, 2))])
    journal = loads.begin(load).journal
    store.put("replaced.csv", wide_csv(1, 3))
    with pytest.raises(RowFileError, match=r"s3://rows/replaced.csv was replaced while it was being read"):
        loads.send(load, journal)
    store.put("replaced.csv", wide_csv(1, 2))
    loads.send(load, journal)
    store.put("replaced.csv", wide_csv(1, 4))
    with pytest.raises(RowFileError, match=r"s3://rows/replaced.csv was replaced while it was being read"):
        loads.finish(load, journal)
    assert not Path(journal).exists()
    assert loads.rows("load_marker") == before


def test_a_store_that_does_not_answer_keeps_the_journal(loads: Loads, store: Store, wide: str) -> None:
    """At the end of a load it is an error, but no reason to begin anew."""
    store.put("outage.csv", wide_csv(1))
    with proxy([("127.0.0.1", store.port)]) as network:
        path = store.through(network.port).path("outage.csv")
        load = loads.job(wide, [replace(path, config=replace(path.config, retry_budget_s=1))])
        journal = loads.begin(load).journal
        loads.send(load, journal)
        network.set(fault="refuse")
        with pytest.raises(StoreError, match=r"cannot read s3://rows/outage.csv: failing for [0-9]+ s: "):
            loads.finish(load, journal)
        network.set(fault="none")
        assert loads.finish(load, journal).acknowledged == 1


@pytest.mark.parametrize("worker_count", [1, 2])
def test_the_later_row_wins(loads: Loads, store: Store, worker_count: int) -> None:
    """Of rows with one key the last one counts, within a stream, and over streams and files."""
    name = loads.create("later", "id int PRIMARY KEY, text text")
    local = loads.folder / "b.csv"
    local.write_text("id,text\n2,file\n3,file\n", encoding="utf-8")
    many = "".join(f"1,{at}\n" for at in range(100_000))
    files: list[FilePath] = [
        local,
        store.put("later/a.csv", f"id,text\n{many}2,first\n3,first\n4,first\n"),
        store.put("later/c.jsonl", "".join(json.dumps({"id": 3, "text": f"{at}"}) + "\n" for at in range(9))),
        store.put("later/d.csv", "id,text\n4,last\n"),
    ]
    loads.run(loads.job(name, files), worker_count=worker_count)
    # Sorted by their paths: the file of this machine comes first.
    assert {row["id"]: row["text"] for row in loads.rows(name)} == {1: "99999", 2: "first", 3: "8", 4: "last"}
