"""All scenarios: the cluster of each, its number of repeats, and about how long it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from faults import engines, hostile, kills, limits, network, nodes, tables
from faults.outcome import ScenarioOutcome
from faults.site import Environment
from pipeline.embedded import ClusterSpec


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of fault: `run` injects it `times` times on a cluster of `kind`, in about `expected_s`.

    `short_times` is the number of repeats in a short run; with 0 it is left out.
    """

    name: str
    kind: str
    times: int
    expected_s: float
    run: Callable[[Environment, int], ScenarioOutcome]
    short_times: int = 0

    @property
    def what(self) -> str:
        """A one-line description."""
        return str(self.run.__doc__).partition("\n")[0].rstrip(".")


SCENARIOS = (
    Scenario(
        name="restart-single", kind="one", times=2, expected_s=90, run=nodes.restart_single, short_times=1
    ),
    Scenario(name="proxied-single", kind="one", times=3, expected_s=110, run=network.proxied_single),
    Scenario(name="table-dropped", kind="one", times=2, expected_s=25, run=tables.dropped, short_times=1),
    Scenario(name="table-recreated", kind="one", times=2, expected_s=25, run=tables.recreated, short_times=1),
    Scenario(name="table-altered", kind="one", times=2, expected_s=25, run=tables.altered),
    Scenario(name="table-truncated", kind="one", times=2, expected_s=25, run=tables.truncated),
    Scenario(name="two-commands", kind="one", times=3, expected_s=25, run=tables.two_commands, short_times=1),
    Scenario(name="two-pool-sizes", kind="one", times=3, expected_s=25, run=tables.two_pool_sizes),
    Scenario(name="disk-full", kind="one", times=3, expected_s=30, run=limits.disk_full, short_times=1),
    Scenario(name="output-full", kind="one", times=3, expected_s=25, run=limits.output_full),
    Scenario(
        name="hostile-files", kind="one", times=200, expected_s=100, run=hostile.hostile, short_times=20
    ),
    Scenario(name="hostile-forms", kind="one", times=321, expected_s=150, run=hostile.forms, short_times=20),
    Scenario(name="kill-worker", kind="one", times=30, expected_s=330, run=kills.kill_worker, short_times=3),
    Scenario(name="kill-luigi", kind="one", times=30, expected_s=330, run=kills.kill_luigi, short_times=2),
    Scenario(name="kill-both", kind="one", times=30, expected_s=330, run=kills.kill_both, short_times=2),
    Scenario(
        name="engine-kill-worker",
        kind="one",
        times=6,
        expected_s=200,
        run=engines.kill_worker,
        short_times=1,
    ),
    Scenario(name="engine-stop-worker", kind="one", times=6, expected_s=420, run=engines.stop_worker),
    Scenario(name="engine-cut-worker", kind="one", times=6, expected_s=150, run=engines.cut_worker),
    Scenario(name="engine-kill-driver", kind="one", times=6, expected_s=330, run=engines.kill_driver),
    Scenario(
        name="engine-restart-scheduler", kind="one", times=6, expected_s=250, run=engines.restart_scheduler
    ),
    Scenario(name="overload", kind="weak", times=2, expected_s=30, run=limits.overload),
    Scenario(name="kill-node", kind="three", times=2, expected_s=140, run=nodes.kill_node),
    Scenario(name="rolling-restart", kind="three", times=1, expected_s=180, run=nodes.rolling_restart),
    Scenario(name="pause-node", kind="three", times=2, expected_s=90, run=nodes.pause_node),
    Scenario(name="proxied-three", kind="proxied", times=3, expected_s=110, run=network.proxied_three),
)


def specs(folder: Path) -> Mapping[str, ClusterSpec]:
    """Return the specifications of the scenarios' clusters, by kind, each in a folder of its own."""
    return {
        "one": ClusterSpec(folder=folder / "one", heap="768M"),
        "weak": ClusterSpec(folder=folder / "weak", heap="256M", overrides=_WEAK),
        "three": ClusterSpec(folder=folder / "three", nodes=3, heap="512M"),
        "proxied": ClusterSpec(
            folder=folder / "proxied",
            nodes=3,
            heap="512M",
            advertised=[f"127.0.1.{number}" for number in (1, 2, 3)],
        ),
    }


_WEAK: Mapping[str, object] = {
    "concurrent_writes": 2,
    "native_transport_max_threads": 2,
    "native_transport_max_request_data_in_flight": "1MiB",
    "native_transport_max_request_data_in_flight_per_ip": "1MiB",
    "native_transport_timeout": "400ms",
    "write_request_timeout": "20ms",
    "memtable_heap_space": "8MiB",
    "memtable_offheap_space": "8MiB",
}
"""Requests that wait longer for a thread are refused as overload, and writes time out."""
