"""A load of which no row is accepted is not finished, whoever refuses the rows; a file without rows is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra import InvalidRequest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.engines.processes import Processes
from pipeline.errors import BadRowsError, RequestError
from pipeline.load.refusing import Refusing
from pipeline.load.sharing import dry_run
from tests.harness.loads import Loads, loads_into, planned

KEYSPACE = "t_none_taken"


@pytest.fixture
def loads(tmp_path: Path, endpoint: Endpoint, cql: Session) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into(KEYSPACE, tmp_path, endpoint, cql) as loads:
        yield loads


def test_only_a_server_that_takes_no_row_of_any_process_ends_the_load() -> None:
    """1,000 refused rows of one process do not end the load if rows of another process were accepted."""
    taken = [0]
    refusing = Refusing(
        what="cannot load", settle=print, acknowledged=0, ask_others=lambda: taken[0], has_cdc=lambda: False
    )
    for _ in range(999):
        refusing.refused(InvalidRequest("Guardrail column_value_size violated"))
    with pytest.raises(RequestError, match="each of the first 1000 rows"):
        refusing.refused(InvalidRequest("Guardrail column_value_size violated"))
    taken[0] = 1
    refusing.refused(InvalidRequest("Guardrail column_value_size violated"))


def test_a_load_without_a_whole_row_is_not_finished(loads: Loads) -> None:
    """Rows that our own parser refuses are bad rows; if all rows are bad, the load is not marked."""
    table = loads.create("none_whole", "k int PRIMARY KEY, v text")
    file = loads.write("rows.csv", "k,v", [(f"x{at}", "v") for at in range(1500)])
    load = loads.job(table, [file], max_bad_rows="100%")
    with pytest.raises(BadRowsError, match=r"none of 1500 rows .*no row is whole.*csv:2: column k: 'x0'"):
        loads.run(load)
    assert not loads.rows("load_marker")
    faults = (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")
    assert len(faults.splitlines()) == 1501
    last = loads.write("more.csv", "k,v", [*((f"x{at}", "v") for at in range(1500)), (1, "v")])
    assert loads.run(loads.job(table, [last], max_bad_rows="100%")).acknowledged == 1


def test_a_dry_run_says_that_no_row_is_whole(loads: Loads) -> None:
    """A dry run fails if all rows are bad, as the load would; it passes for a file without rows."""
    table = loads.create("checked", "k int PRIMARY KEY, v text")
    load = loads.job(table, [loads.write("rows.csv", "k,v", [("x", "v")])], max_bad_rows="100%")
    with pytest.raises(BadRowsError, match=r"none of 1 rows.*no row is whole"):
        dry_run(planned(load), Processes(1))
    empty = loads.job(table, [loads.write("empty.csv", "k,v", [])])
    assert dry_run(planned(empty), Processes(1)).rows == 0
