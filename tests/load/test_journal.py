import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import OutputError, WorkerError
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.journal import Journal, LoadKey, SplitRecord, begin_run, read_journal
from pipeline.rowfiles.badrows import BadRow
from tests.harness.workspace import PROJECT

KEY = LoadKey(
    cluster="Test",
    keyspace="ks",
    table_id="1",
    emptied_at="",
    files=["b" * 64, "a" * 64],
    splits="c" * 64,
    options="[]",
)
BAD = BadRow(file="é\udcff.csv", line=3, column="id", value='a "b"\n', reason="is not a valid int")
RECORDS = [
    SplitRecord(file=at % 2, split=at // 2, rows=10, sent=10 - at, acknowledged=9 - at, bad=[BAD] * at)
    for at in range(4)
]


def begun(folder: Path, key: LoadKey = KEY, *, timestamp_us: int, anew: bool = False) -> Journal:
    """Return the journal of a load that begins, or goes on."""
    log = FileLog(folder / f"{key.name}.journal")
    return begin_run(log, key, timestamp_us=timestamp_us, anew=anew)


def path_of(journal: Journal) -> Path:
    """Return the file of a journal."""
    return Path(journal.log.place)


def settled(folder: Path) -> Journal:
    """Return a journal with these records."""
    journal = begun(folder, timestamp_us=7)
    for record in RECORDS:
        journal.settle(record)
    return journal


def test_a_journal_keeps_what_is_settled(tmp_path: Path) -> None:
    """The next run finds what is settled, with the first run's order of files and timestamp."""
    first = settled(tmp_path)
    found = begun(tmp_path, dataclasses.replace(KEY, files=sorted(KEY.files)), timestamp_us=8)
    assert found.log.place == first.log.place
    assert found.files == tuple(KEY.files)
    assert found.timestamp_us == 7
    assert list(found.splits.values()) == RECORDS


def test_a_journal_that_is_begun_anew_is_empty(tmp_path: Path) -> None:
    """A journal that is begun with `anew` is empty."""
    settled(tmp_path).reserve_attempts(3)
    found = begun(tmp_path, timestamp_us=8, anew=True)
    assert (found.timestamp_us, found.splits, found.attempts) == (8, {}, 0)


def test_a_journal_keeps_how_often_rows_may_have_been_sent(tmp_path: Path) -> None:
    """The next run knows the largest number of attempts that any process has noted."""
    journal = settled(tmp_path)
    beside = read_journal(journal.log)
    journal.reserve_attempts(4)
    beside.reserve_attempts(2)
    assert read_journal(journal.log).attempts == 4


def test_a_ticket_is_taken_once(tmp_path: Path) -> None:
    """Of two workers with one ticket the second stops, and so does whoever comes after it was withdrawn."""
    journal = settled(tmp_path)
    journal.take("first")
    with pytest.raises(WorkerError, match="given to another worker"):
        read_journal(journal.log).take("first")
    journal.withdraw("second")
    with pytest.raises(WorkerError, match="given to another worker"):
        journal.take("second")
    journal.take("third")


@pytest.mark.parametrize(
    "other",
    [
        {"cluster": "Other"},
        {"keyspace": "other"},
        {"table_id": "2"},
        {"emptied_at": "1"},
        {"files": ["b" * 64]},
        {"files": ["b" * 64, "c" * 64]},
        {"splits": "d" * 64},
        {"options": "[1]"},
    ],
)
def test_another_load_has_another_journal(tmp_path: Path, other: dict[str, object]) -> None:
    """A load that differs in a significant field has another journal."""
    settled(tmp_path)
    assert not begun(tmp_path, dataclasses.replace(KEY, **other), timestamp_us=7).splits  # type: ignore[arg-type]


def test_a_torn_line_is_not_there(tmp_path: Path) -> None:
    """If a kill cuts the journal off, the lines before the cut are valid, and the next run appends lines."""
    journal = settled(tmp_path)
    whole = path_of(journal).read_bytes()
    header_bytes = whole.index(b"\n", 1)
    for size_bytes in range(header_bytes, len(whole)):
        path_of(journal).write_bytes(whole[:size_bytes])
        torn = read_journal(journal.log)
        found = list(torn.splits.values())
        assert found == RECORDS[: len(found)]
        if size_bytes % 40 == 0:
            begun(tmp_path, timestamp_us=8).settle(RECORDS[-1])
            after = read_journal(journal.log)
            assert list(after.splits.values()) == [*found, RECORDS[-1]]
            assert after.timestamp_us == 7


def test_a_flipped_bit_costs_its_line(tmp_path: Path) -> None:
    """A line with a flipped bit is ignored; if it is the first line, the journal begins anew."""
    journal = settled(tmp_path)
    whole = path_of(journal).read_bytes()
    header_bytes = whole.index(b"\n", 1)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path_of(journal).write_bytes(damaged)
        if at <= header_bytes:
            with pytest.raises(OutputError, match="is gone or damaged; run the load again, it begins anew"):
                read_journal(journal.log)
        else:
            found = list(read_journal(journal.log).splits.values())
            assert len(found) >= len(RECORDS) - 1
            assert all(record in RECORDS for record in found)
    path_of(journal).write_bytes(b"\n0" + whole[2:])
    assert begun(tmp_path, timestamp_us=8).timestamp_us == 8


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 300, b"\xff\xfe"])
def test_a_journal_without_a_line_begins_anew(tmp_path: Path, content: bytes) -> None:
    """A file without a valid line, such as an empty file after a crash, is replaced."""
    (tmp_path / f"{KEY.name}.journal").write_bytes(content)
    found = begun(tmp_path, timestamp_us=8)
    found.settle(RECORDS[0])
    assert list(read_journal(found.log).splits.values()) == RECORDS[:1]


def test_a_journal_that_is_gone_is_named(tmp_path: Path) -> None:
    """If the journal is removed during a load, the load ends; it does not write one without a first line."""
    journal = settled(tmp_path)
    path_of(journal).unlink()
    with pytest.raises(OutputError, match=rf"cannot write {journal.log.place}: No such file"):
        journal.settle(RECORDS[0])
    with pytest.raises(OutputError, match=rf"the journal {journal.log.place} is gone"):
        read_journal(journal.log)


def test_processes_append_side_by_side(tmp_path: Path) -> None:
    """If two processes settle splits at the same time, every line is present and complete."""
    journal = begun(tmp_path, timestamp_us=7)
    script = """
import sys
from pathlib import Path
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.journal import *
from pipeline.rowfiles.badrows import BadRow
bad = [BadRow(file="f", line=at, column="c", value="v" * 80, reason="r") for at in range(200)]
journal = read_journal(FileLog(Path(sys.argv[1])))
for split in range(100):
    record = SplitRecord(file=int(sys.argv[2]), split=split, rows=1, sent=1, acknowledged=1, bad=bad)
    journal.settle(record)
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", script, journal.log.place, str(file)], cwd=PROJECT)
        for file in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    found = read_journal(journal.log)
    assert set(found.splits) == {(file, split_rows) for file in range(2) for split_rows in range(100)}
    assert sum(len(record.bad) for record in found.splits.values()) == 200 * 200
