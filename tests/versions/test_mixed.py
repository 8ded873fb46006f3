"""Clusters in the middle of an upgrade: nodes of two versions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import embedded
from pipeline.cluster.jobs import SetUpTable
from pipeline.embedded.cluster import load_cluster, save_cluster
from pipeline.errors import SchemaError
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import USERS, Loads, planned
from tests.harness.sessions import connected

pytestmark = [pytest.mark.server, pytest.mark.versions]

KEYSPACE = "t_mixed"


@pytest.fixture(params=[("3.11.19", "4.0.19"), ("4.1.10", "5.0.9")], ids="+".join)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Yield the folder of two nodes: both were of the older version, with tables; one is of the newer now."""
    older, newer = request.param
    folder = tmp_path / "cluster"
    spec = embedded.ClusterSpec(folder=folder, nodes=2, heap="512M", version=older)
    try:
        endpoint = embedded.start(spec)
        config = ClusterConfig(contact_points=endpoint.contact_points, port=endpoint.port)
        keyspace = KeyspaceConfig(name=KEYSPACE, replication_factor=2)
        run_job(SetUpTable(cluster=config, keyspace=keyspace, dataset=USERS, drop=False))
        embedded.stop(folder)
        saved = load_cluster(folder)
        assert saved
        save_cluster(folder, replace(saved, versions=(older, newer)))
        embedded.start(replace(spec, versions=(older, newer)))
        yield folder
    finally:
        embedded.stop(folder)


def test_loads_go_on_and_no_schema_is_changed(folder: Path) -> None:
    """Between two versions a table that exists is loaded, marked and verified; none is created or dropped."""
    endpoint = embedded.endpoint(folder)
    assert endpoint
    names = {f"{key:08}-0000-4000-8000-000000000000": ("Ada", f"L {key}") for key in range(500)}
    with connected(endpoint) as cql:
        loads = Loads(folder.parent, KEYSPACE, endpoint, cql)
        file = loads.write(
            "users.csv", "user_id,first_name,last_name", [(key, *value) for key, value in names.items()]
        )
        load = loads.job("user", [file], dataset=USERS)
        assert loads.run(load).acknowledged == len(names)
        for exact in (False, True):
            assert run_job(VerifyFiles(plan=planned(load), exact=exact)).present == len(names)
        assert [row["rows"] for row in loads.rows("load_marker")] == [len(names)]
        for drop, name in ((True, KEYSPACE), (False, "t_mixed_new")):
            keyspace = KeyspaceConfig(name=name)
            with pytest.raises(SchemaError, match=r"different versions of Cassandra \(.*127\.0\.0\.2"):
                run_job(SetUpTable(cluster=load.cluster, keyspace=keyspace, dataset=USERS, drop=drop))
        assert len(loads.rows("user")) == len(names)
