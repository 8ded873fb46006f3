from collections.abc import Callable, Iterator

import pytest

from faults import hostile, kills, limits, network, tables
from faults.outcome import ScenarioOutcome
from faults.site import Environment
from pipeline.embedded import ClusterSpec

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Start a node of the module's own, which tests may stop."""
    folder = tmp_path_factory.mktemp("faults")
    environment = Environment(ClusterSpec(folder=folder / "cassandra", heap="512M"), folder / "sites")
    yield environment
    environment.close()


def test_a_killed_load_goes_on(environment: Environment) -> None:
    """After a SIGKILL the same command succeeds, resumes after the settled rows, and all rows are correct."""
    assert kills.kill_both(environment, 1).holds


def test_connections_may_break(environment: Environment) -> None:
    """A load survives connections that are delayed, dropped, truncated, reset and refused; no row is lost."""
    outcome = network.proxied_single(environment, 1)
    assert outcome.holds
    assert outcome.retries


@pytest.mark.parametrize("change", [tables.recreated, tables.altered])
def test_a_table_that_changes_is_never_finished(
    environment: Environment, change: Callable[[Environment, int], ScenarioOutcome]
) -> None:
    """A table that loses rows during a load fails it with a reason; the next run loads all rows."""
    assert change(environment, 1).holds


def test_a_full_disk_is_told(environment: Environment) -> None:
    """If the journal cannot grow, the load fails with one line, and resumes when there is room."""
    assert limits.disk_full(environment, 1).holds


def test_hostile_files_are_refused_or_loaded(environment: Environment) -> None:
    """Of 20 hostile files each is refused by name, or all good rows are loaded and bad ones listed."""
    outcome = hostile.hostile(environment, 20)
    assert outcome.holds, outcome.faults


def test_hostile_forms_are_refused_or_loaded(environment: Environment) -> None:
    """So are 20 that are packed, JSON Lines, or CSV of other dialects and encodings."""
    outcome = hostile.forms(environment, 20)
    assert outcome.holds, outcome.faults
