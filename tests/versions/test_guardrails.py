"""Guardrails of the version that --cassandra names: those that 4.1 has, in its spelling."""

import uuid
from collections.abc import Iterator

import pytest

from pipeline.errors import BadRowsError, SettingRefusedError
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import planned
from tests.harness.roles import FEW, RoleLoads, Server, serve

pytestmark = [pytest.mark.server, pytest.mark.versions]

GUARDRAILS = {
    "page_size_warn_threshold": 10,
    "page_size_fail_threshold": 15,
    "items_per_collection_fail_threshold": 3,
    "write_consistency_levels_disallowed": ["ALL"],
    "drop_truncate_table_enabled": False,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Server]:
    """Run a server with guardrails, of the version that is tried."""
    version = pytestconfig.getoption("--cassandra")
    if version < "4.1":
        pytest.skip("guardrails came with Cassandra 4.1")
    yield from serve(tmp_path_factory.mktemp("guarded"), GUARDRAILS, version=version)


@pytest.fixture
def loads(server: Server, tmp_path_factory: pytest.TempPathFactory) -> RoleLoads:
    """Return the loads of an ordinary role."""
    return RoleLoads(tmp_path_factory.mktemp("loads"), server)


def test_pages_are_as_small_as_they_must_be(loads: RoleLoads) -> None:
    """Rows are loaded and verified where a page may have 15 rows at most."""
    table = loads.plain_table(f"pages_{uuid.uuid4().hex[:8]}")
    load = loads.job(table, [loads.write("rows.csv", "k,v", FEW)])
    loads.run(load)
    for exact in (False, True):
        assert run_job(VerifyFiles(plan=planned(load), exact=exact)).present == len(FEW)


def test_a_row_that_a_guardrail_refuses_is_a_bad_row(loads: RoleLoads) -> None:
    """A collection with too many items is a bad row; a level that is not allowed ends the load."""
    table = loads.create(f"items_{uuid.uuid4().hex[:8]}", "k int PRIMARY KEY, s set<int>")
    file = loads.write("items.csv", "k,s", [(1, "[1, 2]"), (2, "[1, 2, 3, 4]"), (3, "[5]")])
    with pytest.raises(BadRowsError, match="items_per_collection"):
        loads.run(loads.job(table, [file]))
    assert loads.run(loads.job(table, [file], max_bad_rows="1")).bad == 1
    loads.at("ALL")
    with pytest.raises(SettingRefusedError, match="write_consistency_levels"):
        loads.run(loads.job(table, [loads.write("more.csv", "k,s", [(9, "[1]")])]))
