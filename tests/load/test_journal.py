import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.errors import BadRowsError, OutputError, RowFileError, SchemaError, WorkerError
from pipeline.load.jobs import RowCounts
from pipeline.load.journal import ChunkRecord, Journal, LoadKey, begin_run, read_journal
from pipeline.rowfiles.badrows import BadRow
from tests.harness.loads import MIB, Loads, loads_into
from tests.harness.workspace import PROJECT

KEY = LoadKey(
    cluster="Test",
    keyspace="ks",
    table_id="1",
    emptied_at="",
    files=["b" * 64, "a" * 64],
    options="[]",
)
BAD = BadRow(file="é\udcff.csv", line=3, column="id", value='a "b"\n', reason="is no int")
RECORDS = [
    ChunkRecord(file=at % 2, chunk=at // 2, rows=10, sent=10 - at, acknowledged=9 - at, bad=[BAD] * at)
    for at in range(4)
]
PAD = "x" * MIB


def settled(folder: Path) -> Journal:
    """Return a journal that holds the records."""
    journal = begin_run(folder, KEY, timestamp_us=7, anew=False)
    for record in RECORDS:
        journal.settle(record)
    return journal


def test_a_journal_keeps_what_is_settled(tmp_path: Path) -> None:
    """What is settled is there for the next run, with the files' order and timestamp of the first one."""
    first = settled(tmp_path)
    found = begin_run(tmp_path, dataclasses.replace(KEY, files=sorted(KEY.files)), timestamp_us=8, anew=False)
    assert found.path == first.path
    assert found.files == tuple(KEY.files)
    assert found.timestamp_us == 7
    assert list(found.chunks.values()) == RECORDS


def test_a_journal_that_is_begun_anew_is_empty(tmp_path: Path) -> None:
    """Asked for anew, nothing of the journal before it counts."""
    settled(tmp_path).reserve_attempts(3)
    found = begin_run(tmp_path, KEY, timestamp_us=8, anew=True)
    assert (found.timestamp_us, found.chunks, found.attempts) == (8, {}, 0)


def test_a_journal_keeps_how_often_rows_may_have_been_sent(tmp_path: Path) -> None:
    """The next run knows the most attempts that any process has noted, in whatever order they did."""
    journal = settled(tmp_path)
    beside = read_journal(journal.path)
    journal.reserve_attempts(4)
    beside.reserve_attempts(2)
    assert read_journal(journal.path).attempts == 4


@pytest.mark.parametrize(
    "other",
    [
        {"cluster": "Other"},
        {"keyspace": "other"},
        {"table_id": "2"},
        {"emptied_at": "1"},
        {"files": ["b" * 64]},
        {"files": ["b" * 64, "c" * 64]},
        {"options": "[1]"},
    ],
)
def test_another_load_has_another_journal(tmp_path: Path, other: dict[str, object]) -> None:
    """A load that differs in anything that counts knows nothing of what this one has settled."""
    settled(tmp_path)
    assert not begin_run(tmp_path, dataclasses.replace(KEY, **other), timestamp_us=7, anew=False).chunks  # type: ignore[arg-type]


def test_a_torn_line_is_not_there(tmp_path: Path) -> None:
    """Wherever a kill cuts the journal off, the lines before stand, and the next run writes behind them."""
    journal = settled(tmp_path)
    whole = journal.path.read_bytes()
    header_bytes = whole.index(b"\n", 1)
    for size_bytes in range(header_bytes, len(whole)):
        journal.path.write_bytes(whole[:size_bytes])
        torn = read_journal(journal.path)
        found = list(torn.chunks.values())
        assert found == RECORDS[: len(found)]
        if size_bytes % 40 == 0:
            begin_run(tmp_path, KEY, timestamp_us=8, anew=False).settle(RECORDS[-1])
            after = read_journal(journal.path)
            assert list(after.chunks.values()) == [*found, RECORDS[-1]]
            assert after.timestamp_us == 7


def test_a_flipped_bit_costs_its_line(tmp_path: Path) -> None:
    """Wherever a bit is flipped, its line is not there; without its first line the journal begins anew."""
    journal = settled(tmp_path)
    whole = journal.path.read_bytes()
    header_bytes = whole.index(b"\n", 1)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        journal.path.write_bytes(damaged)
        if at <= header_bytes:
            with pytest.raises(OutputError, match="is gone or damaged; run the load again, it begins anew"):
                read_journal(journal.path)
        else:
            found = list(read_journal(journal.path).chunks.values())
            assert len(found) >= len(RECORDS) - 1
            assert all(record in RECORDS for record in found)
    journal.path.write_bytes(b"\n0" + whole[2:])
    assert begin_run(tmp_path, KEY, timestamp_us=8, anew=False).timestamp_us == 8


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 300, b"\xff\xfe"])
def test_a_journal_without_a_line_begins_anew(tmp_path: Path, content: bytes) -> None:
    """A file that holds no journal, such as one that a crash left empty, is replaced."""
    (tmp_path / KEY.file_name).write_bytes(content)
    found = begin_run(tmp_path, KEY, timestamp_us=8, anew=False)
    found.settle(RECORDS[0])
    assert list(read_journal(found.path).chunks.values()) == RECORDS[:1]


def test_a_journal_that_is_gone_is_named(tmp_path: Path) -> None:
    """A journal that someone removes ends the load, instead of being made anew without its first line."""
    journal = settled(tmp_path)
    journal.path.unlink()
    with pytest.raises(OutputError, match=rf"cannot write {journal.path}: No such file"):
        journal.settle(RECORDS[0])
    with pytest.raises(OutputError, match=rf"the journal {journal.path} is gone"):
        read_journal(journal.path)


def test_processes_append_side_by_side(tmp_path: Path) -> None:
    """Of two processes that settle chunks at the same time, every line is there and whole."""
    journal = begin_run(tmp_path, KEY, timestamp_us=7, anew=False)
    script = """
import sys
from pathlib import Path
from pipeline.load.journal import *
from pipeline.rowfiles.badrows import BadRow
bad = [BadRow(file="f", line=at, column="c", value="v" * 80, reason="r") for at in range(200)]
journal = read_journal(Path(sys.argv[1]))
for chunk in range(100):
    record = ChunkRecord(file=int(sys.argv[2]), chunk=chunk, rows=1, sent=1, acknowledged=1, bad=bad)
    journal.settle(record)
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", script, str(journal.path), str(file)], cwd=PROJECT)
        for file in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    found = read_journal(journal.path)
    assert set(found.chunks) == {(file, chunk) for file in range(2) for chunk in range(100)}
    assert sum(len(record.bad) for record in found.chunks.values()) == 200 * 200


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return what loads files into tables of a keyspace of this module."""
    with loads_into("t_checkpoint", tmp_path_factory.mktemp("checkpoint"), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def wide(loads: Loads) -> str:
    """Return a table, made anew, for rows so wide that each is a chunk."""
    return loads.create("wide", "id text PRIMARY KEY, number int, pad text")


def wide_file(loads: Loads, name: str, *numbers: object) -> Path:
    """Return a file with a row, and so a chunk, for each number."""
    rows = [(chr(ord("a") + at), number, PAD) for at, number in enumerate(numbers)]
    return loads.write(name, "id,number,pad", rows)


def numbers(loads: Loads) -> dict[str, int]:
    """Return what the table holds."""
    return {row["id"]: row["number"] for row in loads.rows("wide", "id, number")}


def test_a_load_goes_on_behind_what_is_acknowledged(loads: Loads, cql: Session, wide: str) -> None:
    """What was settled when a load ended early is not sent again, all else is: an emptied table shows it."""
    file = wide_file(loads, "rows.csv", 1, 2, "many", 4)
    # One request at a time: all before the bad row is settled when it is reached.
    load = loads.job(wide, [file], pool_size=1)
    begun = loads.begin(load)
    assert begun.rows == 0
    with pytest.raises(
        BadRowsError, match=r"1 bad rows, .*rows.csv:4: column number: 'many' is not a valid int"
    ):
        loads.send(load, begun.journal)
    assert numbers(loads) == {"a": 1, "b": 2}

    again = loads.job(wide, [file], max_bad_rows="1", way="prepared")
    resumed = loads.begin(again)
    assert (resumed.journal, resumed.rows) == (begun.journal, 2)
    cql.execute(f"TRUNCATE {loads.keyspace}.{wide}")
    sent = loads.send(again, begun.journal)
    assert numbers(loads) == {"d": 4}
    assert (sent[0].rows, sent[0].chunks) == (4, (4,))
    records = read_journal(Path(begun.journal)).chunks.values()
    assert [(record.sent, record.acknowledged, len(record.bad)) for record in records] == [
        (1, 1, 0),
        (1, 1, 0),
        (0, 0, 1),
        (1, 1, 0),
    ]


def test_a_load_goes_on_with_files_that_were_renamed(loads: Loads, wide: str) -> None:
    """Files that changed names, even with one another, are known again; bad rows are told of by new names."""
    first = wide_file(loads, "1.csv", 1, "one", 3)
    second = wide_file(loads, "2.csv", 4, "two", 6, "three")
    load = loads.job(wide, [first, second], max_bad_rows="2", pool_size=1)
    journal = loads.begin(load).journal
    with pytest.raises(BadRowsError, match="3 bad rows"):
        loads.send(load, journal)

    (moved := loads.folder / "moved").mkdir()
    first, second = first.rename(moved / "2.csv"), second.rename(moved / "1.csv")
    again = loads.job(wide, [first, second], max_bad_rows="3")
    resumed = loads.begin(again)
    assert (resumed.journal, resumed.rows) == (journal, 6)
    counts = loads.finish(again, journal, loads.send(again, journal))
    assert counts == RowCounts(read=7, sent=4, acknowledged=4, bad=3)
    assert not Path(journal).exists()
    places = [(row.split('"')[1], row.split(",")[1]) for row in bad_rows(loads)]
    assert places == [(str(first), "3"), (str(second), "3"), (str(second), "5")]
    rejected = (loads.folder / "bad" / "rejected.csv").read_text(encoding="utf-8")
    assert [row.partition(",x")[0] for row in rejected.splitlines()[1:]] == ["b,one", "b,two", "d,three"]


def bad_rows(loads: Loads) -> list[str]:
    """Return the lines of bad_rows.csv below its header."""
    return (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8").splitlines()[1:]


def test_what_makes_two_loads_the_same(loads: Loads, cql: Session, wide: str) -> None:
    """A journal is of contents, options and one filling of a table, not of names nor of the way to send."""
    file = wide_file(loads, "same.csv", 1)
    twin = loads.folder / "twin.csv"
    twin.write_bytes(file.read_bytes())

    def journal(*files: Path, **config: Any) -> str:  # noqa: ANN401 - settings, each of its own type
        return str(loads.begin(loads.job(wide, files, **config)).journal)

    of_file = journal(file)
    assert journal(twin) == of_file
    assert journal(file, way="prepared", pool_size=7, max_bad_rows="50%", rows_per_s=9.0) == of_file
    others = [
        journal(file, twin),
        journal(wide_file(loads, "edited.csv", 2)),
        journal(file, nulls="write"),
        journal(file, ttl_s=5),
        journal(file, timestamp_us=5),
        journal(file, mapping={"id": "id"}),
    ]
    cql.execute(f"TRUNCATE {loads.keyspace}.{wide}")
    others.append(journal(file))
    loads.create(wide, "id text PRIMARY KEY, number int, pad text")
    others.append(journal(file))
    assert len({of_file, *others}) == 9


def test_a_file_that_changes_during_its_load_ends_it(loads: Loads, wide: str) -> None:
    """Where the journal is of other files than the load, nothing is sent under a wrong name."""
    load = loads.job(wide, [wide_file(loads, "changes.csv", 1)])
    journal = loads.begin(load).journal
    changed = loads.job(wide, [wide_file(loads, "changes.csv", 2)])
    with pytest.raises(
        RowFileError, match="a row file was changed while it was being loaded; run the load a"
    ):
        loads.send(changed, journal)
    assert numbers(loads) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("", "wide was dropped and made anew while it was being loaded; run the load again"),
        ("TRUNCATE {}", "wide was truncated, or a column of it dropped, while it was being loaded"),
        (
            "ALTER TABLE {} DROP number",
            "wide was truncated, or a column of it dropped, while it was being lo",
        ),
    ],
    ids=["made anew", "truncated", "column dropped"],
)
def test_a_table_that_loses_rows_during_its_load_is_not_marked(
    loads: Loads, cql: Session, wide: str, change: str, message: str
) -> None:
    """Where loaded values went with what was done to the table, the load fails, and writes no marker."""
    load = loads.job(wide, [wide_file(loads, "lost.csv", 1)], mapping={"id": "id", "pad": "pad"})
    journal = loads.begin(load).journal
    sent = loads.send(load, journal)
    if change:
        cql.execute(change.format(f"{loads.keyspace}.{wide}"))
    else:
        loads.create(wide, "id text PRIMARY KEY, number int, pad text")
    before = loads.rows("load_marker")
    with pytest.raises(SchemaError, match=message):
        loads.finish(load, journal, sent)
    assert loads.rows("load_marker") == before


def test_a_chunk_that_is_not_settled_is_no_finished_load(loads: Loads, wide: str) -> None:
    """A load is not marked as finished where the journal lacks a chunk."""
    load = loads.job(wide, [wide_file(loads, "lacks.csv", 1, 2)])
    journal = Path(loads.begin(load).journal)
    sent = loads.send(load, str(journal))
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"chunk": 1' not in line))
    with pytest.raises(WorkerError, match="chunk 1 of file 0 is not settled; run the load again"):
        loads.finish(load, str(journal), sent)
