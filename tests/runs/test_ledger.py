"""The ledger in a real cluster."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.runs.ledger.jobs import ReadLedger, RecordRun
from pipeline.runs.ledger.waiting import keep_waiting, waiting_lines
from pipeline.runs.summary import Requests, RunSummary
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.workers.client import run_job
from tests.harness.loads import Loads
from tests.harness.runs import loaded, verified

UNREACHABLE = ClusterConfig(contact_points=("127.0.0.1",), port=1, connect_timeout_s=2)


class Ledger:
    """A keyspace with a ledger, and an output folder."""

    def __init__(self, loads: Loads, folder: Path) -> None:
        self._loads = loads
        self.folder = folder
        self.cluster = loads.job("x", []).cluster
        self.name = f"{loads.keyspace}.load_ledger"

    def run(self, **differing: object) -> RunSummary:
        """Return a run into a table of the keyspace."""
        return loaded(**{"keyspace": self._loads.keyspace, **differing})

    def record(
        self, run: RunSummary, cluster: ClusterConfig | None = None, *, manage_schema: bool = True
    ) -> str:
        """Record a run; return the warning."""
        return run_job(
            RecordRun(
                cluster=cluster or self.cluster,
                keyspace=KeyspaceConfig(name=self._loads.keyspace, manage_schema=manage_schema),
                folder=str(self.folder),
                run=run,
            )
        ).warning

    def read(self, *tables: str, since: dt.date = dt.date(2026, 1, 1)) -> Sequence[RunSummary]:
        """Return the lines that the cluster has."""
        job = ReadLedger(cluster=self.cluster, tables=((self._loads.keyspace, tables),), since=since)
        return run_job(job).runs

    @property
    def waiting(self) -> list[str]:
        """The ids of the runs whose lines wait."""
        return [run.run_id for _, run in waiting_lines(self.folder)]


@pytest.fixture
def ledger(loads: Loads, tmp_path: Path) -> Iterator[Ledger]:
    """Return an empty ledger."""
    yield Ledger(loads, tmp_path)
    loads.execute(f"DROP TABLE IF EXISTS {loads.keyspace}.load_ledger")


def as_told(run: RunSummary) -> RunSummary:
    """Return a run as the ledger has it: without how long its requests took."""
    return replace(run, requests=Requests())


def test_a_line_is_read_as_it_was_written(ledger: Ledger) -> None:
    """Every field of a load and of a verification comes back, empty mappings too; the newest is first."""
    old = ledger.run(run_id="a", date=dt.date(2026, 11, 27), retries={}, settings={}, step_seconds={})
    new = replace(verified(), keyspace=old.keyspace)
    for run in (old, new):
        assert ledger.record(run) == ""
    assert ledger.read() == ledger.read("orders") == (as_told(new), as_told(old))
    assert ledger.read("orders", since=new.date) == (as_told(new),)
    assert ledger.read("others") == ()


def test_a_line_waits_for_the_cluster_and_follows_once(ledger: Ledger) -> None:
    """A line is kept where no node answers, follows with the next that is written, and stands there once."""
    first, second = ledger.run(run_id="1"), ledger.run(run_id="2")
    warning = ledger.record(first, UNREACHABLE)
    assert "kept in" in warning
    assert str(ledger.folder / "ledger" / "1.json") in warning
    assert ledger.waiting == ["1"]
    assert ledger.record(second) == ""
    assert ledger.waiting == []
    # As if the run had been killed between the answer and the removal of the file.
    keep_waiting(ledger.folder, first)
    assert ledger.record(second) == ""
    assert [run.run_id for run in ledger.read()] == ["2", "1"]


def test_a_line_of_another_cluster_waits_on(ledger: Ledger) -> None:
    """A line for a keyspace that is not here stays, is named, and does not hold up those behind it."""
    keep_waiting(ledger.folder, loaded(run_id="0", keyspace="absent_here"))
    keep_waiting(ledger.folder, ledger.run(run_id="1"))
    assert "0.json" in ledger.record(ledger.run(run_id="2"))
    assert ledger.waiting == ["0"]
    assert {run.run_id for run in ledger.read()} == {"1", "2"}


def test_without_the_right_to_create_it_the_statement_is_said(ledger: Ledger) -> None:
    """With manage_schema = false the warning has the CQL of the absent table, and the line waits for it."""
    warning = ledger.record(ledger.run(run_id="1"), manage_schema=False)
    statement = warning.partition("have it created: ")[2]
    assert statement.startswith(f"CREATE TABLE {ledger.name}")
    assert ledger.waiting == ["1"]
    ledger._loads.execute(statement)  # noqa: SLF001 - our own class
    assert ledger.record(ledger.run(run_id="2"), manage_schema=False) == ""
    assert {run.run_id for run in ledger.read()} == {"1", "2"}


def test_lines_never_expire(ledger: Ledger, loads: Loads) -> None:
    """The table has no time to live, and neither has a line."""
    ledger.record(ledger.run())
    [row] = loads.rows("load_ledger", "TTL(outcome) AS ttl_s")
    assert row["ttl_s"] is None
