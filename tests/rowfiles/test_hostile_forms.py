"""Hostile files that are packed, in a dialect or another encoding, or JSON Lines."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.errors import RowFileError
from pipeline.rowfiles.files import read_rows
from pipeline.rowfiles.formats.objects.fields import Objects
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from tests.harness.dialectreader import rows_of_text
from tests.harness.hostilefile import BAD, GOOD, REFUSED, HostileFile
from tests.harness.hostileforms import FORM_KINDS, hostile_forms
from tests.harness.hostilereading import (
    COLUMNS,
    Reading,
    by_python_csv,
    by_python_json,
    by_rows,
    by_splits,
    config_of,
    from_json,
    text_of,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[HostileFile]:
    """Write two files of each kind."""
    return hostile_forms(tmp_path_factory.mktemp("forms"), 2 * len(FORM_KINDS), seed=12)


@pytest.fixture(scope="module")
def readings(corpus: list[HostileFile]) -> dict[Path, Reading]:
    """Read them by splits. What is refused has no reading."""
    found = {}
    for file in corpus:
        try:
            found[file.path], *_ = by_splits(file)
        except RowFileError:
            continue
    return found


def read_of(corpus: list[HostileFile], readings: dict[Path, Reading], end: str = "") -> list[HostileFile]:
    """Return the files of a format that are not refused."""
    return [file for file in corpus if file.path in readings and file.hostile.end.startswith(end)]


def test_hostile_files_are_the_same_for_a_seed(tmp_path: Path) -> None:
    """A seed determines the files, whatever their number, so that a failure can be repeated."""
    some, more, others = (
        [file.path.read_bytes() for file in hostile_forms(tmp_path / name, count, seed)]
        for name, count, seed in (("some", 40, 1), ("more", 45, 1), ("others", 40, 2))
    )
    assert some == more[:40]
    assert some != others


def test_no_file_is_a_surprise(corpus: list[HostileFile], tmp_path: Path) -> None:
    """Each is refused by name or read to its end, as its kind has it, every row good or listed."""
    seen: Counter[str] = Counter()
    refusals: list[tuple[HostileFile, str]] = []
    for file in corpus:
        try:
            reading, described, fields, bad = by_splits(file)
        except RowFileError as error:
            refusals.append((file, str(error)))
            continue
        outcome = BAD if bad else GOOD
        assert outcome in file.hostile.outcomes, (file.path.name, bad[:2])
        seen[outcome] += 1
        places = [line for line, _ in reading.rows] + reading.bad
        assert len(places) == len(set(places)), file.path.name
        for row in bad:
            assert row.file == str(file.path)
            assert row.reason
            assert len(row.value) <= 81
        if bad:
            counts = write_rejected(tmp_path / "rejected.csv", fields, bad, [described])
            assert sum(counts.values()) == len(bad)
    for file, message in refusals:
        assert str(file.path) in message
        assert REFUSED in file.hostile.outcomes, message
    assert len(FORM_KINDS) > 300
    assert min(len(refusals), *seen.values()) > 100


def test_rows_are_those_that_were_written(corpus: list[HostileFile], readings: dict[Path, Reading]) -> None:
    """A good file has its rows; a packed one that was damaged has its rows too, or is refused."""
    known = [file for file in read_of(corpus, readings) if file.hostile.rows is not None]
    for file in known:
        assert [row for _, row in readings[file.path].rows] == file.hostile.rows, file.path.name
    assert len(known) > 100


def test_columns_at_once_are_the_rows_one_by_one(
    corpus: list[HostileFile], readings: dict[Path, Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By columns and row by row, rows and bad rows are the same; no line of CSV is left out."""
    for file in read_of(corpus, readings, "csv"):
        assert by_rows(file) == readings[file.path], file.path.name
    monkeypatch.setattr(Objects, "columns", lambda *_, **__: None)
    for file in read_of(corpus, readings, "jsonl"):
        assert by_splits(file)[0] == readings[file.path], file.path.name


@pytest.mark.parametrize("split_bytes", [1, 100])
def test_any_splits_have_the_same_rows(
    corpus: list[HostileFile],
    readings: dict[Path, Reading],
    monkeypatch: pytest.MonkeyPatch,
    split_bytes: int,
) -> None:
    """Rows and bad rows do not depend on where splits end, nor on how much of a file is read at a time."""
    for module in ("csv.reader", "jsonl.format"):
        monkeypatch.setattr(f"pipeline.rowfiles.formats.{module}._SPLIT_BYTES", split_bytes)
        monkeypatch.setattr(f"pipeline.rowfiles.formats.{module}.SPLIT_MAX_ROWS", 9)
    monkeypatch.setattr("pipeline.rowfiles.formats.csv.rows._WINDOW_BYTES", 3 * split_bytes)
    monkeypatch.setattr("pipeline.rowfiles.compression.BLOCK_BYTES", 2 * split_bytes)
    monkeypatch.setattr("pipeline.rowfiles.compression._PACKED_BYTES", split_bytes)
    for file in read_of(corpus[: len(FORM_KINDS)], readings):
        if file.path.stat().st_size < 2_000 * split_bytes:
            assert by_splits(file)[0] == readings[file.path], file.path.name


def test_a_plain_reader_reads_the_same_csv(corpus: list[HostileFile], readings: dict[Path, Reading]) -> None:
    """Rows, lines and bad rows are those of a reader of another make, in every dialect."""
    compared: Counter[str] = Counter()
    for file in read_of(corpus, readings, "csv"):
        text = text_of(file)
        # It takes a microsecond a byte.
        if text is None or len(text) > 50_000:
            continue
        expected = rows_of_text(text, file.dialect)
        assert expected is not None, file.path.name
        found = readings[file.path]
        assert found.rows == [(line, row) for line, row in expected if row is not None], file.path.name
        assert found.bad == [line for line, row in expected if row is None], file.path.name
        compared[BAD if found.bad else GOOD] += 1
    assert min(compared.values()) > 100


def test_python_reads_the_same_csv(corpus: list[HostileFile], readings: dict[Path, Reading]) -> None:
    """What Python's csv accepts, in a dialect that it has too, are the same rows."""
    compared = 0
    for file in read_of(corpus, readings, "csv"):
        text = text_of(file)
        expected = None if text is None else by_python_csv(text, file.dialect)
        if expected is not None:
            assert [row for _, row in readings[file.path].rows] == expected, file.path.name
            assert not readings[file.path].bad
            compared += 1
    assert compared > 50


def test_python_reads_the_same_json(corpus: list[HostileFile], readings: dict[Path, Reading]) -> None:
    """The good lines of JSON Lines are those that Python's json accepts, with the same values."""
    compared = 0
    for file in read_of(corpus, readings, "jsonl"):
        content = text_of(file)
        if content is None:
            continue
        expected = by_python_json(content)
        found = readings[file.path]
        assert found.bad == expected.bad, file.path.name
        for (line, row), (same_line, values) in zip(found.rows, expected.rows, strict=True):
            assert line == same_line
            for text, value in zip(row, values, strict=True):
                # A string is its text; numbers are of a class of their own.
                is_text = value is None or type(value) is str
                assert (text if is_text else from_json(str(text))) == value, (file.path.name, line)
            compared += 1
    assert compared > 300


def test_what_is_read_strictly_ends_with_a_named_error(corpus: list[HostileFile]) -> None:
    """A hostile file that is read row by row and converted ends with its last row or a named error."""
    refusals: list[tuple[str, str]] = []
    for file in corpus:
        rows = RowsToRead(files=(describe_file(file.path, file.dialect),), columns=config_of(file.dialect))
        try:
            for row in read_rows(rows, COLUMNS):
                assert len(row) == len(COLUMNS)
        except RowFileError as error:
            refusals.append((str(file.path), str(error)))
    assert len(refusals) in range(200, len(corpus) - 100)
    assert all(path in message for path, message in refusals)
