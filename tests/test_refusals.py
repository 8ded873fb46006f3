import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.cqlengine import management
from cassandra.policies import RoundRobinPolicy
from cassandra.protocol import error_classes
from cassandra.query import dict_factory

from pipeline import embedded, jobs
from pipeline.config import ClusterConfig, KeyspaceConfig
from pipeline.errors import BadRowsError, RequestError, SettingRefusedError
from pipeline.keyspace import bind_model
from pipeline.marker import LoadMarker
from pipeline.processes import run_job
from pipeline.refusals import DECISIONS
from tests.conftest import PROJECT
from tests.loads import USERS, Loads

KEYSPACE = "t_refusals"
PASSWORD = uuid.uuid4().hex
GUARDRAILS = {
    "column_value_size_fail_threshold": "1KiB",
    "collection_size_fail_threshold": "512B",
    "items_per_collection_fail_threshold": 10,
    "write_consistency_levels_disallowed": ["EACH_QUORUM"],
    "read_consistency_levels_disallowed": ["TWO"],
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
        marker = management._get_create_table(bind_model(LoadMarker, KEYSPACE))  # noqa: SLF001 - as ours
        cql.execute(marker)
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


def table_of_decisions() -> str:
    """Return the table that the document must have."""
    lines = ["| code | the message has | kind | what helps |", "| --- | --- | --- | --- |"]
    for each in DECISIONS:
        says = f"`{each.says}`" if each.says else "anything else" if each.code == 0x2200 else ""
        lines.append(f"| 0x{each.code:04X} | {says} | {each.kind} | {each.advice} |")
    return "\n".join(lines)


def test_the_document_has_the_table_of_decisions() -> None:
    """docs/refusals.md says of each refusal what the program decides."""
    assert table_of_decisions() in (PROJECT / "docs" / "refusals.md").read_text(encoding="utf-8")


def test_each_error_of_the_protocol_is_decided() -> None:
    """Every code that the driver knows has a decision, whatever the message."""
    assert set(error_classes) <= {each.code for each in DECISIONS if not each.says}


FEW = [(at, f"v{at}") for at in range(20)]


def plain(loads: RoleLoads, name: str, more: str = "") -> str:
    """Return a table of two columns, made anew."""
    loads.create(name, f"k int PRIMARY KEY, v text{more}")
    return name


@pytest.mark.parametrize(
    ("name", "column", "wrong", "helps"),
    [
        ("value", "text", "x" * 2000, "column_value_size_fail_threshold"),
        ("items", "list<int>", str(list(range(20))), "items_per_collection_fail_threshold"),
        ("sized", "list<text>", f'["{"y" * 900}"]', "collection_size_fail_threshold"),
    ],
)
def test_a_guardrail_on_values_makes_a_bad_row(
    loads: RoleLoads, name: str, column: str, wrong: str, helps: str
) -> None:
    """A row whose value is over a guardrail is a bad row that names it; its neighbours are loaded."""
    loads.create(name, f"k int PRIMARY KEY, v {column}")
    good = "[1]" if column == "list<int>" else '["a"]' if column == "list<text>" else "a"
    file = loads.write("rows.csv", "k,v", [(1, good), (2, wrong), (3, good)])
    done = loads.run(loads.job(name, [file], max_bad_rows="1"))
    assert (done["acknowledged"], done["bad"]) == (2, 1)
    assert helps in (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("way", ["batch", "prepared", "create"])
def test_a_time_to_live_beyond_the_servers_end_of_time_is_no_bad_row(loads: RoleLoads, way: str) -> None:
    """A ttl_s that ends after 2038 stops the load and is named, however many bad rows it may have."""
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.UUID(int=1), "Ada", "Lovelace")])
    loads.create_users()
    load = loads.job("user", [file], dataset=USERS, max_bad_rows="100%", ttl_s=630_720_000, way=way)
    loads.leaves(load, SettingRefusedError, "exceeds maximum supported expiration date.*lower ttl_s")
    assert not loads.rows("user")
    assert list((loads.folder / "checkpoints").glob("*.journal"))


def test_a_default_time_to_live_beyond_it_is_named(loads: RoleLoads) -> None:
    """Where it is the table's own time to live, that is what is named."""
    table = plain(loads, "forever")
    loads.cql.execute(f"ALTER TABLE {KEYSPACE}.{table} WITH default_time_to_live = 630720000")
    load = loads.job(table, [loads.write("rows.csv", "k,v", FEW)], max_bad_rows="100%")
    loads.leaves(load, SettingRefusedError, "default ttl of .*default_time_to_live of the table")


@pytest.mark.parametrize(
    ("level", "helps"),
    [
        ("EACH_QUORUM", "Guardrail write_consistency_levels violated.*change consistency_level"),
        ("TWO", "Guardrail read_consistency_levels violated.*change consistency_level"),
    ],
)
def test_a_consistency_level_that_is_refused_is_no_bad_row(loads: RoleLoads, level: str, helps: str) -> None:
    """A consistency level that the server refuses stops the load and is named; a way without it loads all."""
    table = plain(loads, f"level_{level.lower()}")
    file = loads.write("rows.csv", "k,v", FEW)
    journal = loads.begin(loads.job(table, [file]))["journal"]
    loads.at(level)
    load = loads.job(table, [file], max_bad_rows="100%")
    with pytest.raises(SettingRefusedError, match=helps):
        loads.send(load, journal)
    assert Path(journal).exists()
    loads.at("ONE")
    assert loads.run(loads.job(table, [file]))["acknowledged"] == 20


@pytest.mark.parametrize(
    ("timestamp_us", "helps"),
    [
        (1, "minimum_timestamp violated.*raise timestamp_us"),
        (1 << 52, "maximum_timestamp violated.*lower ti"),
    ],
)
def test_a_timestamp_that_is_refused_is_no_bad_row(loads: RoleLoads, timestamp_us: int, helps: str) -> None:
    """A write timestamp outside the server's guardrails stops way create, and timestamp_us is named."""
    loads.create_users()
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.UUID(int=1), "Ada", "Lovelace")])
    load = loads.job(
        "user", [file], dataset=USERS, max_bad_rows="100%", timestamp_us=timestamp_us, way="create"
    )
    loads.leaves(load, SettingRefusedError, helps)


@pytest.mark.parametrize("way", ["batch", "prepared"])
def test_a_full_cdc_space_is_no_bad_row(loads: RoleLoads, way: str) -> None:
    """Where the space for change data is full, rows are tried again in time; then it says what to do."""
    table = plain(loads, f"cdc_{way}")
    loads.cql.execute(f"ALTER TABLE {KEYSPACE}.{table} WITH cdc = true")
    load = loads.job(
        table,
        [loads.write("rows.csv", "k,v", FEW)],
        max_bad_rows="100%",
        retry_budget_s=1,
        way=way,
    )
    loads.leaves(load, RequestError, "cdc_raw, raise cdc_total_space")
    assert list((loads.folder / "checkpoints").glob("*.journal"))


def test_guardrails_on_definitions_are_settings(loads: RoleLoads) -> None:
    """What a role may not create or drop is told with the setting of the server that forbids it."""
    with pytest.raises(SettingRefusedError, match=r"Guardrail simplestrategy violated.*name a datacentre"):
        loads.set_up("t_refusals_other")
    loads.cql.execute(f"DROP TABLE IF EXISTS {KEYSPACE}.user")
    with pytest.raises(SettingRefusedError, match=r"Guardrail tables violated.*tables_fail_threshold"):
        loads.set_up(KEYSPACE)
    loads.create_users()
    with pytest.raises(SettingRefusedError, match=r"drop_truncate_table_enabled violated.*leave --drop out"):
        loads.set_up(KEYSPACE, drop=True)


def test_a_server_that_takes_no_row_ends_the_load(loads: RoleLoads) -> None:
    """Where each of the first 1,000 rows is refused alike, that ends the load, and none counts as settled."""
    table = plain(loads, "none_taken")
    file = loads.write("rows.csv", "k,v", [(at, f"{at}{'x' * 2000}") for at in range(3000)])
    load = loads.job(table, [file], max_bad_rows="100%")
    loads.leaves(load, RequestError, "refused each of the first 1000 rows and took none: .*column_value_size")
    [journal] = (loads.folder / "checkpoints").glob("*.journal")
    assert '"chunk"' not in journal.read_text(encoding="ascii")


def test_a_load_of_which_no_row_is_taken_is_not_finished(loads: RoleLoads) -> None:
    """Fewer rows, all refused by the server, are no finished load; the next run sends them again."""
    table = plain(loads, "few_taken")
    file = loads.write("rows.csv", "k,v", [(at, "x" * 2000) for at in range(3)])
    load = loads.job(table, [file], max_bad_rows="100%")
    message = (
        "none of 3 rows was loaded.*the server refused all 3 rows that were sent.*rows.csv:2: .*column_val"
    )
    loads.leaves(load, BadRowsError, message)
    loads.leaves(load, BadRowsError, message)
    assert "column_value_size" in (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")


def test_a_load_without_a_whole_row_is_not_finished(loads: RoleLoads) -> None:
    """Rows that our own parser refuses are bad rows, however many; where all are, none is marked."""
    table = plain(loads, "none_whole")
    file = loads.write("rows.csv", "k,v", [(f"x{at}", "v") for at in range(1500)])
    load = loads.job(table, [file], max_bad_rows="100%")
    loads.leaves(
        load, BadRowsError, "none of 1500 rows was loaded.*no row is whole.*rows.csv:2: column k: 'x0'"
    )
    faults = (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")
    assert len(faults.splitlines()) == 1501
    last = loads.write("more.csv", "k,v", [*((f"x{at}", "v") for at in range(1500)), (1, "v")])
    assert loads.run(loads.job(table, [last], max_bad_rows="100%"))["acknowledged"] == 1


def test_rows_refused_before_one_is_taken_are_bad_rows(loads: RoleLoads) -> None:
    """Of a few refused rows and one that is taken, in shares of their own, only the refused are bad."""
    table = plain(loads, "some_taken")
    file = loads.write("rows.csv", "k,v", [*((at, "x" * 2000) for at in range(900)), (901, "v")])
    done = loads.run(loads.job(table, [file], max_bad_rows="100%"), shares=2)
    assert (done["acknowledged"], done["bad"]) == (1, 900)
