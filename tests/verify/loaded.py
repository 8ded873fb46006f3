"""A table and the row files that are loaded into it, for tests of verification."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.cql.columns import Column
from pipeline.errors import VerificationError
from pipeline.load import jobs
from pipeline.rowfiles.files import write_rows
from pipeline.rowfiles.sources import describe_file
from pipeline.settings import ClusterConfig, KeyspaceConfig, LoadConfig
from pipeline.verify.jobs import VerifiedRows, VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import planned
from tests.harness.workspace import Workspace


class Loaded:
    """A table and the row files that are loaded into it."""

    def __init__(self, workspace: Workspace, cql: Session, columns: str, *types: str) -> None:
        self.name = f"{workspace.keyspace}.loaded"
        self._workspace = workspace
        cql.execute(
            f"CREATE KEYSPACE {workspace.keyspace} WITH replication = "
            "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        )
        for definition in types:
            cql.execute(f"CREATE TYPE {workspace.keyspace}.{definition}")
        cql.execute(f"CREATE TABLE {self.name} ({columns})")

    def write(self, header: str, rows: Sequence[Sequence[str | None]], file: str = "rows.csv") -> Path:
        """Write texts to a row file."""
        columns = [Column(name, "text", is_key=False) for name in header.split(",")]
        target = self._workspace.folder / file
        write_rows(target, columns, [tuple(row) for row in rows])
        return target

    def load(self, *files: Path, nulls: str = "unset") -> None:
        """Load row files."""
        load = self._load(files, nulls)
        begun = run_job(jobs.BeginLoad(plan=planned(load), anew=True))
        run_job(jobs.LoadShard(plan=begun.plan, journal=begun.journal))

    def verify(self, *files: Path, exact: bool = False, nulls: str = "unset") -> VerifiedRows:
        """Verify that the files are loaded; return the counts."""
        return run_job(VerifyFiles(plan=planned(self._load(files, nulls)), exact=exact))

    def difference(self, *files: Path, exact: bool = False, nulls: str = "unset") -> str:
        """Return the differences that the verification finds."""
        with pytest.raises(VerificationError) as found:
            self.verify(*files, exact=exact, nulls=nulls)
        begin, _, differences = str(found.value).partition(": ")
        differences, _, end = differences.rpartition("; ")
        assert begin == f"{self.name} is not what was loaded"
        assert end == "load again with --reload, then verify"
        return differences

    def _load(self, files: Sequence[Path], nulls: str) -> jobs.Load:
        workspace = self._workspace
        return jobs.Load(
            cluster=ClusterConfig(
                contact_points=workspace.endpoint.contact_points, port=workspace.endpoint.port
            ),
            keyspace=KeyspaceConfig(name=workspace.keyspace),
            table="loaded",
            files=tuple(map(describe_file, files)),
            config=LoadConfig(nulls=nulls, max_bad_rows="4"),
            checkpoints=str(workspace.folder / "checkpoints"),
            bad_rows=str(workspace.folder),
        )
