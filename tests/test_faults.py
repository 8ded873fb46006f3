from collections.abc import Callable, Iterator

import pytest

from faults import hostile, kills, limits, network, nodes, tables
from faults.outcome import Outcome
from faults.site import Ground
from pipeline.embedded import ClusterSpec

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Start a node of the module's own, which may be ended."""
    folder = tmp_path_factory.mktemp("faults")
    ground = Ground(ClusterSpec(folder=folder / "cassandra", heap="512M"), folder / "sites")
    yield ground
    ground.close()


def test_a_killed_load_goes_on(ground: Ground) -> None:
    """After a SIGKILL the same command ends well, behind what was settled, and the rows are the file's."""
    assert kills.kill_both(ground, 1).holds


def test_a_node_may_restart(ground: Ground) -> None:
    """A load waits for its only node to come back, ends by itself, and loses nothing."""
    outcome = nodes.restart_single(ground, 1)
    assert outcome.holds
    assert outcome.retries


def test_connections_may_break(ground: Ground) -> None:
    """A load outlives connections that are delayed, silent, cut, reset and refused, and loses nothing."""
    outcome = network.proxied_single(ground, 1)
    assert outcome.holds
    assert outcome.retries


@pytest.mark.parametrize("change", [tables.recreated, tables.altered])
def test_a_table_that_changes_is_never_finished(
    ground: Ground, change: Callable[[Ground, int], Outcome]
) -> None:
    """A table that loses rows in the middle of a load fails it with a reason; the next run loads all."""
    assert change(ground, 1).holds


def test_a_full_disk_is_told(ground: Ground) -> None:
    """Where the journal cannot grow the load fails in a line, and goes on once there is room."""
    assert limits.disk_full(ground, 1).holds


def test_hostile_files_are_refused_or_loaded(ground: Ground) -> None:
    """Of 20 hostile files each is refused by name, or all good rows are loaded and bad ones listed."""
    outcome = hostile.hostile(ground, 20)
    assert outcome.holds, outcome.faults
