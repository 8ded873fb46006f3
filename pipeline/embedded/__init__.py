"""A real Cassandra that needs only pip: start it, find it again in later runs, stop it.

`python -m pipeline.embedded start|stop|status` on the command line; the same as functions here.
A folder identifies its cluster. Clusters in different folders are independent, and all of them listen on
loopback only. Importing this module takes almost no time, so every run may call `endpoint`.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from pipeline.embedded.cluster import ClusterSpec, Endpoint, load_cluster
from pipeline.embedded.machine import accepts
from pipeline.embedded.startup import STOP_GRACE_S, end_nodes, is_up, refuse_another, start_cluster
from pipeline.errors import EmbeddedError, OutputError

__all__ = [
    "ClusterSpec",
    "Endpoint",
    "NodeStatus",
    "Status",
    "endpoint",
    "start",
    "status",
    "stop",
    "stop_node",
]

START_TIMEOUT_S = 180.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeStatus:
    """One node: where it listens, its process id if it runs, its log."""

    address: str
    port: int
    pid: int | None
    log: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
    """The nodes of the cluster in `folder`; empty if no cluster was ever started there."""

    folder: Path
    nodes: tuple[NodeStatus, ...]

    @property
    def running(self) -> bool:
        """Whether there is a cluster, and all its nodes run."""
        return bool(self.nodes) and all(node.pid is not None for node in self.nodes)


def endpoint(folder: Path) -> Endpoint | None:
    """Return the running nodes of the cluster in `folder` that accept connections; None if there are none.

    Raises:
        EmbeddedError: its state file is damaged.
    """
    folder = folder.resolve()
    cluster = load_cluster(folder)
    if cluster is None:
        return None
    running = tuple(
        node.address
        for node in cluster.members(folder)
        if node.pid is not None and accepts(node.address, node.native_port)
    )
    return Endpoint(contact_points=running, port=cluster.native_port) if running else None


def status(folder: Path) -> Status:
    """Return which nodes the cluster in `folder` has, and which of them run.

    Raises:
        EmbeddedError: its state file is damaged.
    """
    folder = folder.resolve()
    cluster = load_cluster(folder)
    nodes = cluster.members(folder) if cluster else ()
    return Status(
        folder=folder,
        nodes=tuple(
            NodeStatus(address=node.address, port=node.native_port, pid=node.pid, log=node.system_log)
            for node in nodes
        ),
    )


def start(spec: ClusterSpec, *, timeout_s: float = START_TIMEOUT_S) -> Endpoint:
    """Start the cluster of `spec`, or find it running; return its endpoint when it accepts requests.

    A running cluster keeps its settings; a stopped one starts with its data and the settings of `spec`.
    `timeout_s` is the limit for each node. Several starts at the same time start the cluster once.

    Raises:
        EmbeddedError: it cannot be installed or started, or the cluster in the folder does not match `spec`.
        OutputError: its folder cannot be written.
    """
    folder = spec.folder.resolve()
    with _locked(folder):
        cluster = load_cluster(folder)
        if cluster:
            refuse_another(cluster, spec)
        if not (cluster and is_up(cluster.members(folder))):
            cluster = start_cluster(spec, folder, cluster, timeout_s)
    return Endpoint(contact_points=cluster.addresses, port=cluster.native_port)


def stop(folder: Path) -> bool:
    """End every process of the cluster in `folder`, and no other; tell whether any ran. The data stays.

    Raises:
        EmbeddedError: a process belongs to another user, or its state file is damaged.
        OutputError: the folder cannot be written.
    """
    folder = folder.resolve()
    if not folder.exists():
        return False
    with _locked(folder):
        cluster = load_cluster(folder)
        nodes = cluster.members(folder) if cluster else ()
        ran = any(node.pid is not None for node in nodes)
        end_nodes(nodes)
    return ran


def stop_node(folder: Path, number: int, *, kill: bool = False) -> None:
    """End one node, counted from 1, of the cluster in `folder`; `start` starts it again with its data.

    The node flushes and ends, or is killed at once by SIGKILL if `kill` is set; a stopped node stays stopped.

    Raises:
        EmbeddedError: there is no such node, or its process belongs to another user.
        OutputError: the folder cannot be written.
    """
    folder = folder.resolve()
    with _locked(folder):
        cluster = load_cluster(folder)
        nodes = cluster.members(folder) if cluster else ()
        if not 1 <= number <= len(nodes):
            raise EmbeddedError(
                f"the cluster in {folder} has {len(nodes)} nodes, node {number} was to be stopped"
            )
        node = nodes[number - 1]
        if not kill:
            node.ask_to_end()
        node.end(grace_s=0 if kill else STOP_GRACE_S)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: one start or stop at a time."""
    from filelock import FileLock  # noqa: PLC0415 - endpoint and status do without it

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "start.lock")
        lock.acquire()
    except OSError as error:
        raise OutputError(
            f"cannot use {folder}: {error}; make it writable, or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
