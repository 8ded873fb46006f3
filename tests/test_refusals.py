import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import RoundRobinPolicy
from cassandra.query import dict_factory

from pipeline import embedded, jobs
from pipeline.config import ClusterConfig, KeyspaceConfig
from pipeline.errors import BadRowsError, RequestError, SettingRefusedError
from pipeline.processes import run_job
from tests.loads import LOADED_ON, USERS, Loads

KEYSPACE = "t_refusals"
PASSWORD = uuid.uuid4().hex
GUARDRAILS = {
    "column_value_size_fail_threshold": "1KiB",
    "collection_size_fail_threshold": "512B",
    "items_per_collection_fail_threshold": 10,
    "write_consistency_levels_disallowed": ["EACH_QUORUM"],
    "read_consistency_levels_disallowed": ["LOCAL_QUORUM"],
    "maximum_timestamp_fail_threshold": "1d",
    "minimum_timestamp_fail_threshold": "3650d",
    "tables_fail_threshold": 1,
    "simplestrategy_enabled": False,
    "drop_truncate_table_enabled": False,
    "batch_size_fail_threshold": "64KiB",
    "cdc_enabled": True,
    "cdc_total_space": "1MiB",
}


class RoleLoads(Loads):
    """Loads as an ordinary role: guardrails are not for a superuser."""

    def __init__(self, folder: Path, endpoint: embedded.Endpoint, cql: Session, password_file: Path) -> None:
        super().__init__(folder, KEYSPACE, endpoint, cql)
        self.cql = cql
        self._cluster = ClusterConfig(
            contact_points=endpoint.contact_points,
            port=endpoint.port,
            user="loader",
            password_file=str(password_file),
        )

    def at(self, consistency_level: str) -> None:
        """Read and write at this level from now on."""
        self._cluster = ClusterConfig(**{**vars(self._cluster), "consistency_level": consistency_level})

    def set_up(self, keyspace: str, *, drop: bool = False) -> None:
        """Create the users' table, as SetupKeyspace does."""
        run_job(
            jobs.SetUpTable(
                cluster=self._cluster, keyspace=KeyspaceConfig(name=keyspace), dataset=USERS, drop=drop
            )
        )

    def leaves(self, load: jobs.Load, kind: type[Exception], message: str) -> None:
        """Run a load that must end with this error, without a marker."""
        with pytest.raises(kind, match=message):
            self.run(load)
        found = self.cql.execute(f"SELECT * FROM {KEYSPACE}.load_marker")
        assert load.table not in {row["table_name"] for row in found}


@dataclass(frozen=True)
class Server:
    """A server with logins and its superuser's session."""

    endpoint: embedded.Endpoint
    cql: Session


def superuser(endpoint: embedded.Endpoint) -> Cluster:
    """Return a cluster that its first user can connect to; that user is there soon after the first start."""
    while True:
        cluster = Cluster(
            list(endpoint.contact_points),
            port=endpoint.port,
            protocol_version=4,
            auth_provider=PlainTextAuthProvider("cassandra", "cassandra"),
            execution_profiles={
                EXEC_PROFILE_DEFAULT: ExecutionProfile(
                    load_balancing_policy=RoundRobinPolicy(), row_factory=dict_factory, request_timeout=30
                )
            },
        )
        try:
            cluster.connect()
        except NoHostAvailable:
            cluster.shutdown()
            time.sleep(0.2)
        else:
            return cluster


def serve(folder: Path, settings: dict[str, Any]) -> Iterator[Server]:
    """Run a server with these settings, a role `loader`, and the keyspace."""
    logins = {"authenticator": "PasswordAuthenticator", "authorizer": "CassandraAuthorizer"}
    endpoint = embedded.start(
        embedded.ClusterSpec(folder=folder, heap="512M", overrides={**logins, **settings})
    )
    try:
        cluster = superuser(endpoint)
        cql = cluster.connect()
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        cql.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {replication}")
        cql.execute(f"CREATE ROLE loader WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
        cql.execute("GRANT ALL ON ALL KEYSPACES TO loader")
        cql.execute(
            f"CREATE TABLE {KEYSPACE}.load_marker (table_name text, day date, source text, table_id uuid, "
            "input_sha256 text, rows bigint, finished_at timestamp, PRIMARY KEY ((table_name, day), source))"
        )
        yield Server(endpoint, cql)
        cluster.shutdown()
    finally:
        embedded.stop(folder)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with guardrails that do not disturb one another."""
    yield from serve(tmp_path_factory.mktemp("guarded"), GUARDRAILS)


@pytest.fixture
def loads(guarded: Server, tmp_path: Path) -> RoleLoads:
    """Return what loads files as the ordinary role."""
    password_file = tmp_path / "password"
    password_file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return RoleLoads(tmp_path, guarded.endpoint, guarded.cql, password_file)
