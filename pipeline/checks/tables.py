"""A table, and what a load needs beside it: the markers, and the journal where the cluster has it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from cassandra.cluster import Session

from pipeline.checks.findings import Finding, failure, looked_at, ok
from pipeline.checks.jobs import CheckTable
from pipeline.checks.limits import Wanted, look_at_limits
from pipeline.checks.rights import RightsOf
from pipeline.cluster.marker import LoadMarker, ensure_marker_table
from pipeline.cluster.table import find_table_of, has_cdc
from pipeline.cql.tables import Table  # noqa: TC001 - as elsewhere
from pipeline.errors import SchemaError
from pipeline.load.eventlogs.cluster import LoadJournal, ensure_journal_table
from pipeline.settings import ClusterConfig, KeyspaceConfig


class TableLook:
    """A look at a table, as far as the cluster tells of it; `table` is the table once it is found."""

    def __init__(self, session: Session, job: CheckTable, cluster: ClusterConfig) -> None:
        self._session, self._job, self._cluster = session, job, cluster
        self._creates = False
        self.table: Table | None = None

    def findings(self) -> Iterator[Finding]:
        """Yield what is found of the tables, of the rights on them, and of the server's limits."""
        job, keyspace = self._job, self._job.keyspace
        rights = RightsOf(self._session, self._cluster.user, keyspace.name)
        if keyspace.name not in self._session.cluster.metadata.keyspaces:
            if keyspace.manage_schema:
                yield from rights.look_at_creation(of_keyspace=True)
            if job.table:
                yield failure(f"table {keyspace.name}.{job.table}", "is absent, as its keyspace is", _CREATE)
        else:
            if job.table:
                subject = f"table {keyspace.name}.{job.table}"
                yield from looked_at(subject, lambda: self._look_at_table(subject, rights))
            yield from self._look_beside(LoadMarker.__table_name__, ensure_marker_table_of, rights)
            if job.config.journal == "cluster":
                yield from self._look_beside(LoadJournal.__table_name__, ensure_journal_table, rights)
            if self._creates and keyspace.manage_schema:
                yield from rights.look_at_creation(of_keyspace=False)
        yield from looked_at("limits", self._look_at_limits)

    def _look_at_table(self, subject: str, rights: RightsOf) -> Iterator[Finding]:
        self.table = table = find_table_of(self._session, self._job.keyspace.name, self._job.table)
        yield ok(subject, f"{len(table.columns)} columns, primary key ({', '.join(table.key)})")
        yield from rights.look_at_table(table.name)

    def _look_beside(
        self, name: str, ensure: Callable[[Session, KeyspaceConfig], None], rights: RightsOf
    ) -> Iterator[Finding]:
        """Yield whether a table of ours is there, as this version needs it; nothing is created."""
        keyspace = self._job.keyspace
        subject = f"table {keyspace.name}.{name}"
        try:
            ensure(self._session, replace(keyspace, manage_schema=False))
        except SchemaError as error:
            if keyspace.manage_schema:
                self._creates = True
                yield ok(subject, "is absent or of an earlier version; the first load creates it")
            else:
                yield failure(subject, str(error))
        else:
            yield ok(subject, "is there")
            yield from rights.look_at_table(name)

    def _look_at_limits(self) -> Iterator[Finding]:
        job, keyspaces = self._job, self._session.cluster.metadata.keyspaces.values()
        yield from look_at_limits(
            self._session,
            Wanted(
                cluster=self._cluster,
                config=job.config,
                processes=job.processes,
                creates_table=self._creates,
                has_cdc=self.table is not None and has_cdc(self._session, self.table),
                table_count=sum(len(each.tables) for each in keyspaces if not each.name.startswith("system")),
            ),
        )


def ensure_marker_table_of(session: Session, config: KeyspaceConfig) -> None:
    """Call `ensure_marker_table` as `ensure_journal_table` is called; raise as it does."""
    ensure_marker_table(session, config.name, manage_schema=config.manage_schema)


_CREATE = "create both, or run SetupKeyspace for a dataset's"
