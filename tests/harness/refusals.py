"""A workspace whose commands must fail and change nothing."""

import re
import subprocess
from pathlib import Path

from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.workspace import Workspace, before_end

SHARED_KEYSPACE = "t_errors"
TASK_FAILED, SCHEDULING_ERROR, UNHANDLED = 30, 35, 40
HEADER = "user_id,first_name,last_name\n"
GOOD = HEADER + "00000000-0000-0000-0000-000000000001,Ada,Lovelace\n"
ID = "00000000-0000-0000-0000-000000000002"
_PROGRESS = {".luigi", "checkpoints", "bad_rows.csv", "rejected.csv"}
_TOLD = {"loads.csv", ".loads.csv.lock", "runs", "metrics"}
"""What a refused command may leave: its progress and the bad rows it found, and what tells of the run."""


class Refusals(Workspace):
    """A workspace whose keyspace holds loaded rows, which no command here may change."""

    def __init__(self, folder: Path, endpoint: Endpoint, cql: Session) -> None:
        super().__init__(folder, SHARED_KEYSPACE, endpoint)
        self.cql = cql

    def refused(self, *words: str, code: int, message: str, **environment: str) -> None:
        """Run a command that must fail with `code`, say `message` (a pattern) once, and change nothing."""
        before = self.state()
        done = self.luigi(*words, **environment)
        self.require_refusal(done, code=code, message=message)
        assert self.state() == before

    def require_refusal(self, done: subprocess.CompletedProcess[str], *, code: int, message: str) -> None:
        """Check the exit code and the only message of a command that has ended."""
        assert done.returncode == code, done.stdout
        assert len(re.findall(message, before_end(done.stdout))) == 1, done.stdout
        assert "Traceback" not in done.stdout, done.stdout

    def state(self) -> dict[str, object]:
        """Return the state: the rows and their write times, the markers, the tables, the files."""
        users = f"SELECT user_id, first_name, last_name, writetime(last_name) FROM {self.keyspace}.user"
        tables = f"SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = '{self.keyspace}'"
        queries = (users, tables, f"SELECT * FROM {self.keyspace}.load_marker")
        rows = {query: sorted(map(repr, self.cql.execute(query))) for query in queries}
        rows[tables] = [each for each in rows[tables] if "load_ledger" not in each]
        assert len(rows[users]) == 20
        files = {
            str(file): file.read_bytes()
            for file in self.folder.rglob("*")
            if file.is_file() and not (_PROGRESS | _TOLD).intersection(file.parts)
        }
        return {**rows, **files}
