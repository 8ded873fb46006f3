"""Loads as an ordinary role, on a server with logins: guardrails do not apply to a superuser."""

import dataclasses
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.cqlengine import management
from cassandra.policies import RoundRobinPolicy
from cassandra.query import dict_factory

from pipeline import embedded
from pipeline.cluster.jobs import SetUpTable
from pipeline.cluster.keyspace import bind_model
from pipeline.cluster.marker import LoadMarker
from pipeline.cluster.refusals import Decision, decision_of
from pipeline.embedded.releases import DEFAULT
from pipeline.load import jobs
from pipeline.measure.jobs import SweepLatencies
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.sources import describe_file
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.workers.client import run_job
from tests.harness.loads import USERS, Loads

KEYSPACE = "t_refusals"
PASSWORD = uuid.uuid4().hex
SUPERUSER = ("cassandra", "cassandra")
"""The user that a new server has, and its password, as in its manual."""
FEW = [(at, f"v{at}") for at in range(20)]


class RoleLoads(Loads):
    """Loads as an ordinary role; tests can change how it connects; `cql` is the superuser's session."""

    def __init__(self, folder: Path, server: "Server") -> None:
        super().__init__(folder, KEYSPACE, server.endpoint, server.cql)
        self.cql = server.cql
        self.ordinary = server.ordinary
        self.connect_as_ordinary()

    def connect_as_ordinary(self) -> None:
        """Connect from now on as the role to which guardrails apply."""
        self.connect_as("loader", PASSWORD)

    def connect_as(self, user: str, password: str) -> None:
        """Connect as this role from now on."""
        password_file = self.folder / f"password of {user}"
        password_file.write_text(f"{password}\n", encoding="utf-8")
        self._cluster = dataclasses.replace(self._cluster, user=user, password_file=str(password_file))

    @property
    def cluster(self) -> ClusterConfig:
        """The settings with which it connects."""
        return self._cluster

    def at(self, consistency_level: str) -> None:
        """Read and write at this consistency level from now on."""
        self._cluster = dataclasses.replace(self._cluster, consistency_level=consistency_level)

    def set_up(self, keyspace: str, *, drop: bool = False, **config: Any) -> None:  # noqa: ANN401 - as KeyspaceConfig has them
        """Create the users' table, as SetupKeyspace does."""
        keyspace_config = KeyspaceConfig(name=keyspace, **config)
        run_job(SetUpTable(cluster=self._cluster, keyspace=keyspace_config, dataset=USERS, drop=drop))

    def sweep(self, file: Path) -> None:
        """Time the rows of a file, as TimingReport does."""
        run_job(
            SweepLatencies(
                cluster=self._cluster,
                keyspace=KeyspaceConfig(name=KEYSPACE),
                dataset=USERS,
                rows=RowsToRead(files=(describe_file(file),)),
                pool_size=1,
                latencies_s=(0.0,),
                sync_repeats=1,
                async_repeats=1,
                run="guarded",
            )
        )

    def tables(self) -> set[str]:
        """Return the names of the keyspace's tables."""
        found = self.cql.execute("SELECT keyspace_name, table_name FROM system_schema.tables")
        return {row["table_name"] for row in found if row["keyspace_name"] == KEYSPACE}

    def keyspaces(self) -> set[str]:
        """Return the names of all keyspaces."""
        return {row["keyspace_name"] for row in self.cql.execute("SELECT * FROM system_schema.keyspaces")}

    def plain_table(self, name: str, more: str = "") -> str:
        """Return the name of a table of two columns, created again."""
        return self.create(name, f"k int PRIMARY KEY, v text{more}")

    def leaves(self, load: jobs.Load, kind: type[Exception], message: str, *, worker_count: int = 1) -> None:
        """Run a load that must end with this error, without a marker."""
        with pytest.raises(kind, match=message):
            self.run(load, worker_count=worker_count)
        assert not self.is_marked(load)

    def is_marked(self, load: jobs.Load) -> bool:
        """Tell whether a load into the same table is marked as finished."""
        found = self.cql.execute(f"SELECT * FROM {KEYSPACE}.load_marker")
        # The same table stores the timestamps of lists, in rows that are not markers.
        return load.table in {row["table_name"] for row in found if row["finished_at"]}

    def decision_on(self, statement: str) -> Decision:
        """Return the decision on the refusal of a statement by the ordinary role."""
        with pytest.raises(Exception, match="Guardrail ") as refused:
            self.ordinary.execute(statement)
        decision = decision_of(refused.value)
        assert decision is not None
        return decision


@dataclass(frozen=True)
class Server:
    """A server with logins, its superuser's session, and one of the ordinary role."""

    endpoint: embedded.Endpoint
    cql: Session
    ordinary: Session


def connected(endpoint: embedded.Endpoint, user: str, password: str) -> Cluster:
    """Return a cluster to which a role can connect; the first role exists soon after the first start."""
    deadline_s = time.monotonic() + 120
    while True:
        cluster = Cluster(
            list(endpoint.contact_points),
            port=endpoint.port,
            protocol_version=4,
            connect_timeout=60,
            control_connection_timeout=60,
            auth_provider=PlainTextAuthProvider(user, password),
            execution_profiles={
                EXEC_PROFILE_DEFAULT: ExecutionProfile(
                    load_balancing_policy=RoundRobinPolicy(),
                    row_factory=dict_factory,
                    request_timeout=30,
                    consistency_level=ConsistencyLevel.QUORUM,
                )
            },
        )
        try:
            cluster.connect()
        except NoHostAvailable:
            cluster.shutdown()
            assert time.monotonic() < deadline_s, f"{user} cannot connect"
            time.sleep(0.2)
        else:
            return cluster


def serve(folder: Path, settings: dict[str, Any], *, version: str = DEFAULT) -> Iterator[Server]:
    """Run a server with these settings, a role `loader`, and the keyspace with its marker table."""
    logins = {"authenticator": "PasswordAuthenticator", "authorizer": "CassandraAuthorizer"}
    endpoint = embedded.start(
        embedded.ClusterSpec(folder=folder, heap="512M", overrides={**logins, **settings}, version=version)
    )
    try:
        first = connected(endpoint, *SUPERUSER)
        cql = first.connect()
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        cql.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {replication}")
        cql.execute(f"CREATE ROLE loader WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
        cql.execute("GRANT ALL ON ALL KEYSPACES TO loader")
        cql.execute(management._get_create_table(bind_model(LoadMarker, KEYSPACE)))  # noqa: SLF001 - as ours
        second = connected(endpoint, "loader", PASSWORD)
        yield Server(endpoint, cql, second.connect())
        second.shutdown()
        first.shutdown()
    finally:
        embedded.stop(folder)
