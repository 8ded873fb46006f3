from collections import Counter
from pathlib import Path

import pytest

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.files import plan_fields, read_rows, read_splits
from pipeline.rowfiles.formats.csv.grammar import grammar_of
from pipeline.rowfiles.formats.csv.reader import Header
from pipeline.rowfiles.formats.csv.rows import take_rows
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.texts import open_text
from tests.harness.hostile import HEADER, hostile_files

COLUMNS = [
    Column("user_id", "uuid", is_key=True),
    Column("first_name", "text", is_key=False),
    Column("last_name", "text", is_key=False),
]


def read(file: Path) -> tuple[list[Field], list[int], list[BadRow]]:
    """Check a file's splits; return the fields, the places of the good rows, and the bad rows."""
    described = describe_file(file)
    fields = plan_fields([described], COLUMNS)
    good: list[int] = []
    bad: list[BadRow] = []
    for number, split_rows in enumerate(read_splits(described, fields)):
        assert split_rows.number == number
        assert [len(column) for column in split_rows.columns] == [len(split_rows.places)] * len(fields)
        for column in split_rows.columns:
            column.validate(full=True)
        good += split_rows.places.tolist()
        bad += split_rows.bad
    return fields, good, bad


def rows_in(file: Path) -> int:
    """Return the number of rows of a CSV file, parsed one by one."""
    with open_text(file, Dialect()) as source:
        header = Header(source, Dialect())
        rows = take_rows(source, grammar_of(Dialect()), header.end, header.next_line, len(header.names))
        return sum(1 for _ in rows)


def test_hostile_files_are_the_same_for_a_seed(tmp_path: Path) -> None:
    """A seed determines the files, whatever their number, so that a failure can be repeated."""
    some, more, others = (
        [file.read_bytes() for file in hostile_files(tmp_path / name, count, seed)]
        for name, count, seed in (("some", 31, 1), ("more", 35, 1), ("others", 31, 2))
    )
    assert some == more[:31]
    assert some != others


def test_no_file_is_a_surprise(tmp_path: Path) -> None:
    """Of 250 hostile files each is refused by name or read to its end, every row good or listed."""
    seen: Counter[str] = Counter()
    refusals: list[tuple[str, str]] = []
    for file in hostile_files(tmp_path / "hostile", 250, seed=4):
        try:
            fields, good, bad = read(file)
        except RowFileError as error:
            refusals.append((str(file), str(error)))
            continue
        seen["with bad rows" if bad else "good"] += 1
        places = sorted(good + [row.place for row in bad])
        assert len(places) == len(set(places))
        for row in bad:
            assert row.file == str(file)
            assert row.reason
            assert len(row.value) <= 81
        if file.suffix == ".csv":
            assert len(places) == rows_in(file)
        else:
            assert places == list(range(1, len(places) + 1))
        if bad:
            assert sum(
                write_rejected(tmp_path / "rejected.csv", fields, bad, [describe_file(file)]).values()
            ) == len(bad)
    assert min(len(refusals), *seen.values()) > 20
    assert all(file in message for file, message in refusals)


def test_no_file_is_a_surprise_when_read_strictly(tmp_path: Path) -> None:
    """A hostile file that is read row by row and converted ends with its last row or a named error."""
    refusals: list[tuple[str, str]] = []
    for file in hostile_files(tmp_path, 250, seed=5):
        try:
            for row in read_rows(RowsToRead(files=(describe_file(file),)), COLUMNS):
                assert len(row) == len(COLUMNS)
        except RowFileError as error:
            refusals.append((str(file), str(error)))
    assert len(refusals) in range(125, 240)
    assert all(file in message for file, message in refusals)


@pytest.mark.parametrize(
    "line",
    [b'a",b,"\n', b'"a\n', b'x,"\n', b'""b\n', b'"""\n', b'"\n', b",\n", b"\r", b'a,"b\n,c\n'],
    ids=str,
)
def test_no_line_makes_reading_slow(tmp_path: Path, line: bytes) -> None:
    """The time to read a file of one unusual line of 100 kB grows only with its size."""
    file = tmp_path / "rows.csv"
    file.write_bytes(HEADER + line * (100_000 // len(line)))
    _, good, bad = read(file)
    assert len(good) + len(bad) == rows_in(file)
