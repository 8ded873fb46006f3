"""Users in files and in their table, and the commands that load and verify them."""

import csv
import uuid
from collections.abc import Iterable
from pathlib import Path

from cassandra.cluster import Session

from tests.harness.workspace import Workspace

Rows = list[tuple[str, str, str]]


def succeed(workspace: Workspace, *words: str) -> str:
    """Run a command that must succeed; return its output."""
    done = workspace.luigi(*words)
    assert done.returncode == 0, done.stdout
    return done.stdout


def succeed_if_absent(workspace: Workspace, cql: Session) -> None:
    """Set the table up again if a failed test has left it dropped."""
    if table_id(workspace, cql) is None:
        succeed(workspace, "SetupKeyspace")


def table_id(workspace: Workspace, cql: Session) -> uuid.UUID | None:
    """Return the id of the users' table, None if the table does not exist."""
    query = "SELECT id FROM system_schema.tables WHERE keyspace_name = %s AND table_name = 'user'"
    found = cql.execute(query, (workspace.keyspace,)).one()
    return found["id"] if found else None


def stored(workspace: Workspace, cql: Session) -> Rows:
    """Return the rows of the users' table, sorted."""
    found = cql.execute(f"SELECT user_id, first_name, last_name FROM {workspace.keyspace}.user")
    return sorted((str(row["user_id"]), row["first_name"], row["last_name"]) for row in found)


def users(count: int, first_name: str = "Ada") -> Rows:
    """Return that many users, sorted, their last names numbered."""
    return sorted((str(uuid.uuid4()), first_name, f"Lovelace {at}") for at in range(count))


def write_csv(file: Path, rows: Iterable[tuple[str, str, str]]) -> Path:
    """Write users to a new row file."""
    file.parent.mkdir(exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([("user_id", "first_name", "last_name"), *rows])
    return file


def read_csv(*files: Path) -> Rows:
    """Return the users in generated files, sorted."""
    rows: Rows = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as text:
            rows += [(row["user_id"], row["first_name"], row["last_name"]) for row in csv.DictReader(text)]
    return sorted(rows)


def summary(output: str) -> str:
    """Return the part of Luigi's summary that lists the tasks that ran, each family after its number."""
    _, _, summary = output.partition("ran successfully:")
    return summary.partition("\n\n")[0]
