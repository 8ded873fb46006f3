"""A workspace with tables of the tests' own."""

from pathlib import Path
from typing import Any

from cassandra.cluster import Session
from cassandra.metadata import protect_name

from pipeline.embedded import Endpoint
from tests.harness.workspace import Workspace

TASK_FAILED = 30


class Tables(Workspace):
    """A workspace with tables of the tests' own."""

    def __init__(self, folder: Path, endpoint: Endpoint, cql: Session, keyspace: str) -> None:
        super().__init__(folder, keyspace, endpoint)
        self.cql = cql

    def create(self, name: str, columns: str) -> str:
        """Create a table, after dropping one of that name; return its name with its keyspace."""
        self.cql.execute(f"DROP TABLE IF EXISTS {self.keyspace}.{protect_name(name)}")
        self.cql.execute(f"CREATE TABLE {self.keyspace}.{protect_name(name)} ({columns})")
        return f"{self.keyspace}.{name}"

    def write(self, name: str, text: str) -> Path:
        """Write a file, its letters Latin-1, and return its name."""
        (self.folder / name).write_text(text, encoding="latin-1")
        return Path(name)

    def rows(self, table: str, what: str = "*") -> list[dict[str, Any]]:
        """Return the table's rows, unordered."""
        _, _, name = table.partition(".")
        return list(self.cql.execute(f"SELECT {what} FROM {self.keyspace}.{protect_name(name)}"))

    def succeed(self, *words: str) -> str:
        """Run a command that must succeed; return its output."""
        done = self.luigi(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, *words: str) -> str:
        """Run a command whose task must fail without a traceback; return its output."""
        done = self.luigi(*words)
        assert done.returncode == TASK_FAILED, done.stdout
        assert "Traceback" not in done.stdout
        assert "failed with" not in done.stdout
        return done.stdout

    def said(self, what: str) -> Path:
        """Return the only file of that name in the folders of the loads."""
        [found] = self.folder.glob(f"output/loads/*/*/*/{what}")
        return found
