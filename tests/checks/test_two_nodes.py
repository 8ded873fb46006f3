"""A node that is down, seen on a cluster of two."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import embedded
from pipeline.checks.findings import Finding
from pipeline.checks.jobs import CheckCluster, CheckTable
from pipeline.settings import ClusterConfig, ColumnsConfig, KeyspaceConfig, LoadConfig, ValuesConfig
from pipeline.workers.client import run_job
from tests.harness.sessions import connected

pytestmark = pytest.mark.server


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Path]:
    """Start two nodes with a keyspace of two copies; return the folder of the cluster."""
    found = embedded.start(embedded.ClusterSpec(folder=tmp_path, nodes=2, heap="512M"))
    try:
        with connected(found) as cql:
            replication = "{'class': 'SimpleStrategy', 'replication_factor': 2}"
            cql.execute(f"CREATE KEYSPACE two WITH replication = {replication}")
        yield tmp_path
    finally:
        embedded.stop(tmp_path)


def looked(port: int, level: str) -> dict[str, Finding]:
    """Return what is found of the cluster and of the keyspace, by what was looked at."""
    cluster = ClusterConfig(contact_points=("127.0.0.1", "127.0.0.2"), port=port, consistency_level=level)
    job = CheckTable(
        cluster=cluster,
        keyspace=KeyspaceConfig(name="two"),
        table="",
        config=LoadConfig(),
        columns=ColumnsConfig(),
        values=ValuesConfig(),
    )
    found = (*run_job(CheckCluster(cluster=cluster)).findings, *run_job(job).findings)
    return {each.subject: each for each in found}


def test_a_node_that_is_down_matters_as_the_level_says(two: Path) -> None:
    """Each node has its line; that a level would not be reached without one is said before it is down."""
    port = embedded.status(two).nodes[0].port
    found = looked(port, "QUORUM")
    assert [found[f"node 127.0.0.{number}"].status for number in (1, 2)] == ["ok", "ok"]
    assert found["keyspace two"].status == "warning"
    assert found["keyspace two"].found.endswith("reached, but not if 127.0.0.1 is down")
    both = looked(port, "ONE")["keyspace two"]
    assert (both.status, both.found) == (
        "ok",
        "SimpleStrategy 2: ONE needs 1: reached, also with any one node down",
    )
    embedded.stop_node(two, 2)
    found = looked(port, "QUORUM")
    assert found[f"port 127.0.0.2:{port}"].status == "warning"
    assert found["node 127.0.0.2"].status == "warning"
    assert (found["keyspace two"].status, found["keyspace two"].advice) == ("failure", "start 127.0.0.2")
    assert looked(port, "ONE")["keyspace two"].status == "ok"
