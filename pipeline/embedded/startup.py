"""The start of an embedded cluster: choose ports, start nodes one by one, clean up after a failure."""

import contextlib
import logging
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.embedded.cluster import Cluster, ClusterSpec, loopback_addresses, save_cluster
from pipeline.embedded.jars import ensure_jars, locked_jars
from pipeline.embedded.java import find_java
from pipeline.embedded.machine import free_port, require_room, taken_address
from pipeline.embedded.node import Node, Runtime
from pipeline.embedded.releases import find_release
from pipeline.errors import EmbeddedError

STOP_GRACE_S = 30.0

_CQL_PORT = 9042
_NEEDED_MIB = 512
_POLL_S = 0.1
_PORT_TRIES = 3
_log = logging.getLogger(__name__)


def start_cluster(spec: ClusterSpec, folder: Path, saved: Cluster | None, timeout_s: float) -> Cluster:
    """Start the cluster of `spec` in `folder`, which may contain `saved`; return it when it is ready.

    Raises:
        EmbeddedError: it cannot be installed or started; no process that this start launched keeps running.
        OutputError: the folder cannot be written.
    """
    require_room(folder, needed_mib=_NEEDED_MIB)
    # Once for each version: finding the jars reads all of them.
    runtimes = {version: _runtime(version, spec.heap) for version in set(spec.versions_of_nodes)}
    for tries_left in reversed(range(_PORT_TRIES)):
        cluster = _choose_ports(spec, folder, saved)
        save_cluster(folder, cluster)
        nodes = cluster.members(folder)
        try:
            launches = [
                (
                    node,
                    runtimes[node.release.version],
                    cluster.settings(node.release, spec.settings_of(number)),
                )
                for number, node in enumerate(nodes)
            ]
            _start_nodes(launches, timeout_s)
        except EmbeddedError:
            # Another server took a port after it was chosen. Choose again, unless the user set the port.
            if spec.port or not tries_left or not any(node.lost_a_port() for node in nodes):
                raise
            saved = cluster
        else:
            return cluster
    raise AssertionError("the last try returns or raises")


def _choose_ports(spec: ClusterSpec, folder: Path, saved: Cluster | None) -> Cluster:
    """Return the cluster to start. It keeps its ports if possible, so that clients find it again."""
    addresses = loopback_addresses(spec.nodes)
    if saved and any(node.pid is not None for node in saved.members(folder)):
        return saved
    if spec.port:
        _refuse_taken(
            addresses, spec.port, "choose another port, or 0 for a free one, or stop what listens there"
        )
    if saved:
        # The nodes know each other by this port.
        _refuse_taken(
            addresses, saved.storage_port, f"the cluster in {folder} needs it: stop what listens there"
        )
    return Cluster(
        name=saved.name if saved else f"embedded {uuid.uuid4().hex[:8]}",
        nodes=spec.nodes,
        native_port=spec.port
        or free_port(addresses, preferred=[saved.native_port] if saved else [_CQL_PORT]),
        storage_port=saved.storage_port if saved else free_port(addresses),
        encrypted=spec.encrypts_clients,
        versions=spec.versions_of_nodes,
    )


def _runtime(version: str, heap: str) -> Runtime:
    release = find_release(version)
    java = find_java(release.java)
    return Runtime(java=java, jars=ensure_jars(locked_jars(release.lock_file)), heap=heap)


def is_up(nodes: Sequence[Node]) -> bool:
    """Tell whether all `nodes` serve requests, and each has seen all of them join the ring."""
    return all(node.is_ready() for node in nodes) and all(
        node.knows(other.address) for node in nodes for other in nodes
    )


def _start_nodes(launches: Sequence[tuple[Node, Runtime, dict[str, object]]], timeout_s: float) -> None:
    """Start the nodes that do not run, each when those before it are up; after a failure, end them again."""
    launched = []
    nodes = [node for node, _, _ in launches]
    try:
        for number, (node, runtime, settings) in enumerate(launches, start=1):
            with _shown(f"starting Cassandra, node {number} of {len(nodes)}"):
                if node.pid is None:
                    launched.append(node)
                    node.launch(runtime, settings)
                _await_up(nodes[:number], timeout_s)
    except BaseException:
        end_nodes(launched)
        raise


def _await_up(nodes: Sequence[Node], timeout_s: float) -> None:
    """Wait until all `nodes` are up; the last one was started just now."""
    deadline = time.monotonic() + timeout_s
    while not is_up(nodes):
        for node in nodes:
            if node.pid is None:
                raise EmbeddedError(f"Cassandra ended while it started: {node.last_words()}")
        if time.monotonic() > deadline:
            last = nodes[-1]
            where = f"{last.address}:{last.native_port}"
            if not last.has_started():
                end_nodes([last])
                raise EmbeddedError(
                    f"Cassandra was not ready at {where} after {timeout_s:g} s and was stopped: "
                    f"{last.last_words()}"
                )
            # Another run may be using it, so this run must not end it.
            raise EmbeddedError(
                f"Cassandra runs, but does not answer at {where} or does not see its other nodes after "
                f"{timeout_s:g} s; wait for its load to end, or stop it: {last.last_words()}"
            )
        time.sleep(_POLL_S)


def end_nodes(nodes: Sequence[Node]) -> None:
    """Ask all `nodes` to end, then wait for each.

    Raises:
        EmbeddedError: a process belongs to another user.
    """
    for node in nodes:
        node.ask_to_end()
    for node in nodes:
        node.end(grace_s=STOP_GRACE_S)


def refuse_another(cluster: Cluster, spec: ClusterSpec) -> None:
    """Check that `cluster`, which is in the folder of `spec`, matches `spec`.

    Raises:
        EmbeddedError: it has other nodes or versions, or runs on another port.
    """
    folder = spec.folder.resolve()
    if cluster.nodes != spec.nodes:
        raise EmbeddedError(
            f"the cluster in {folder} has {cluster.nodes} nodes, {spec.nodes} were asked for; ask for "
            f"{cluster.nodes}, choose another folder, or stop it and remove the folder with its data"
        )
    versions = spec.versions_of_nodes
    if cluster.versions != versions:
        raise EmbeddedError(
            f"the cluster in {folder} has Cassandra {', '.join(cluster.versions)}, {', '.join(versions)} was "
            "asked for; ask for what it has, choose another folder, or stop it and remove it with its data"
        )
    running = any(node.pid is not None for node in cluster.members(folder))
    if running and spec.port not in {0, cluster.native_port}:
        raise EmbeddedError(
            f"the cluster in {folder} runs on port {cluster.native_port}, {spec.port} was asked for; "
            "stop it first, or leave the port as it is"
        )


def _refuse_taken(addresses: Sequence[str], port: int, advice: str) -> None:
    taken = taken_address(addresses, port)
    if taken:
        raise EmbeddedError(f"port {port} on {taken} is in use by another process; {advice}")


@contextlib.contextmanager
def _shown(what: str) -> Iterator[None]:
    """Show what is being done: on a terminal with the elapsed seconds, else as one line of the log."""
    if not sys.stderr.isatty():
        _log.info("%s", what)
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only a start has something to show
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        display.add_task(what, total=None)
        yield
