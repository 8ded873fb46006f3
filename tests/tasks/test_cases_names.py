"""Keyspaces, tables, columns and types whose names need CQL's quotes, in every task."""

import re
import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session
from cassandra.metadata import protect_name

from pipeline.embedded import Endpoint
from tests.harness.tables import Tables
from tests.harness.workspace import PROJECT

CASES = PROJECT / "tests/cases"
KEYSPACES = ("SalesDB", "order")
SHORT = ("--rows", "20", "--latencies-s", "0.001", "--precision", "100", "--time-budget", "10 minutes")


class Quoted(Tables):
    """A workspace whose keyspace has a name that needs quotes."""

    def rows(self, table: str, what: str = "*") -> list[dict[str, object]]:
        """Return the rows of a table of the keyspace."""
        name = f"{protect_name(self.keyspace)}.{protect_name(table)}"
        return list(self.cql.execute(f"SELECT {what} FROM {name}"))

    @property
    def tables(self) -> set[str]:
        """The names of the keyspace's tables."""
        query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
        return {row["table_name"] for row in self.cql.execute(query, [self.keyspace])}


@pytest.fixture(params=KEYSPACES)
def quoted(
    tmp_path: Path, endpoint: Endpoint, cql: Session, request: pytest.FixtureRequest
) -> Iterator[Quoted]:
    """Return a workspace for one test; its keyspace does not exist yet."""
    yield Quoted(tmp_path, endpoint, cql, request.param)
    cql.execute(f"DROP KEYSPACE IF EXISTS {protect_name(request.param)}")


def test_the_chain_runs_in_a_keyspace_whose_name_needs_quotes(quoted: Quoted) -> None:
    """Set up, load, verify, time, drop in a keyspace with capitals, or with the name of a CQL keyword."""
    quoted.succeed("TimingReport", "--rows", "20", "--run-id", "quoted")
    assert len(quoted.rows("user")) == 20
    assert quoted.tables == {"user", "load_marker", "load_ledger"}
    assert "Did not run any tasks" in quoted.succeed("LoadUsers", "--rows", "20")
    quoted.succeed("SetupKeyspace", "--drop")
    assert quoted.rows("user") == []
    quoted.succeed("VerifyUsers", "--rows", "20", "--exact", "--method", "create")
    assert len(quoted.rows("user")) == 20


@pytest.mark.parametrize("quoted", ["SalesDB"], indirect=True)
def test_measurements_leave_no_table_in_such_a_keyspace(quoted: Quoted) -> None:
    """A measurement writes to a scratch table beside the loaded one, and drops it."""
    quoted.configure(experiment={"pool_sizes": "1, 4"})
    quoted.succeed("RecommendPoolSize", *SHORT)
    assert quoted.tables == {"user", "load_marker", "load_ledger"}


@pytest.mark.parametrize("quoted", ["SalesDB"], indirect=True)
def test_bad_rows_are_replayed_into_such_a_keyspace(quoted: Quoted) -> None:
    """After correction, the rejected rows are loaded by the message's command, also without its input."""
    header = "user_id,first_name,last_name"
    quoted.write("bad.csv", f"{header}\n{uuid.uuid4()},Ada,Lovelace\nnonsense,Bo,Diddley\n")
    output = quoted.refused("LoadUsers", "--input", "bad.csv")
    words = shlex.split(re.findall("then run (ReplayBadRows .*)", output)[0])
    quoted.succeed("LoadUsers", "--input", "bad.csv", "--max-bad-rows", "1")
    quoted.said("rejected.csv").write_text(f"{header}\n{uuid.uuid4()},Bo,Diddley\n", encoding="utf-8")
    quoted.succeed(*words)
    assert {row["first_name"] for row in quoted.rows("user")} == {"Ada", "Bo"}
    assert words[1:3] == ["--table", "SalesDB.user"]
    quoted.said("rejected.csv").write_text(f"{header}\n{uuid.uuid4()},Cy,Young\n", encoding="utf-8")
    quoted.succeed(*words[:3])
    assert {row["first_name"] for row in quoted.rows("user")} == {"Ada", "Bo", "Cy"}


@pytest.mark.parametrize("quoted", ["SalesDB"], indirect=True)
def test_the_cql_to_run_has_the_quotes_that_it_needs(quoted: Quoted) -> None:
    """With manage_schema = false each message holds CQL that is valid as printed, and sufficient."""
    quoted.configure(cassandra={"manage_schema": "false"})
    for _ in ("keyspace", "table", "marker"):
        output = quoted.refused("SetupKeyspace")
        quoted.cql.execute(re.split(r"\n\d{4}-", output.partition("have it created: ")[2])[0])
    quoted.succeed("SetupKeyspace")
    quoted.cql.execute('ALTER TABLE "SalesDB".load_marker DROP truncated_at')
    output = quoted.refused("LoadUsers", "--rows", "20")
    quoted.cql.execute(output.partition("have it added: ")[2].partition("\n")[0])
    quoted.succeed("LoadUsers", "--rows", "20")


@pytest.mark.parametrize("quoted", ["SalesDB"], indirect=True)
def test_the_names_of_case_13_load_and_verify(quoted: Quoted) -> None:
    """Names of types and columns with capitals, CQL's keywords, blanks and quotes are loaded and verified."""
    quoted.cql.execute(
        "CREATE KEYSPACE \"SalesDB\" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    for statement in (CASES / "13-names" / "schema.cql").read_text(encoding="utf-8").split(";\n")[:2]:
        quoted.cql.execute(statement)
    file = str(CASES / "13-names" / "o.csv")
    for words in (
        ("LoadTable", "--table", "SalesDB.OrderLines"),
        ("VerifyTable", "--table", "SalesDB.OrderLines", "--exact"),
        ("LoadTable", "--table", '"SalesDB"."OrderLines"', "--reload"),
        ("LoadTable", "--table", "OrderLines", "--method", "prepared", "--reload"),
        ("VerifyTable", "--table", '"OrderLines"'),
    ):
        quoted.succeed(*words, "--input", file)
    [row] = quoted.rows("OrderLines")
    assert row.pop("addr") == ("High", 5)
    assert row == {"orderId": 1, "select": "s", "my col": "m", 'a"b': 7, "token": "t", "vector": "v"}
    for table, meant in (("salesdb.orderlines", "SalesDB"), ("SalesDB.orderlines", "OrderLines")):
        assert f"did you mean '{meant}'?" in quoted.refused("LoadTable", "--table", table, "--input", file)
