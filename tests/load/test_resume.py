from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline.errors import BadRowsError, RowFileError, SchemaError, WorkerError
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.jobs import RowCounts
from pipeline.load.journal import read_journal
from pipeline.settings import ColumnsConfig
from tests.harness.loads import SPLIT_BYTES, Loads

PAD = "x" * SPLIT_BYTES


@pytest.fixture
def wide(loads: Loads) -> str:
    """Return a table, created again, for rows so wide that each is a split."""
    return loads.create("wide", "id text PRIMARY KEY, number int, pad text")


def wide_file(loads: Loads, name: str, *numbers: object) -> Path:
    """Return a file with one row, and so one split, for each number."""
    rows = [(chr(ord("a") + at), number, PAD) for at, number in enumerate(numbers)]
    return loads.write(name, "id,number,pad", rows)


def numbers(loads: Loads) -> dict[str, int]:
    """Return the numbers in the table."""
    return {row["id"]: row["number"] for row in loads.rows("wide", "id, number")}


def test_a_load_goes_on_behind_what_is_acknowledged(loads: Loads, cql: Session, wide: str) -> None:
    """Rows settled before a load ended are not sent again, all others are; an emptied table shows it."""
    file = wide_file(loads, "rows.csv", 1, 2, "many", 4)
    # One request at a time: all rows before the bad row are settled when it is reached.
    load = loads.job(wide, [file], pool_size=1)
    begun = loads.begin(load)
    assert begun.rows == 0
    with pytest.raises(
        BadRowsError, match=r"1 bad rows, .*rows.csv:4: column number: 'many' is not a valid int"
    ):
        loads.send(load, begun.journal)
    assert numbers(loads) == {"a": 1, "b": 2}

    again = loads.job(wide, [file], max_bad_rows="1", method="prepared")
    resumed = loads.begin(again)
    assert (resumed.journal, resumed.rows) == (begun.journal, 2)
    cql.execute(f"TRUNCATE {loads.keyspace}.{wide}")
    sent = loads.send(again, begun.journal)
    assert numbers(loads) == {"d": 4}
    assert sent[0].rows == 2
    records = read_journal(FileLog(Path(begun.journal))).splits.values()
    assert [(record.sent, record.acknowledged, len(record.bad)) for record in records] == [
        (1, 1, 0),
        (1, 1, 0),
        (0, 0, 1),
        (1, 1, 0),
    ]


def test_a_load_goes_on_with_files_that_were_renamed(loads: Loads, wide: str) -> None:
    """Files that were renamed, even exchanged, are recognised; bad rows are reported with the new names."""
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
    loads.send(again, journal)
    counts = loads.finish(again, journal)
    assert counts == RowCounts(read=7, sent=4, acknowledged=4, bad=3)
    assert not Path(journal).exists()
    places = [(row.split('"')[1], row.split(",")[1]) for row in bad_rows(loads)]
    assert places == [(str(first), "3"), (str(second), "3"), (str(second), "5")]
    rejected = (loads.folder / "bad" / "rejected.csv").read_text(encoding="utf-8")
    assert [row.partition(",x")[0] for row in rejected.splitlines()[1:]] == ["b,one", "b,two", "d,three"]


def bad_rows(loads: Loads) -> list[str]:
    """Return the lines of bad_rows.csv after its header."""
    return (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8").splitlines()[1:]


def test_what_makes_two_loads_the_same(loads: Loads, cql: Session, wide: str) -> None:
    """A journal belongs to contents, options and one creation of a table, not to names or the method."""
    file = wide_file(loads, "same.csv", 1)
    twin = loads.folder / "twin.csv"
    twin.write_bytes(file.read_bytes())

    def journal(*files: Path, **config: Any) -> str:  # noqa: ANN401 - settings, each of its own type
        return str(loads.begin(loads.job(wide, files, **config)).journal)

    of_file = journal(file)
    assert journal(twin) == of_file
    assert journal(file, method="prepared", pool_size=7, max_bad_rows="50%", rows_per_s=9.0) == of_file
    others = [
        journal(file, twin),
        journal(wide_file(loads, "edited.csv", 2)),
        journal(file, nulls="write"),
        journal(file, ttl_s=5),
        journal(file, timestamp_us=5),
        journal(file, columns=ColumnsConfig(mapping=(("id", "id"),))),
    ]
    cql.execute(f"TRUNCATE {loads.keyspace}.{wide}")
    others.append(journal(file))
    loads.create(wide, "id text PRIMARY KEY, number int, pad text")
    others.append(journal(file))
    assert len({of_file, *others}) == 9


def test_a_file_that_changes_during_its_load_ends_it(loads: Loads, wide: str) -> None:
    """If the journal is of other files than the load, nothing is sent under a wrong name."""
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
    """If a statement removed loaded values during the load, the load fails and writes no marker."""
    load = loads.job(
        wide, [wide_file(loads, "lost.csv", 1)], columns=ColumnsConfig(mapping=(("id", "id"), ("pad", "pad")))
    )
    journal = loads.begin(load).journal
    loads.send(load, journal)
    if change:
        cql.execute(change.format(f"{loads.keyspace}.{wide}"))
    else:
        loads.create(wide, "id text PRIMARY KEY, number int, pad text")
    before = loads.rows("load_marker")
    with pytest.raises(SchemaError, match=message):
        loads.finish(load, journal)
    assert loads.rows("load_marker") == before


def test_a_split_that_is_not_settled_is_no_finished_load(loads: Loads, wide: str) -> None:
    """A load is not marked as finished while the journal lacks a split."""
    load = loads.job(wide, [wide_file(loads, "lacks.csv", 1, 2)])
    journal = Path(loads.begin(load).journal)
    loads.send(load, str(journal))
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"split": 1' not in line))
    with pytest.raises(WorkerError, match=r"split 1 of .*lacks\.csv is not settled; run the load again"):
        loads.finish(load, str(journal))
