"""Each thing that a load needs is broken on a real server, and its line is seen."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.checks.findings import Finding
from pipeline.checks.jobs import CheckCluster, CheckTable
from pipeline.settings import (
    ClusterConfig,
    ColumnsConfig,
    KeyspaceConfig,
    LoadConfig,
    TlsConfig,
    ValuesConfig,
)
from pipeline.workers.client import run_job
from tests.harness.authority import Authority
from tests.harness.guarded import PASSWORD, Guarded, guard, relay

pytestmark = pytest.mark.server

SETTINGS = {
    "batch_size_warn_threshold": "2KiB",
    "batch_size_fail_threshold": "4KiB",
    "page_size_fail_threshold": 1000,
    "tables_fail_threshold": 3,
    "cdc_enabled": True,
    "native_transport_rate_limiting_enabled": True,
    "native_transport_max_requests_per_second": 50_000,
    "write_consistency_levels_disallowed": ["ALL"],
    "user_timestamps_enabled": False,
}
ONE_COPY = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
BATCH = "limit batch"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Start a server with TLS, logins and limits; `loader` may load into `shop`, `reader` nothing."""
    with guard(tmp_path_factory.mktemp("guarded"), **SETTINGS) as guarded:
        for statement in (
            f"CREATE KEYSPACE shop WITH replication = {ONE_COPY}",
            f"CREATE KEYSPACE wide WITH replication = {ONE_COPY.replace('1', '3')}",
            "CREATE TABLE shop.orders (id int PRIMARY KEY, v text) WITH cdc = true",
            "GRANT SELECT ON KEYSPACE shop TO loader",
            "GRANT MODIFY ON TABLE shop.orders TO loader",
            "GRANT SELECT ON system_views.settings TO loader",
        ):
            guarded.cql.execute(statement)
        yield guarded


@pytest.fixture
def cluster(guarded: Guarded, tmp_path: Path) -> ClusterConfig:
    """Return the settings with which `loader` connects."""
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    return ClusterConfig(
        contact_points=guarded.endpoint.contact_points,
        port=guarded.endpoint.port,
        user="loader",
        password_file=str(tmp_path / "password"),
        connect_timeout_s=5,
        tls=TlsConfig(
            ca_file=str(guarded.authority.file),
            certificate_file=str(guarded.certificate_file),
            key_file=str(guarded.key_file),
        ),
    )


def of_cluster(cluster: ClusterConfig) -> dict[str, Finding]:
    """Return what is found of a cluster, by what was looked at."""
    return {each.subject: each for each in run_job(CheckCluster(cluster=cluster)).findings}


def of_table(
    cluster: ClusterConfig, name: str = "shop.orders", *, manage_schema: bool = True, **config: object
) -> dict[str, Finding]:
    """Return what is found of a table without files, by what was looked at."""
    keyspace, _, table = name.partition(".")
    job = CheckTable(
        cluster=cluster,
        keyspace=KeyspaceConfig(name=keyspace, manage_schema=manage_schema),
        table=table,
        config=LoadConfig(**config),  # type: ignore[arg-type] # settings of several types
        columns=ColumnsConfig(),
        values=ValuesConfig(),
    )
    return {each.subject: each for each in run_job(job).findings}


def test_the_way_to_a_node_is_looked_at_step_by_step(cluster: ClusterConfig) -> None:
    """Port, chain, end and name of the certificate, login, node, clock and schema have a line each."""
    found = of_cluster(cluster)
    where = f"127.0.0.1:{cluster.port}"
    assert {subject: each.status for subject, each in found.items()} == {
        f"port {where}": "ok",
        f"TLS {where}": "ok",
        f"TLS expiry {where}": "warning",  # the tests' certificate lives for a day
        f"TLS name {where}": "ok",
        "login": "ok",
        "node 127.0.0.1": "ok",
        "clock 127.0.0.1": "ok",
        "schema": "ok",
    }
    assert found[f"TLS expiry {where}"].found.startswith("valid for 1 days, until 20")
    assert "Cassandra 5." in found["node 127.0.0.1"].found


def test_a_name_that_does_not_resolve_is_a_warning_beside_another(cluster: ClusterConfig) -> None:
    """A load needs one contact point: a wrong one alone is a failure, and so is the login."""
    found = of_cluster(replace(cluster, contact_points=("no.such.invalid", "127.0.0.1")))
    assert found["name no.such.invalid"].status == "warning"
    assert found["login"].status == "ok"
    found = of_cluster(replace(cluster, contact_points=("no.such.invalid",)))
    assert found["name no.such.invalid"].status == found["login"].status == "failure"


def test_a_refused_port_is_a_failure(cluster: ClusterConfig) -> None:
    """A port where nothing listens is named with the system's reason."""
    found = of_cluster(replace(cluster, port=1))
    assert (found["port 127.0.0.1:1"].status, found["port 127.0.0.1:1"].found) == (
        "failure",
        "Connection refused",
    )


def test_a_wrong_password_is_a_failure_of_the_login_alone(cluster: ClusterConfig, tmp_path: Path) -> None:
    """TLS is as it must be, the login is refused, and no password is shown."""
    (tmp_path / "password").write_text("not the password", encoding="utf-8")
    found = of_cluster(cluster)
    assert found[f"TLS name 127.0.0.1:{cluster.port}"].status == "ok"
    assert found["login"].status == "failure"
    assert "user or password refused" in found["login"].found
    assert "not the password" not in str(found)


def test_a_stranger_for_an_authority_is_a_failure(cluster: ClusterConfig, tmp_path: Path) -> None:
    """A certificate that another authority has signed fails in its chain."""
    tls = TlsConfig(ca_file=str(Authority(tmp_path, "stranger").file))
    found = of_cluster(replace(cluster, tls=tls))[f"TLS 127.0.0.1:{cluster.port}"]
    assert found.status == "failure"
    assert "the server's certificate is refused: " in found.found


def test_a_certificate_of_another_name_is_a_failure(cluster: ClusterConfig, guarded: Guarded) -> None:
    """A certificate for another host has a chain that holds, and fails by its name."""
    with relay(("127.0.0.2", 0), guarded.endpoint) as port:
        found = of_cluster(replace(cluster, contact_points=("127.0.0.2",), port=port))
        unnamed = replace(cluster, contact_points=("127.0.0.2",), port=port)
        assert unnamed.tls
        loose = of_cluster(replace(unnamed, tls=replace(unnamed.tls, check_hostname=False)))
    assert found[f"TLS 127.0.0.2:{port}"].status == "ok"
    assert found[f"TLS name 127.0.0.2:{port}"].status == "failure"
    assert "not valid for '127.0.0.2'" in found[f"TLS name 127.0.0.2:{port}"].found
    assert loose[f"TLS name 127.0.0.2:{port}"].status == "ok"


def test_an_expired_certificate_is_a_failure(
    cluster: ClusterConfig, guarded: Guarded, tmp_path: Path
) -> None:
    """A certificate that has expired is refused, and the line says so."""
    late = Authority(tmp_path, "late")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*late.issue("expired", expired=True))
    with relay(("127.0.0.1", 0), guarded.endpoint, context) as port:
        found = of_cluster(replace(cluster, port=port, tls=TlsConfig(ca_file=str(late.file))))
    assert found[f"TLS 127.0.0.1:{port}"].status == "failure"
    assert "certificate has expired" in found[f"TLS 127.0.0.1:{port}"].found


def test_a_missing_right_is_named_with_the_grant(cluster: ClusterConfig, guarded: Guarded) -> None:
    """A role is told what it lacks on the table, and that settings it may not read are not known."""
    assert of_table(cluster)["rights shop.orders"].status == "ok"
    found = of_table(replace(cluster, user="reader"))
    assert found["rights shop.orders"].status == "failure"
    assert found["rights shop.orders"].advice == (
        "have it granted: GRANT SELECT ON shop.orders TO reader; GRANT MODIFY ON shop.orders TO reader"
    )
    assert found["rights shop"].advice == "have it granted: GRANT CREATE ON KEYSPACE shop TO reader"
    assert found["limits"].status == "warning"
    assert found["limits"].advice == "have it granted: GRANT SELECT ON system_views.settings TO reader"
    assert [row[0] for row in guarded.cql.execute(_TABLES)] == ["orders"], "nothing is created"


def test_what_is_absent_is_a_failure(cluster: ClusterConfig) -> None:
    """An absent table or keyspace is a failure; a table of ours only where it may not be created."""
    found = of_table(cluster, "shop.order")
    assert found["table shop.order"].status == "failure"
    assert "did you mean 'orders'?" in found["table shop.order"].found
    assert found["table shop.load_marker"].status == "ok"
    found = of_table(cluster, manage_schema=False, journal="cluster")
    for name in ("load_marker", "load_journal"):
        assert found[f"table shop.{name}"].status == "failure"
        assert "manage_schema is false" in found[f"table shop.{name}"].found
    found = of_table(cluster, "nowhere.orders")
    assert found["table nowhere.orders"].status == "failure"
    assert found["keyspace nowhere"].status == "ok"
    assert found["keyspace nowhere"].found.startswith("is absent; SetupKeyspace creates it with ")
    found = of_table(cluster, "nowhere.orders", manage_schema=False)
    assert found["keyspace nowhere"].status == "failure"
    assert "CREATE KEYSPACE nowhere" in found["keyspace nowhere"].found
    found = of_table(replace(cluster, consistency_level="TWO"), "nowhere.orders")
    assert found["keyspace nowhere"].status == "failure"


def test_a_level_that_too_few_nodes_reach_is_a_failure(cluster: ClusterConfig) -> None:
    """Three copies on one node cannot be written at QUORUM; one can."""
    found = of_table(replace(cluster, consistency_level="QUORUM"), "wide.orders")["keyspace wide"]
    assert found.status == "failure"
    assert found.found.startswith("SimpleStrategy 3: QUORUM needs 2, and 1 of 1 sets of replicas have fewer ")
    assert of_table(replace(cluster, consistency_level="ONE"), "wide.orders")["keyspace wide"].status == "ok"


def test_batches_are_compared_with_the_servers_thresholds(cluster: ClusterConfig) -> None:
    """Larger than what the server refuses is a failure, than what it warns of a warning."""
    by_size = {size: of_table(cluster, batch_size_bytes=size)[BATCH] for size in (2048, 4096, 5120)}
    assert [each.status for each in by_size.values()] == ["ok", "warning", "failure"]
    assert (
        by_size[5120].found
        == "batch_size_bytes is 5120, the server warns from 2048 and refuses from 4096 bytes"
    )


def test_limits_of_the_server_have_a_line_each(cluster: ClusterConfig) -> None:
    """Rate, pages, number of tables, change data capture, timestamps and levels: as they meet a load."""
    found = of_table(replace(cluster, consistency_level="ALL"), method="create")
    assert {subject: each.status for subject, each in found.items() if subject.startswith("limit ")} == {
        "limit rate": "warning",
        "limit pages": "ok",
        "limit tables": "ok",
        "limit cdc": "warning",
        "limit timestamps": "failure",
        "limit consistency": "failure",
    }
    assert found["limit rate"].found == "a node takes 50000 requests/s"
    assert found["limit consistency"].found == "write_consistency_levels_disallowed of the server has ALL"


_TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'shop'"
