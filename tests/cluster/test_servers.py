"""Servers that are set up in another way than Cassandra's own: each loads, or says what stands in the way."""

import dataclasses
import os
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline import embedded
from pipeline.cluster.jobs import MeasureRoundTrip, SetUpTable
from pipeline.embedded.cluster import loopback_addresses
from pipeline.embedded.machine import accepts, free_port
from pipeline.errors import (
    AccessError,
    EmbeddedError,
    RequestError,
    SchemaError,
    UnreachableError,
    VerificationError,
)
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import USERS, Loads, loads_into, planned
from tests.harness.roles import FEW, KEYSPACE, PASSWORD, RoleLoads, Server, serve
from tests.harness.sessions import connected
from tests.harness.workspace import until

pytestmark = pytest.mark.server

ROWS = [(at, f"v{at}") for at in range(600)]


@contextmanager
def running(folder: Path, **overrides: Any) -> Iterator[embedded.Endpoint]:  # noqa: ANN401 - cassandra.yaml has many types
    """Run a server with these settings."""
    try:
        yield embedded.start(embedded.ClusterSpec(folder=folder / "server", heap="512M", overrides=overrides))
    finally:
        embedded.stop(folder / "server")


@contextmanager
def loads_on(endpoint: embedded.Endpoint, folder: Path) -> Iterator[Loads]:
    """Yield loads into a keyspace of a server of this test's own."""
    with connected(endpoint) as session, loads_into("t_servers", folder, endpoint, session) as loads:
        yield loads


@pytest.mark.parametrize("partitioner", ["RandomPartitioner", "ByteOrderedPartitioner"])
def test_other_partitioners(tmp_path: Path, partitioner: str) -> None:
    """On a cluster with another partitioner rows are loaded, and differences are found by key."""
    with (
        running(
            tmp_path,
            partitioner=f"org.apache.cassandra.dht.{partitioner}",
            allocate_tokens_for_local_replication_factor=None,
        ) as endpoint,
        loads_on(endpoint, tmp_path) as loads,
    ):
        table = loads.create("rows", "k int PRIMARY KEY, v text")
        load = loads.job(table, [loads.write("rows.csv", "k,v", ROWS)])
        assert loads.run(load).acknowledged == len(ROWS)
        for exact in (False, True):
            assert run_job(VerifyFiles(plan=planned(load), exact=exact)).present == len(ROWS)
        loads.execute("INSERT INTO t_servers.rows (k, v) VALUES (700, 'more')")
        assert run_job(VerifyFiles(plan=planned(load), exact=False)).present == len(ROWS)
        with pytest.raises(VerificationError, match="k='700': in the table, in no file"):
            run_job(VerifyFiles(plan=planned(load), exact=True))
        loads.execute("UPDATE t_servers.rows SET v = 'other' WHERE k = 7")
        with pytest.raises(VerificationError, match="1 of 600 rows differ: k='7': v is 'other'"):
            run_job(VerifyFiles(plan=planned(load), exact=False))


def test_back_pressure_slows_a_load(tmp_path: Path) -> None:
    """A server that is limited to 200 requests a second gets few at a time, and all rows."""
    with (
        running(
            tmp_path,
            native_transport_rate_limiting_enabled=True,
            native_transport_max_requests_per_second=200,
        ) as endpoint,
        loads_on(endpoint, tmp_path) as loads,
    ):
        table = loads.create("rows", "k int PRIMARY KEY, v text")
        load = loads.job(table, [loads.write("rows.csv", "k,v", ROWS)], method="prepared", pool_size=100)
        [shard] = loads.run(load).shards
        assert (shard.rows, len(loads.rows(table))) == (len(ROWS), len(ROWS))
        assert "triggered backpressure" in shard.warning
        assert max(shard.limits.values()) <= 10


def test_a_server_of_protocol_5_alone_is_named(tmp_path: Path) -> None:
    """A server that takes only version 5 of the protocol is refused with the setting that helps."""
    [address] = loopback_addresses(1)
    port = free_port([address])
    spec = embedded.ClusterSpec(
        folder=tmp_path / "server",
        port=port,
        heap="512M",
        overrides={"native_transport_allow_older_protocols": False},
    )
    with ThreadPoolExecutor() as threads:
        # It never ends by itself, because the embedded server's start asks by version 4 too.
        started = threads.submit(embedded.start, spec)
        try:
            until(lambda: accepts(address, port))
            with pytest.raises(UnreachableError, match="native_transport_allow_older_protocols") as refused:
                run_job(MeasureRoundTrip(cluster=ClusterConfig(contact_points=(address,), port=port)))
            assert "contact_points" not in str(refused.value)
        finally:
            [node] = embedded.status(spec.folder).nodes
            os.kill(node.pid or 0, signal.SIGKILL)
        with pytest.raises(EmbeddedError, match="Cassandra ended while it started"):
            started.result()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with logins, where a page may have 30 rows at most."""
    limits = {"page_size_fail_threshold": 30, "page_size_warn_threshold": 20}
    yield from serve(tmp_path_factory.mktemp("limited"), limits)


def test_small_pages_are_enough(server: Server, tmp_path: Path) -> None:
    """Where a page may have 30 rows at most, everything works, and scans use smaller pages."""
    loads = RoleLoads(tmp_path, server)
    table = loads.plain_table("small")
    load = loads.job(table, [loads.write("rows.csv", "k,v", ROWS)])
    loads.run(load)
    for exact in (False, True):
        assert run_job(VerifyFiles(plan=planned(load), exact=exact)).present == len(ROWS)


def test_rights_to_read_and_to_write_are_enough(server: Server, tmp_path: Path) -> None:
    """A role with SELECT and MODIFY on the keyspace loads into tables that exist, and verifies them."""
    loads = RoleLoads(tmp_path, server)
    table = loads.plain_table("rights")
    loads.execute(f"CREATE ROLE writer WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
    for right in ("SELECT", "MODIFY"):
        loads.execute(f"GRANT {right} ON KEYSPACE {KEYSPACE} TO writer")
    loads.connect_as("writer", PASSWORD)
    load = loads.job(table, [loads.write("rows.csv", "k,v", FEW)])
    loads.run(load)
    assert run_job(VerifyFiles(plan=planned(load), exact=True)).present == len(FEW)
    with pytest.raises(AccessError, match="CREATE"):
        loads.set_up(f"{KEYSPACE}_new")


@pytest.mark.parametrize("consistency_level", ["TWO", "THREE", "EACH_QUORUM"])
def test_levels_that_system_tables_do_not_have(loads: Loads, consistency_level: str) -> None:
    """System tables are read at their own level; only the rows need the replicas of the user's level."""
    table = loads.create("levels", "k int PRIMARY KEY, v text")
    load = loads.job(table, [loads.write("rows.csv", "k,v", FEW)], retry_budget_s=0)
    load = dataclasses.replace(
        load, cluster=dataclasses.replace(load.cluster, consistency_level=consistency_level)
    )
    assert planned(load).table.name == table
    if consistency_level != "EACH_QUORUM":
        with pytest.raises(RequestError, match=f"{consistency_level} needs . replicas, 1 alive"):
            loads.run(load)


def test_no_schema_is_changed_on_nodes_of_different_versions(loads: Loads, cql: Session) -> None:
    """Tables are not created while nodes run different versions; a load of a table that exists goes on."""
    keyspace = KeyspaceConfig(name=f"{loads.keyspace}_new")
    job = SetUpTable(cluster=loads.job("", []).cluster, keyspace=keyspace, dataset=USERS, drop=False)
    table = loads.create("versions", "k int PRIMARY KEY, v text")
    loads.run(loads.job(table, [loads.write("before.csv", "k,v", FEW)]))
    peer = "peer, rpc_address, release_version, schema_version"
    cql.execute(
        f"INSERT INTO system.peers ({peer}) VALUES ('127.0.0.9', '127.0.0.9', '4.1.10', {uuid.uuid4()})"
    )
    try:
        with pytest.raises(SchemaError, match=r"different versions.*4\.1\.10: 127\.0\.0\.9; 5\."):
            run_job(job)
        loads.run(loads.job(table, [loads.write("after.csv", "k,v", FEW)]))
    finally:
        cql.execute("DELETE FROM system.peers WHERE peer = '127.0.0.9'")
    assert keyspace.name not in {
        row["keyspace_name"] for row in cql.execute("SELECT keyspace_name FROM system_schema.keyspaces")
    }
    run_job(job)
    cql.execute(f"DROP KEYSPACE {keyspace.name}")
