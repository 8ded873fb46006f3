import dataclasses
import datetime as dt
import json
import re
import subprocess
import sys
import uuid
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline.cluster import jobs
from pipeline.errors import SchemaError
from pipeline.workers.client import run_job, run_jobs
from tests.harness.loads import LOADED_ON, USERS, Loads
from tests.harness.workspace import PROJECT, Workspace

DATACENTRE = "datacenter1"
DAY = dt.date(2026, 11, 22)


def with_keyspace(workspace: Workspace, **changes: object) -> dict[str, Any]:
    """Return the fields of a job on the users' table, with other settings of the keyspace."""
    table = workspace.table
    return {**table, "keyspace": dataclasses.replace(table["keyspace"], **changes)}


def replication(cql: Session, keyspace: str) -> dict[str, str]:
    """Return a keyspace's replication from the server's schema, its class without the package."""
    [row] = cql.execute(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s", (keyspace,)
    )
    return {name: value.rpartition(".")[2] for name, value in row["replication"].items()}


def table_ids(cql: Session, keyspace: str) -> dict[str, uuid.UUID]:
    """Return the id of each table of a keyspace; a table gets its id when it is created."""
    rows = cql.execute(
        "SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = %s", (keyspace,)
    )
    return {row["table_name"]: row["id"] for row in rows}


def create_keyspace(cql: Session, keyspace: str) -> None:
    """Create a keyspace from outside of the project."""
    cql.execute(
        f"CREATE KEYSPACE {keyspace} WITH replication = "
        "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    )


def test_a_keyspace_is_created_once_and_its_table_left_alone(workspace: Workspace, cql: Session) -> None:
    """The keyspace gets SimpleStrategy with the factor asked for; a second setup changes nothing."""
    run_job(jobs.SetUpTable(**with_keyspace(workspace, replication_factor=2)))
    before = table_ids(cql, workspace.keyspace)
    assert replication(cql, workspace.keyspace) == {"class": "SimpleStrategy", "replication_factor": "2"}
    assert before.keys() == {"user", "load_marker"}

    run_job(jobs.SetUpTable(**workspace.table))
    assert table_ids(cql, workspace.keyspace) == before
    assert replication(cql, workspace.keyspace)["replication_factor"] == "2"


def test_many_may_set_up_at_once(workspace: Workspace, cql: Session) -> None:
    """Processes that set up the same keyspace and table at the same time all succeed."""
    for number in range(3):
        job = jobs.SetUpTable(**with_keyspace(workspace, name=f"{workspace.keyspace}_{number}"))
        run_jobs([job] * 4)
        assert table_ids(cql, job.keyspace.name).keys() == {"user", "load_marker"}
        cql.execute(f"DROP KEYSPACE {job.keyspace.name}")


def test_a_named_datacentre_gets_the_replicas(workspace: Workspace, cql: Session) -> None:
    """With a datacentre in the settings, the keyspace has NetworkTopologyStrategy with replicas there."""
    table = with_keyspace(workspace, replication_factor=1)
    table["cluster"] = dataclasses.replace(table["cluster"], datacentre=DATACENTRE)
    run_job(jobs.SetUpTable(**table))
    assert replication(cql, workspace.keyspace) == {"class": "NetworkTopologyStrategy", DATACENTRE: "1"}


def test_a_keyspace_that_the_cluster_refuses_is_told(workspace: Workspace) -> None:
    """When the server refuses to create a keyspace, its message is raised as a SchemaError with the name."""
    # Connecting would refuse such a datacentre earlier; this test needs the server's own refusal.
    script = """
import json, sys
from gevent import monkey
monkey.patch_all()
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.errors import PipelineError
from pipeline.cluster.keyspace import ensure_keyspace
from pipeline.cluster.session import open_session
points, port, name = json.loads(sys.argv[1])
with open_session(ClusterConfig(contact_points=tuple(points), port=port)) as session:
    try:
        ensure_keyspace(session, KeyspaceConfig(name=name), "dc9")
    except PipelineError as error:
        print(type(error).__name__, error)
"""
    where = json.dumps([workspace.endpoint.contact_points, workspace.endpoint.port, workspace.keyspace])
    done = subprocess.run(
        [sys.executable, "-c", script, where],
        cwd=PROJECT,
        env=workspace.environment(CQLENG_ALLOW_SCHEMA_MANAGEMENT="1"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert re.match(rf"SchemaError cannot create keyspace {workspace.keyspace}: .*dc9", done.stdout)


@pytest.mark.parametrize(
    ("columns", "difference"),
    [
        (
            "user_id uuid PRIMARY KEY, first_name int, last_name text",
            "column first_name is int, the model has text",
        ),
        ("user_id uuid PRIMARY KEY, first_name text", "column last_name is absent, the model has text"),
        (
            "user_id uuid PRIMARY KEY, first_name text, last_name text, age int",
            "column age is int, the model has none",
        ),
        (
            "user_id uuid, first_name text, last_name text, PRIMARY KEY (last_name)",
            "its partition key is (last_name), the model has (user_id)",
        ),
        (
            "user_id uuid, first_name text, last_name text, PRIMARY KEY (user_id, last_name)",
            "its clustering key is (last_name), the model has ()",
        ),
    ],
    ids=["type", "missing", "extra", "partition key", "clustering key"],
)
def test_a_table_that_is_not_its_models_is_refused(
    workspace: Workspace, cql: Session, columns: str, difference: str
) -> None:
    """Each difference between a table and its model is named, and the table stays unchanged."""
    create_keyspace(cql, workspace.keyspace)
    cql.execute(f"CREATE TABLE {workspace.keyspace}.user ({columns})")
    before = table_ids(cql, workspace.keyspace)
    with pytest.raises(SchemaError) as refused:
        run_job(jobs.SetUpTable(**workspace.table))
    assert str(refused.value) == (
        f"table {workspace.keyspace}.user is not what its model says: {difference}; "
        "alter the table or the model, or drop the table with --drop"
    )
    assert table_ids(cql, workspace.keyspace) == before


def test_nothing_is_created_where_that_is_not_ours(workspace: Workspace, cql: Session) -> None:
    """With manage_schema = false nothing is created; each message holds the CQL that has to be run."""
    table = with_keyspace(workspace, manage_schema=False)
    for wanted in ("CREATE KEYSPACE", "CREATE TABLE", "CREATE TABLE"):
        before = table_ids(cql, workspace.keyspace)
        with pytest.raises(
            SchemaError, match=f"is absent and manage_schema is false; .*: {wanted}"
        ) as refused:
            run_job(jobs.SetUpTable(**table))
        assert table_ids(cql, workspace.keyspace) == before
        cql.execute(str(refused.value).partition("have it created: ")[2])
    run_job(jobs.SetUpTable(**table))
    assert table_ids(cql, workspace.keyspace).keys() == {"user", "load_marker"}


def test_a_table_is_dropped_only_where_asked_and_ours(workspace: Workspace, cql: Session) -> None:
    """`drop` creates the table again, empty, and changes nothing else; manage_schema = false refuses it."""
    run_job(jobs.SetUpTable(**workspace.table))
    cql.execute(f"INSERT INTO {workspace.keyspace}.user (user_id) VALUES (uuid())")
    before = table_ids(cql, workspace.keyspace)

    unmanaged = with_keyspace(workspace, manage_schema=False)
    with pytest.raises(SchemaError, match=r"--drop of .*\.user refused: manage_schema is false"):
        run_job(jobs.SetUpTable(**unmanaged, drop=True))
    assert table_ids(cql, workspace.keyspace) == before
    assert list(cql.execute(f"SELECT * FROM {workspace.keyspace}.user"))

    run_job(jobs.SetUpTable(**workspace.table, drop=True))
    after = table_ids(cql, workspace.keyspace)
    assert after["user"] != before["user"]
    assert after["load_marker"] == before["load_marker"]
    assert not list(cql.execute(f"SELECT * FROM {workspace.keyspace}.user"))


def test_a_marker_tells_a_table_from_the_one_before_it(workspace: Workspace, cql: Session) -> None:
    """A marker holds the id of its table: after a drop the marker exists, but belongs to another table."""
    run_job(jobs.SetUpTable(**workspace.table))
    loads = Loads(workspace.folder, workspace.keyspace, workspace.endpoint, cql)
    file = loads.write("rows.csv", "user_id,first_name,last_name", [(uuid.uuid4(), "Ada", "Lovelace")])
    loads.run(loads.job("", [file], dataset=USERS))

    described = run_job(jobs.DescribeTable(**workspace.table, dates=(LOADED_ON,)))
    [marker] = described.markers
    assert marker.table_id == described.table_id
    assert (marker.date, marker.rows) == (LOADED_ON, 1)

    run_job(jobs.SetUpTable(**workspace.table, drop=True))
    described = run_job(jobs.DescribeTable(**workspace.table, dates=(LOADED_ON,)))
    assert [marker.table_id] == [old.table_id for old in described.markers]
    assert described.table_id != marker.table_id


def test_what_is_absent_is_described_as_absent(workspace: Workspace, cql: Session) -> None:
    """Describing creates nothing: without a keyspace there is no table and no marker."""
    nothing = jobs.TableDescription()
    assert run_job(jobs.DescribeTable(**workspace.table, dates=(DAY,))) == nothing
    create_keyspace(cql, workspace.keyspace)
    assert run_job(jobs.DescribeTable(**workspace.table, dates=(DAY,))) == nothing
    assert not table_ids(cql, workspace.keyspace)
