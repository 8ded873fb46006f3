"""A file is edited and restored, between the runs of its load or within one: A, then B, then A again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.errors import RowFileError
from pipeline.load import jobs
from pipeline.load.dryrun.jobs import CheckRows
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.journal import read_journal
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from pipeline.workers.jobs import Job
from tests.harness.loads import SPLIT_BYTES, Loads, loads_into, planned
from tests.harness.tables import Tables
from tests.harness.workspace import until

KEYSPACE = "t_cases_put_back"
PutBack = Callable[[], object]
A, B = "id,v\n1,old\n2,old\n", "id,v\n1,new\n2,old\n"


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into(KEYSPACE, tmp_path_factory.mktemp("put_back"), endpoint, cql) as loads:
        yield loads


def create(loads: Loads, name: str) -> str:
    """Create a table with a key and a text; return its name."""
    return loads.create(name, "id int PRIMARY KEY, v text")


def values(loads: Loads, table: str) -> dict[int, str]:
    """Return the first letters of the table's column `v` by its key."""
    return {row["id"]: row["v"][:3] for row in loads.rows(table)}


def write_over(file: Path, text: str) -> PutBack:
    """Overwrite the text in place, restore the file's time; return a function that undoes it."""
    before, stat = file.read_text(encoding="utf-8"), file.stat()

    def write(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    write(text)
    return lambda: write(before)


def move_in(file: Path, text: str) -> PutBack:
    """Move another file into its place; return a function that moves the first one back."""
    kept, other = file.with_suffix(".kept"), file.with_suffix(".other")
    file.rename(kept)
    other.write_text(text, encoding="utf-8")
    other.rename(file)
    return lambda: kept.replace(file)


@pytest.mark.parametrize("change", [write_over, move_in])
def test_no_row_of_another_content_is_sent_or_settled(
    loads: Loads, change: Callable[[Path, str], PutBack]
) -> None:
    """Only the described content is loaded, also if the file is restored afterwards."""
    table = create(loads, "between")
    file = loads.folder / "between.csv"
    file.write_text(A, encoding="utf-8")
    load = loads.job(table, [file])
    journal = loads.begin(load).journal
    put_back = change(file, B)
    with pytest.raises(RowFileError, match=r"between\.csv was changed while it was being read"):
        loads.send(load, journal)
    assert values(loads, table) == {}
    assert not read_journal(FileLog(Path(journal))).splits
    put_back()
    loads.run(loads.job(table, [file]))
    assert values(loads, table) == {1: "old", 2: "old"}


@pytest.mark.parametrize("is_renamed", [False, True])
def test_a_load_does_not_go_on_behind_one_of_another_content(loads: Loads, *, is_renamed: bool) -> None:
    """If another content of the file was loaded since, what was settled before does not count."""
    table = create(loads, "since")
    file = loads.folder / f"since{is_renamed}.csv"
    texts = [f"id,v\n1,{v}\n" + f"3,{v}{'x' * SPLIT_BYTES}\n" * 3 for v in ("old", "new")]
    file.write_text(texts[0], encoding="utf-8")
    load = loads.job(table, [file])
    begun = loads.begin(load)
    run_job(jobs.LoadShard(plan=begun.plan, journal=begun.journal, splits=begun.left[::2]))
    assert read_journal(FileLog(Path(begun.journal))).splits
    if is_renamed:
        file = file.rename(file.with_suffix(".renamed.csv"))
        assert loads.begin(loads.job(table, [file])).rows
    file.write_text(texts[1], encoding="utf-8")
    loads.run(loads.job(table, [file]))
    assert values(loads, table) == {1: "new", 3: "new"}
    file.write_text(texts[0], encoding="utf-8")
    loads.run(loads.job(table, [file]))
    assert values(loads, table) == {1: "old", 3: "old"}


@pytest.mark.parametrize(
    "look", [lambda plan: CheckRows(plan=plan), lambda plan: VerifyFiles(plan=plan, exact=False)]
)
def test_what_is_looked_at_is_what_was_described(loads: Loads, look: Callable[..., Job[Any]]) -> None:
    """A dry run or a verification whose file loses rows meanwhile fails with a message."""
    table = create(loads, "looked_at")
    file = loads.folder / "looked_at.csv"
    file.write_text(A, encoding="utf-8")
    load = loads.job(table, [file])
    loads.run(load)
    plan = planned(load)
    file.write_text(A[:-6], encoding="utf-8")
    with pytest.raises(RowFileError, match=r"looked_at\.csv was changed while it was being read"):
        run_job(look(plan))


def test_a_marker_does_not_outlast_a_load_of_another_content(
    loads: Loads, tmp_path: Path, endpoint: Endpoint, cql: Session
) -> None:
    """A is loaded, B's load is killed, A is restored: A is loaded again, A's old marker does not count."""
    tables = Tables(tmp_path, endpoint, cql, KEYSPACE)
    name = create(loads, "killed")
    words = ("LoadTable", "--table", f"{KEYSPACE}.{name}", "--input", "f.csv")
    lines = [f"{at},old\n" for at in range(600)]
    text = f"id,v\n{''.join(lines)}"
    tables.write("f.csv", text)
    tables.succeed(*words)
    tables.write("f.csv", text.replace("old", "new"))
    with subprocess.Popen(
        tables.command(*words, "--rows-per-s", "100"),
        cwd=tables.folder,
        env=tables.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as loading:
        until(lambda: "new" in values(loads, name).values())
        loading.kill()
    tables.write("f.csv", text)
    tables.succeed(*words)
    assert set(values(loads, name).values()) == {"old"}
    assert "Did not run any tasks" in tables.succeed(*words)
