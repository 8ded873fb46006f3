import contextlib
import os
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model
from faker import Faker

from pipeline.cql.columns import Row
from pipeline.datasets.dataset import Dataset
from pipeline.datasets.generate import BLOCK_ROWS, write_part
from pipeline.datasets.jobs import GenerateFile
from pipeline.datasets.parts import count_parts, joined
from pipeline.datasets.sampling import FakerTable, RandomUuid
from pipeline.datasets.users import DATASET as USERS
from pipeline.errors import OutputError, SettingError
from pipeline.rowfiles.files import read_rows, write_rows
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.sources import describe_file
from pipeline.workers.client import run_jobs

ROWS = 2 * BLOCK_ROWS + 1234
NO_PID = 1 << 22  # Above the highest process id that Linux gives.


class Order(Model):
    """A table with a column for each way in which a value can be generated."""

    __table_name__ = "ordered"
    order_id = columns.UUID(primary_key=True)
    country = columns.Text()
    is_gift = columns.Boolean()
    ordered_at = columns.DateTime()
    ticket = columns.Integer()
    total_cents = columns.Integer()
    note = columns.Text()


def _note(fake: Faker) -> str | None:
    return fake.random_element(("plain", "a, b", 'said "no"', "two\nlines", "carriage\rreturn", "é", None))


ORDERS = Dataset(
    model=Order,
    recipe={
        "order_id": RandomUuid(),
        "country": FakerTable("country"),
        "is_gift": FakerTable("null_boolean"),
        "ordered_at": lambda fake: datetime(2020, 1, 1) + timedelta(milliseconds=fake.random_int(0, 10**9)),  # noqa: DTZ001 - UTC
        "ticket": lambda fake: fake.unique.random_int(1, 3 * BLOCK_ROWS // 2),
        "total_cents": FakerTable("random_digit"),
        "note": _note,
    },
)


def job(file: Path, rows: int = ROWS, *, locale: str = "en_US") -> GenerateFile:
    """Return a job for one day's rows."""
    return GenerateFile(
        dataset="pipeline.datasets.users",
        date=date(2020, 2, 29),
        rows=rows,
        seed=1,
        locale=locale,
        file_format=file.suffix[1:],
        file=str(file),
    )


def part_of(target: Path, file: Path, part: int, parts: int) -> GenerateFile:
    """Return a job for one part of `target`."""
    return replace(job(target), file=str(file), part=part, parts=parts)


def quiet(*_: object) -> None:
    """Take progress and print nothing."""


def generated(dataset: Dataset, file: Path, rows: int = ROWS, *, locale: str = "en_US") -> Path:
    """Generate a dataset's rows; return their file."""
    assert write_part(dataset, job(file, rows, locale=locale), quiet) == rows
    return file


def rows_of(dataset: Dataset, file: Path) -> list[Row]:
    """Return the rows of a file."""
    return list(read_rows(RowsToRead(files=(describe_file(file),)), dataset.columns))


@pytest.mark.parametrize("dataset", [USERS, ORDERS], ids=["users", "orders"])
@pytest.mark.parametrize("parts", [2, 5])
def test_parts_joined_are_the_file_of_one_process(tmp_path: Path, dataset: Dataset, parts: int) -> None:
    """The file is the same, byte for byte, for any number of parts, also if some are empty."""
    whole = generated(dataset, tmp_path / "whole.csv")
    target = tmp_path / "joined.csv"
    with joined(target, parts) as files:
        counts = [
            write_part(dataset, part_of(target, file, part, parts), quiet) for part, file in enumerate(files)
        ]
    assert sum(counts) == ROWS
    assert target.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == [target, whole]


def test_worker_processes_write_the_file_of_one(tmp_path: Path) -> None:
    """Two worker processes write the same file as one process, and together report every row."""
    progress: list[tuple[int, int]] = []
    target = tmp_path / "joined.csv"
    with joined(target, 2) as files:
        run_jobs(
            [part_of(target, file, part, 2) for part, file in enumerate(files)],
            lambda done, total, _: progress.append((done, total)),
        )
    assert target.read_bytes() == generated(USERS, tmp_path / "whole.csv").read_bytes()
    assert progress[-1] == (ROWS, ROWS)


def test_parts_that_fail_leave_nothing(tmp_path: Path) -> None:
    """If one part cannot be written, no part stays, and the rest of an earlier, killed process is removed."""
    target = tmp_path / "joined.csv"
    with joined(target, 2) as files:
        for file in files:
            file.touch()
            file.with_name(file.name.replace(f"{os.getpid()}", f"{NO_PID}")).touch()
    target.unlink()
    assert len(list(tmp_path.iterdir())) == 2
    with contextlib.suppress(SettingError), joined(target, 2) as files:
        write_part(USERS, part_of(target, files[1], 1, 2), quiet)
        write_part(USERS, replace(part_of(target, files[0], 0, 2), locale="xx_XX"), quiet)
        pytest.fail("a locale that Faker lacks was accepted")
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_is_interrupted_is_removed(tmp_path: Path) -> None:
    """A part is removed if its process is interrupted or the disk is full."""

    def interrupt(done: int, *_: object) -> None:
        if done:
            raise KeyboardInterrupt

    file = tmp_path / "part.csv"
    with pytest.raises(KeyboardInterrupt):
        write_part(USERS, job(file), interrupt)
    assert not file.exists()
    with pytest.raises(OutputError, match=r"cannot write .*: No such file or directory; check"):
        write_part(USERS, job(tmp_path / "absent" / "part.csv"), quiet)


@pytest.mark.parametrize("dataset", [USERS, ORDERS], ids=["users", "orders"])
def test_first_rows_are_the_same_however_many_follow(tmp_path: Path, dataset: Dataset) -> None:
    """A file of fewer rows is the beginning of a file of more rows."""
    many = generated(dataset, tmp_path / "many.csv").read_bytes()
    for rows in (1, 7, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1):
        few = generated(dataset, tmp_path / "few.csv", rows).read_bytes()
        assert many.startswith(few), rows


@pytest.mark.parametrize("dataset", [USERS, ORDERS], ids=["users", "orders"])
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_file_is_what_write_rows_makes_of_its_rows(
    tmp_path: Path, dataset: Dataset, file_format: str
) -> None:
    """Rows that are read back and written one by one give the same CSV bytes, and the same Parquet table."""
    file = generated(dataset, tmp_path / f"rows.{file_format}")
    again = tmp_path / f"again.{file_format}"
    assert write_rows(again, dataset.columns, rows_of(dataset, file)) == ROWS
    if file_format == "csv":
        assert file.read_bytes() == again.read_bytes()
    else:
        assert pq.read_table(file).equals(pq.read_table(again), check_metadata=True)


def test_csv_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    """A row is the same in both formats, however its values are generated."""
    files = [generated(ORDERS, tmp_path / name) for name in ("rows.csv", "rows.parquet")]
    by_csv, by_parquet = (rows_of(ORDERS, file) for file in files)
    assert by_csv == by_parquet
    notes = Counter(row[-1] for row in by_csv)
    assert len(notes) == 7
    assert 0.13 < notes[None] / ROWS < 0.16


@pytest.mark.parametrize("locale", ["", "xx_XX", "english", "en_US,de_DE"])
def test_locale_that_faker_lacks_is_named(tmp_path: Path, locale: str) -> None:
    """A locale that Faker lacks is named in the error, with an example of a locale."""
    with pytest.raises(SettingError, match=rf"locale is (empty|{locale!r}).*en_US"):
        generated(USERS, tmp_path / "rows.csv", locale=locale)
    assert list(tmp_path.iterdir()) == []


def test_number_of_parts_follows_the_rows() -> None:
    """Few rows, and Parquet, are written by one process; many rows by at most one process per core."""
    assert count_parts(1000, "csv") == 1
    assert count_parts(10**9, "parquet") == 1
    assert count_parts(10**9, "csv") == len(os.sched_getaffinity(0))
