"""Guardrails on what an ordinary role writes or defines: each is reported, nothing is left behind."""

import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cluster.jobs import DescribeTable
from pipeline.cluster.refusals import RefusalKind
from pipeline.errors import RequestError, SettingRefusedError, VerificationError
from pipeline.settings import KeyspaceConfig
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import LOADED_ON, USERS, planned
from tests.harness.roles import FEW, KEYSPACE, SUPERUSER, RoleLoads, Server, serve

pytestmark = pytest.mark.server

STRICT = {
    # From the start the server's data exceeds 1 % of 1 MiB.
    "data_disk_usage_percentage_fail_threshold": 1,
    "data_disk_usage_max_disk_size": "1MiB",
    "user_timestamps_enabled": False,
    "in_select_cartesian_product_fail_threshold": 5,
    "page_size_fail_threshold": 1000,
    "keyspaces_fail_threshold": 2,
    "maximum_replication_factor_fail_threshold": 4,
    "columns_per_table_fail_threshold": 2,
    "alter_table_enabled": False,
    "drop_truncate_table_enabled": False,
    "drop_keyspace_enabled": False,
    "allow_filtering_enabled": False,
    "group_by_enabled": False,
    "uncompressed_tables_enabled": False,
    "compact_tables_enabled": False,
    "zero_ttl_on_twcs_enabled": False,
    "table_properties_disallowed": ["comment"],
    "fields_per_udt_fail_threshold": 2,
    "vector_dimensions_fail_threshold": 3,
    "secondary_indexes_per_table_fail_threshold": 1,
    "non_partition_restricted_index_query_enabled": False,
    "materialized_views_enabled": True,
    "materialized_views_per_table_fail_threshold": 1,
    # Rows may expire until 2106.
    "storage_compatibility_mode": "NONE",
}

EARLIER_MARKER = "table_name text, date date, source text, PRIMARY KEY (table_name, date, source)"
USERS_COLUMNS = "user_id uuid PRIMARY KEY, first_name text, last_name text"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server whose guardrails forbid almost everything to an ordinary role."""
    yield from serve(tmp_path_factory.mktemp("strict"), STRICT)


@pytest.fixture
def loads(strict: Server, tmp_path: Path) -> RoleLoads:
    """Return the loads of an ordinary role."""
    return RoleLoads(tmp_path, strict)


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_a_full_disk_is_no_bad_row(loads: RoleLoads, method: str) -> None:
    """While the nodes' disks are too full, rows are retried for a time; then the message says what to do."""
    table = loads.plain_table(f"full_{method}")
    file = loads.write("rows.csv", "k,v", FEW)
    load = loads.job(table, [file], max_bad_rows="100%", retry_budget_s=1, method=method)
    loads.leaves(load, RequestError, "replica_disk_usage violated.*give the nodes more disk")
    assert not (loads.folder / "bad").exists()


def test_timestamps_that_are_not_allowed_are_no_bad_row(loads: RoleLoads) -> None:
    """Where write timestamps are forbidden, method create fails and the message names methods that work."""
    loads.create_users()
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.UUID(int=1), "Ada", "Lovelace")])
    load = loads.job("user", [file], dataset=USERS, max_bad_rows="100%", method="create")
    loads.leaves(load, SettingRefusedError, "user_timestamps violated.*use method batch or prepared")


def test_limits_of_requests_for_rows(loads: RoleLoads) -> None:
    """Where requests for several rows are refused, rows are read one by one, and pages are smaller."""
    table = loads.plain_table("limited")
    loads.connect_as(*SUPERUSER)
    file = loads.write("rows.csv", "k,v", FEW)
    loads.run(loads.job(table, [file], ttl_s=630_720_000))
    assert all(630_000_000 < row["ttl"] <= 630_720_000 for row in loads.rows(table, "TTL(v) AS ttl"))
    loads.execute(f"INSERT INTO {KEYSPACE}.{table} (k, v) VALUES (7, 'other')")
    loads.connect_as_ordinary()
    load = loads.job(table, [file])
    for exact in (False, True):
        with pytest.raises(VerificationError, match=r"1 of 20 rows differ: k='7'"):
            run_job(VerifyFiles(plan=planned(load), exact=exact))


def test_markers_of_many_days_are_found(loads: RoleLoads) -> None:
    """The markers of a range of days are found although the server limits the values of an IN."""
    table = loads.plain_table("many_days")
    loads.connect_as(*SUPERUSER)
    loads.run(loads.job(table, [loads.write("rows.csv", "k,v", FEW)]))
    loads.connect_as_ordinary()
    days = tuple(LOADED_ON + dt.timedelta(days=day) for day in range(-10, 11))
    for dates, found in ((days, [LOADED_ON]), ((days[0], days[-1]), []), ((), [])):
        keyspace = KeyspaceConfig(name=KEYSPACE)
        job = DescribeTable(cluster=loads.cluster, keyspace=keyspace, table=table, dates=dates)
        assert [marker.date for marker in run_job(job).markers] == found


def test_setting_up_is_told_what_stands_in_its_way(loads: RoleLoads) -> None:
    """A refused CREATE is reported with the server's setting, and with ours, that changes it."""
    with pytest.raises(SettingRefusedError, match=r"maximum_replication_factor .*lower replication_factor"):
        loads.set_up("t_refusals_five", replication_factor=5)
    loads.execute(f"DROP TABLE IF EXISTS {KEYSPACE}.user")
    with pytest.raises(SettingRefusedError, match=r"columns_per_table_fail_threshold.*manage_schema = false"):
        loads.set_up(KEYSPACE)
    simple = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    loads.execute(f"CREATE KEYSPACE t_refusals_two WITH replication = {simple}")
    loads.execute(f"CREATE TABLE t_refusals_two.load_marker ({EARLIER_MARKER})")
    loads.execute(f"CREATE TABLE t_refusals_two.user ({USERS_COLUMNS})")
    try:
        with pytest.raises(SettingRefusedError, match=r"keyspaces_fail_threshold: .*manage_schema = false"):
            loads.set_up("t_refusals_three")
        assert not loads.keyspaces() & {"t_refusals_three", "t_refusals_five"}
        with pytest.raises(SettingRefusedError, match=r"alter_table_enabled: .*manage_schema = false"):
            loads.set_up("t_refusals_two")
    finally:
        loads.execute("DROP KEYSPACE t_refusals_two")


def test_no_scratch_table_stays_where_tables_may_not_be_dropped(loads: RoleLoads) -> None:
    """Where a scratch table could not be dropped, none is created; the message says what to do."""
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.UUID(int=1), "Ada", "L")])
    with pytest.raises(SettingRefusedError, match=r"drop_truncate_table_enabled.*on another cluster"):
        loads.sweep(file)
    assert not [name for name in loads.tables() if "timing" in name]


def test_who_may_create_a_table_may_time_on_one(loads: RoleLoads) -> None:
    """The right to drop is not required before a scratch table is created."""
    loads.execute("CREATE ROLE IF NOT EXISTS creator WITH PASSWORD = 'creator' AND LOGIN = true")
    loads.execute(f"GRANT CREATE ON KEYSPACE {KEYSPACE} TO creator")
    loads.connect_as("creator", "creator")
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.UUID(int=1), "Ada", "L")])
    with pytest.raises(SettingRefusedError, match=r"cannot create table .*columns_per_table violated"):
        loads.sweep(file)


VIEW = (
    "CREATE MATERIALIZED VIEW {0} AS SELECT k, v FROM {1} "
    "WHERE k IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, k)"
)
STATEMENTS = [
    ("drop_keyspace_enabled", "DROP KEYSPACE {1}"),
    ("drop_truncate_table_enabled", "TRUNCATE {0}"),
    ("alter_table", "ALTER TABLE {0} ADD w int"),
    ("allow_filtering", "SELECT * FROM {0} WHERE u = 'a' ALLOW FILTERING"),
    ("group_by", "SELECT k FROM {0} GROUP BY k"),
    (
        "uncompressed_tables_enabled",
        "CREATE TABLE {0}2 (k int PRIMARY KEY) WITH compression = {{'enabled': false}}",
    ),
    ("compact_tables", "CREATE TABLE {0}2 (k int PRIMARY KEY, v int) WITH COMPACT STORAGE"),
    (
        "zero_ttl_on_twcs",
        "CREATE TABLE {0}2 (k int PRIMARY KEY) WITH compaction = {{'class': 'TimeWindowCompactionStrategy'}}",
    ),
    ("table_properties", "CREATE TABLE {0}2 (k int PRIMARY KEY) WITH comment = 'a'"),
    ("fields_per_udt", "CREATE TYPE {0}2 (a int, b int, c int)"),
    ("vector_dimensions", "CREATE TABLE {0}2 (k int PRIMARY KEY, v vector<float, 4>)"),
    ("secondary_indexes_per_table", "CREATE INDEX ON {0} (u)"),
    ("non_partition_restricted_index_query_enabled", "SELECT * FROM {0} WHERE v = 'a'"),
    ("materialized_views_per_table", VIEW.format("{0}2", "{0}")),
]


@pytest.fixture(scope="module")
def indexed(strict: Server) -> str:
    """Return a table with the maximum number of indexes and views."""
    name = f"{KEYSPACE}.indexed"
    strict.cql.execute(f"CREATE TABLE {name} (k int PRIMARY KEY, v text, u text)")
    strict.cql.execute(f"CREATE INDEX ON {name} (v) USING 'sai'")
    strict.cql.execute(VIEW.format(f"{name}_view", name))
    return name


@pytest.mark.parametrize(("guardrail", "statement"), STATEMENTS)
def test_a_guardrail_on_what_others_do_is_a_setting(
    loads: RoleLoads, indexed: str, guardrail: str, statement: str
) -> None:
    """Each guardrail of the server is recognised by its name, as a refusal by a setting."""
    decision = loads.decision_on(statement.format(indexed, KEYSPACE))
    assert (decision.kind, decision.says) == (RefusalKind.SETTING, f"Guardrail {guardrail} violated")
