"""A refusal of the server is a bad row only if the row is the cause. The server has guardrails turned on."""

import dataclasses
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra import WriteFailure

from pipeline.cluster.refusals import RefusalKind
from pipeline.cluster.table import find_table_of, has_cdc
from pipeline.errors import BadRowsError, RequestError, SettingRefusedError, VerificationError
from pipeline.load.refusing import Refusing
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import USERS, planned
from tests.harness.roles import FEW, KEYSPACE, SUPERUSER, RoleLoads, Server, serve

pytestmark = pytest.mark.server

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
    "sai_string_term_size_warn_threshold": "32B",
    "sai_string_term_size_fail_threshold": "64B",
    "sai_frozen_term_size_warn_threshold": "32B",
    "sai_frozen_term_size_fail_threshold": "64B",
    "sai_vector_term_size_warn_threshold": "8B",
    "sai_vector_term_size_fail_threshold": "16B",
    "partition_keys_in_select_fail_threshold": 5,
    "vector_type_enabled": False,
    "secondary_indexes_enabled": False,
    "read_before_write_list_operations_enabled": False,
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with guardrails that do not affect each other."""
    yield from serve(tmp_path_factory.mktemp("guarded"), GUARDRAILS)


@pytest.fixture
def loads(guarded: Server, tmp_path: Path) -> RoleLoads:
    """Return the loads of an ordinary role."""
    return RoleLoads(tmp_path, guarded)


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
    """A row whose value exceeds a guardrail is a bad row that names it; its neighbours are loaded."""
    loads.create(name, f"k int PRIMARY KEY, v {column}")
    good = "[1]" if column == "list<int>" else '["a"]' if column == "list<text>" else "a"
    file = loads.write("rows.csv", "k,v", [(1, good), (2, wrong), (3, good)])
    done = loads.run(loads.job(name, [file], max_bad_rows="1"))
    assert (done.acknowledged, done.bad) == (2, 1)
    assert helps in (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")


def test_a_write_consistency_level_that_is_refused_is_no_bad_row(loads: RoleLoads) -> None:
    """A level that the server refuses for writes ends the load and is named; with another all rows load."""
    table = loads.plain_table("level_of_writes")
    file = loads.write("rows.csv", "k,v", FEW)
    journal = loads.begin(loads.job(table, [file])).journal
    loads.at("EACH_QUORUM")
    load = loads.job(table, [file], max_bad_rows="100%")
    helps = "Guardrail write_consistency_levels violated.*change consistency_level"
    with pytest.raises(SettingRefusedError, match=helps):
        loads.send(load, journal)
    assert Path(journal).exists()
    loads.at("ONE")
    assert loads.run(loads.job(table, [file])).acknowledged == 20


def test_a_read_consistency_level_that_is_refused_ends_the_verification(loads: RoleLoads) -> None:
    """A level that the server refuses for reads is named when rows are read; system tables have their own."""
    table = loads.plain_table("level_of_reads")
    file = loads.write("rows.csv", "k,v", FEW)
    loads.at("ONE")
    assert loads.run(loads.job(table, [file])).acknowledged == 20
    loads.at("TWO")
    plan = planned(loads.job(table, [file]))
    helps = "Guardrail read_consistency_levels violated.*change consistency_level"
    with pytest.raises(SettingRefusedError, match=helps):
        run_job(VerifyFiles(plan=plan, exact=False))


@pytest.mark.parametrize(
    ("timestamp_us", "helps"),
    [
        (1, "minimum_timestamp violated.*raise timestamp_us"),
        (1 << 52, "maximum_timestamp violated.*lower ti"),
    ],
)
def test_a_timestamp_that_is_refused_is_no_bad_row(loads: RoleLoads, timestamp_us: int, helps: str) -> None:
    """A write timestamp outside the server's guardrails ends method create, and timestamp_us is named."""
    loads.create_users()
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.UUID(int=1), "Ada", "Lovelace")])
    load = loads.job(
        "user", [file], dataset=USERS, max_bad_rows="100%", timestamp_us=timestamp_us, method="create"
    )
    loads.leaves(load, SettingRefusedError, helps)


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_a_full_cdc_space_is_no_bad_row(loads: RoleLoads, method: str) -> None:
    """While the space for change data is full, rows are retried for a time; then it says what to do."""
    table = loads.plain_table(f"cdc_{method}")
    loads.cql.execute(f"ALTER TABLE {KEYSPACE}.{table} WITH cdc = true")
    load = loads.job(
        table,
        [loads.write("rows.csv", "k,v", FEW)],
        max_bad_rows="100%",
        retry_budget_s=1,
        method=method,
    )
    loads.leaves(load, RequestError, "cdc_raw, raise cdc_total_space")
    assert list((loads.folder / "checkpoints").glob("*.journal"))


@pytest.mark.parametrize(
    ("name", "column", "index", "wrong"),
    [
        ("term", "text", "v", "x" * 100),
        ("frozen", "frozen<list<text>>", "FULL(v)", f'["{"y" * 100}"]'),
    ],
)
def test_a_guardrail_on_indexed_values_makes_a_bad_row(
    loads: RoleLoads, name: str, column: str, index: str, wrong: str
) -> None:
    """A row whose value is too large for an index is a bad row that names the guardrail."""
    loads.create(name, f"k int PRIMARY KEY, v {column}")
    loads.execute(f"CREATE INDEX ON {KEYSPACE}.{name} ({index}) USING 'sai'")
    good = '["a"]' if "list" in column else "a"
    done = loads.run(
        loads.job(name, [loads.write("rows.csv", "k,v", [(1, good), (2, wrong)])], max_bad_rows="1")
    )
    assert (done.acknowledged, done.bad) == (1, 1)
    assert "term_size_fail_threshold" in (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")


def test_an_index_that_takes_no_vector_ends_the_load(loads: RoleLoads) -> None:
    """All vectors of a column have one size: if its index refuses the size, no row is the cause."""
    table = loads.create("vectors", "k int PRIMARY KEY, v vector<float, 8>")
    loads.execute(f"CREATE INDEX ON {KEYSPACE}.{table} (v) USING 'sai'")
    file = loads.write("rows.csv", "k,v", [(1, "[1, 2, 3, 4, 5, 6, 7, 8]")])
    load = loads.job(table, [file], max_bad_rows="100%")
    loads.leaves(load, SettingRefusedError, "raise sai_vector_term_size_fail_threshold")


def test_a_verification_reads_fewer_keys_where_the_server_has_a_limit(loads: RoleLoads) -> None:
    """Where the server refuses to read several keys at once, rows are read one by one."""
    table = loads.plain_table("few_keys")
    load = loads.job(table, [loads.write("rows.csv", "k,v", FEW)])
    loads.run(load)
    loads.execute(f"INSERT INTO {KEYSPACE}.{table} (k, v) VALUES (7, 'other')")
    with pytest.raises(VerificationError, match=r"1 of 20 rows differ: k='7'"):
        run_job(VerifyFiles(plan=planned(load), exact=False))


@pytest.mark.parametrize(
    ("guardrail", "statement"),
    [
        ("vector_type_enabled", "ALTER TABLE {0} ADD w vector<float, 2>"),
        ("secondary_indexes", "CREATE INDEX ON {0} (v)"),
        ("read_before_write_list_operations", "UPDATE {0} SET l[0] = 1 WHERE k = 1"),
    ],
)
def test_guardrails_that_no_load_meets_are_settings(loads: RoleLoads, guardrail: str, statement: str) -> None:
    """A guardrail that no load meets is recognised by its name, as a refusal by a setting."""
    table = loads.plain_table("others_do", ", l list<int>")
    decision = loads.decision_on(statement.format(f"{KEYSPACE}.{table}"))
    assert (decision.kind, decision.says) == (RefusalKind.SETTING, f"Guardrail {guardrail} violated")


def test_whether_a_table_has_cdc_is_asked_anew(loads: RoleLoads) -> None:
    """After an ALTER, a replica's failure is judged by the table's current schema."""
    table = find_table_of(loads.cql, KEYSPACE, loads.plain_table("cdc_later"))
    refusing = Refusing(
        what="cannot load",
        settle=lambda _: None,
        acknowledged=1,
        ask_others=lambda: 1,
        has_cdc=lambda: has_cdc(loads.cql, table),
    )
    failure = WriteFailure("Replica(s) failed to execute write")
    refusing.refused(failure)
    loads.cql.execute(f"ALTER TABLE {table} WITH cdc = true")
    with pytest.raises(RequestError, match="cdc_raw, raise cdc_total_space"):
        refusing.refused(failure)


def test_guardrails_on_definitions_are_settings(loads: RoleLoads) -> None:
    """A refused CREATE or DROP is reported with the setting of the server that forbids it."""
    with pytest.raises(SettingRefusedError, match=r"Guardrail simplestrategy violated.*name a datacentre"):
        loads.set_up("t_refusals_other")
    loads.cql.execute(f"DROP TABLE IF EXISTS {KEYSPACE}.user")
    with pytest.raises(SettingRefusedError, match=r"Guardrail tables violated.*tables_fail_threshold"):
        loads.set_up(KEYSPACE)
    loads.create_users()
    with pytest.raises(SettingRefusedError, match=r"drop_truncate_table_enabled violated.*leave --drop out"):
        loads.set_up(KEYSPACE, drop=True)


def test_a_server_that_takes_no_row_ends_the_load(loads: RoleLoads) -> None:
    """If each of the first 1,000 rows is refused alike, the load ends; the next run sends them again."""
    table = loads.plain_table("none_taken")
    rows = [("x", "v"), *((at, f"{at}{'x' * 2000}") for at in range(3000))]
    load = loads.job(table, [loads.write("rows.csv", "k,v", rows)], max_bad_rows="100%")
    loads.leaves(load, RequestError, "refused each of the first 1000 rows and took none: .*column_value_size")
    [journal] = (loads.folder / "checkpoints").glob("*.journal")
    assert '"split"' not in journal.read_text(encoding="ascii")
    loads.connect_as(*SUPERUSER)
    done = loads.run(dataclasses.replace(load, cluster=loads.cluster))
    assert (done.read, done.acknowledged, done.bad) == (3001, 3000, 1)


def test_two_processes_that_are_refused_all_do_not_finish(loads: RoleLoads) -> None:
    """If no process sees 1,000 refused rows, the load is still not finished; the next run begins again."""
    table = loads.plain_table("two_refused")
    file = loads.write("rows.csv", "k,v", [(at, "x" * 9000) for at in range(1100)])
    load = loads.job(table, [file], max_bad_rows="100%")
    loads.leaves(load, BadRowsError, "the server refused all 1100 rows that were sent", worker_count=2)
    loads.send(load, loads.begin(load).journal, worker_count=2)
    assert loads.begin(load).rows == 0, "as after a kill before the end"


@pytest.mark.parametrize("method", ["batch", "prepared", "create"])
def test_a_load_of_which_no_row_is_taken_is_not_finished(loads: RoleLoads, method: str) -> None:
    """A load of fewer rows, all refused by the server, is not finished; the next run sends them again."""
    loads.create_users()
    rows = [(uuid.UUID(int=at), "Ada", "x" * 2000) for at in range(3)]
    file = loads.write("rows.csv", "user_id,first_name,last_name", rows)
    load = loads.job("user", [file], dataset=USERS, max_bad_rows="100%", method=method)
    message = (
        "none of 3 rows was loaded.*the server refused all 3 rows that were sent.*rows.csv:2: .*column_val"
    )
    loads.leaves(load, BadRowsError, message)
    assert loads.begin(load).rows == 0
    assert "column_value_size" in (loads.folder / "bad" / "bad_rows.csv").read_text(encoding="utf-8")


def test_rejected_rows_that_are_refused_again_are_not_finished(loads: RoleLoads) -> None:
    """A rejected.csv that is loaded unchanged fails as its first load did, and keeps its rows."""
    table = loads.plain_table("again")
    loads.run(loads.job(table, [loads.write("rows.csv", "k,v", [*FEW, (20, "x" * 2000)])], max_bad_rows="1"))
    rejected = (loads.folder / "bad" / "rejected.csv").rename(loads.folder / "again.csv")
    loads.execute(f"TRUNCATE {KEYSPACE}.load_marker")
    loads.leaves(loads.job(table, [rejected], max_bad_rows="100%"), BadRowsError, "none of 1 rows was loaded")
    assert (loads.folder / "bad" / "rejected.csv").read_bytes() == rejected.read_bytes()


def test_a_refused_load_names_the_servers_reason(loads: RoleLoads) -> None:
    """If a load was refused, the message names the server's reason, although other rows are malformed too."""
    table = loads.plain_table("mixed")
    file = loads.write("rows.csv", "k,v", [("x", "v"), (1, "x" * 2000), (2, "y" * 2000)])
    message = (
        "none of 3 rows.*refused all 2 rows that were sent; the first: [^;]*rows.csv:3: .*column_value_size"
    )
    loads.leaves(loads.job(table, [file], max_bad_rows="100%"), BadRowsError, message)


def test_a_refused_load_may_have_the_same_timestamps_again(loads: RoleLoads) -> None:
    """Nothing of a refused list was written, so its timestamp can be given again."""
    table = loads.create("lists", "k int PRIMARY KEY, v list<int>")
    file = loads.write("rows.csv", "k,v", [(1, str(list(range(20))))])
    load = loads.job(table, [file], max_bad_rows="100%", timestamp_us=time.time_ns() // 1000)
    for _ in range(2):
        loads.leaves(load, BadRowsError, "the server refused all 1 rows.*items_per_collection")


def test_rows_refused_before_one_is_taken_are_bad_rows(loads: RoleLoads) -> None:
    """If one row is accepted and others are refused, in shards of their own, only the refused are bad."""
    table = loads.plain_table("some_taken")
    file = loads.write("rows.csv", "k,v", [*((at, "x" * 2000) for at in range(900)), (901, "v")])
    done = loads.run(loads.job(table, [file], max_bad_rows="100%"), worker_count=2)
    assert (done.acknowledged, done.bad) == (1, 900)
