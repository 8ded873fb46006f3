"""Loads as the tests run them: without Luigi, one step at a time, each step in a worker process."""

import contextlib
import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.engines.processes import Processes
from pipeline.engines.protocol import Engine
from pipeline.load import jobs
from pipeline.load.sharing import send_rows
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings import ClusterConfig, ColumnsConfig, KeyspaceConfig, LoadConfig, ValuesConfig
from pipeline.workers.client import run_job

USERS = "pipeline.datasets.users"
MIB = 1 << 20
SPLIT_BYTES = 6 * MIB
"""A CSV row of this size is a split by itself."""
LOADED_ON = dt.date(2026, 11, 22)


@dataclass(frozen=True, kw_only=True)
class Loaded(jobs.RowCounts):
    """The counts of a whole load, and the result of each of its shards."""

    shards: Sequence[jobs.LoadedShard]


class Loads:
    """A keyspace and a folder of one test module, and loads of its files into its tables."""

    def __init__(self, folder: Path, keyspace: str, endpoint: Endpoint, cql: Session) -> None:
        self.folder = folder
        self.keyspace = keyspace
        self._cluster = ClusterConfig(contact_points=endpoint.contact_points, port=endpoint.port)
        self._cql = cql
        self._begun: dict[str, jobs.BegunLoad] = {}

    def create(self, name: str, columns: str) -> str:
        """Create a table, after dropping one of that name; return its name."""
        self._cql.execute(f'DROP TABLE IF EXISTS {self.keyspace}."{name}"')
        self._cql.execute(f'CREATE TABLE {self.keyspace}."{name}" ({columns})')
        return name

    def create_users(self) -> str:
        """Create the users' table, after dropping an existing one."""
        return self.create("user", "user_id uuid PRIMARY KEY, first_name text, last_name text")

    def write(self, name: str, header: str, rows: Iterable[Sequence[object]]) -> Path:
        """Write a CSV file, with None as an empty field."""
        file = self.folder / name
        with file.open("w", encoding="utf-8", newline="") as text:
            text.write(f"{header}\n")
            csv.writer(text, lineterminator="\n").writerows(rows)
        return file

    def rows(self, table: str, what: str = "*") -> list[dict[str, Any]]:
        """Return the table's rows, unordered."""
        return list(self._cql.execute(f'SELECT {what} FROM {self.keyspace}."{table}"'))

    def execute(self, statement: str) -> None:
        """Execute a statement outside of the load."""
        self._cql.execute(statement)

    def job(
        self,
        table: str,
        files: Iterable[FilePath],
        *,
        dataset: str = "",
        columns: ColumnsConfig | None = None,
        values: ValuesConfig | None = None,
        **config: Any,  # noqa: ANN401 - a load's settings, each of its own type
    ) -> jobs.Load:
        """Return the job that loads files by table or, if named, by dataset; `config` holds settings."""
        return jobs.Load(
            cluster=self._cluster,
            keyspace=KeyspaceConfig(name=self.keyspace),
            table="" if dataset else table,
            dataset=dataset,
            files=tuple(describe_file(file) for file in files),
            columns=columns or ColumnsConfig(),
            values=values or ValuesConfig(),
            config=LoadConfig(**config),
            checkpoints=str(self.folder / "checkpoints"),
            bad_rows=str(self.folder / "bad"),
        )

    def begin(self, load: jobs.Load, *, anew: bool = False) -> jobs.BegunLoad:
        """Open a load's journal."""
        begun = run_job(jobs.BeginLoad(plan=planned(load), anew=anew))
        self._begun[begun.journal] = begun
        return begun

    def send(
        self, load: jobs.Load, journal: str, *, worker_count: int = 1, engine: Engine | None = None
    ) -> tuple[jobs.LoadedShard, ...]:
        """Load the splits that the journal lacks; return the result of each shard."""
        begun = self._begun[journal]
        begun = replace(begun, plan=replace(begun.plan, load=load))
        return send_rows(begun, engine or Processes(worker_count)).shards

    def finish(self, load: jobs.Load, journal: str) -> jobs.RowCounts:
        """Check that every split is settled, and mark the load as finished."""
        return run_job(
            jobs.FinishLoad(
                plan=replace(self._begun[journal].plan, load=load),
                journal=journal,
                date=LOADED_ON,
                source="tests",
                input_sha256="tests",
            )
        )

    def run(self, load: jobs.Load, *, worker_count: int = 1, engine: Engine | None = None) -> Loaded:
        """Run a load from beginning to end; return its counts, and the result of each shard."""
        journal = self.begin(load).journal
        sent = self.send(load, journal, worker_count=worker_count, engine=engine)
        return Loaded(**vars(self.finish(load, journal)), shards=sent)


@contextlib.contextmanager
def loads_into(keyspace: str, folder: Path, endpoint: Endpoint, cql: Session) -> Iterator[Loads]:
    """Create a keyspace, and drop it when the block ends."""
    cql.execute(f"DROP KEYSPACE IF EXISTS {keyspace}")
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cql.execute(f"CREATE KEYSPACE {keyspace} WITH replication = {replication}")
    yield Loads(folder, keyspace, endpoint, cql)
    cql.execute(f"DROP KEYSPACE {keyspace}")


def planned(load: jobs.Load) -> jobs.LoadPlan:
    """Return the plan of a load, made in a worker process."""
    return run_job(jobs.PlanLoad(load=load))
