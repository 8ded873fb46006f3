"""The specification of an embedded cluster, and the file in which the next run finds the cluster."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.embedded.node import Node
from pipeline.embedded.releases import DEFAULT, Release, find_release
from pipeline.errors import EmbeddedError, SettingError
from pipeline.files import write_text

_MOST_NODES = 9
_LEAST_HEAP_MIB = 256
_LEAST_PORT, _MOST_PORT = 1024, 65535
# Because of these, a cluster stays on loopback and later runs find it.
_RESERVED = {
    "broadcast_address",
    "broadcast_rpc_address",
    "cluster_name",
    "listen_address",
    "listen_interface",
    "native_transport_port",
    "rpc_address",
    "rpc_interface",
    "seed_provider",
    "storage_port",
}


@dataclass(frozen=True, kw_only=True)
class ClusterSpec:
    """The requested cluster, in a folder of its own.

    `heap` is that of each node, in the form of `-Xmx`; `port` 0 means a free port, 9042 if possible;
    `overrides` are more top-level entries of cassandra.yaml, for example an authenticator; `advertised` are
    the addresses, one per node, that clients get in place of the nodes' own: those of a proxy. `version` is
    that of Cassandra; `versions` are those of the nodes, where they differ.

    Raises:
        SettingError: a value is out of range, or an override is one that the cluster sets itself.
    """

    folder: Path
    nodes: int = 1
    heap: str = "1G"
    port: int = 0
    overrides: Mapping[str, object] = field(default_factory=dict)
    advertised: Sequence[str] = ()
    version: str = DEFAULT
    versions: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.nodes <= _MOST_NODES:
            raise SettingError(f"nodes is {self.nodes}; it must be from 1 to {_MOST_NODES}")
        heap = re.fullmatch(r"(\d+)([MG])", self.heap, re.IGNORECASE)
        if not heap or int(heap[1]) * (1024 if heap[2] in "gG" else 1) < _LEAST_HEAP_MIB:
            raise SettingError(
                f"heap is {self.heap!r}; it must be like 512M or 2G, at least {_LEAST_HEAP_MIB}M"
            )
        if self.port and not _LEAST_PORT <= self.port <= _MOST_PORT:
            raise SettingError(
                f"port is {self.port}; it must be 0 (a free one) or from {_LEAST_PORT} to {_MOST_PORT}"
            )
        if self.advertised and len(self.advertised) != self.nodes:
            raise SettingError(
                f"advertised has {len(self.advertised)} addresses; give one for each of {self.nodes} nodes"
            )
        if self.versions and len(self.versions) != self.nodes:
            raise SettingError(f"versions are {len(self.versions)}; give one for each of {self.nodes} nodes")
        for version in (self.version, *self.versions):
            find_release(version)
        for name in sorted(_RESERVED.intersection(self.overrides)):
            raise SettingError(f"overrides has {name}, which the embedded cluster sets itself; leave it out")
        try:
            json.dumps(self.overrides)
        except (TypeError, ValueError) as error:
            raise SettingError(f"overrides must be plain values, as in YAML: {error}") from error

    @property
    def versions_of_nodes(self) -> tuple[str, ...]:
        """The version of each node."""
        return tuple(self.versions) or (self.version,) * self.nodes

    def settings_of(self, number: int) -> Mapping[str, object]:
        """Return the requested entries of the cassandra.yaml of one node, counted from 0."""
        own = {"broadcast_rpc_address": self.advertised[number]} if self.advertised else {}
        return {**self.overrides, **own}

    @property
    def encrypts_clients(self) -> bool:
        """Whether clients must connect with TLS."""
        options = self.overrides.get("client_encryption_options")
        return isinstance(options, Mapping) and bool(options.get("enabled"))


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a running cluster accepts requests."""

    contact_points: tuple[str, ...]
    port: int


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster with its chosen name and ports, kept in `cluster.json`."""

    name: str
    nodes: int
    native_port: int
    storage_port: int
    encrypted: bool
    versions: tuple[str, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The loopback address of each node."""
        return loopback_addresses(self.nodes)

    def members(self, folder: Path) -> tuple[Node, ...]:
        """Return the nodes of the cluster in `folder`, in the order of their start."""
        return tuple(
            Node(
                folder=folder / f"node{number}",
                address=address,
                native_port=self.native_port,
                storage_port=self.storage_port,
                encrypted=self.encrypted,
                release=find_release(version),
            )
            for number, (address, version) in enumerate(
                zip(self.addresses, self.versions, strict=True), start=1
            )
        )

    def settings(self, release: Release, overrides: Mapping[str, object]) -> dict[str, object]:
        """Return the entries of a node's cassandra.yaml, except its own addresses and ports.

        Absent entries keep Cassandra's own defaults, so that measurements are of Cassandra as people run it.
        """
        seeds = release.seed.format(address=self.addresses[0], port=self.storage_port)
        wanted = {
            "cluster_name": self.name,
            "seed_provider": [
                {
                    "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                    "parameters": [{"seeds": seeds}],
                }
            ],
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "endpoint_snitch": "SimpleSnitch",
            "num_tokens": 16,
            "allocate_tokens_for_local_replication_factor": 3,
            "commitlog_sync": "periodic",
            "commitlog_sync_period": "10000ms",
            # Dropping a table of a few million test rows should free its disk space.
            "auto_snapshot": False,
            **release.settings,
            **overrides,
        }
        return {name: value for name, value in wanted.items() if value is not None}


def loopback_addresses(nodes: int) -> tuple[str, ...]:
    """Return the addresses of `nodes` nodes."""
    return tuple(f"127.0.0.{number}" for number in range(1, nodes + 1))


def load_cluster(folder: Path) -> Cluster | None:
    """Return the cluster that was saved in `folder`, running or not; None if none was.

    Raises:
        EmbeddedError: its file is damaged or cannot be read.
    """
    file = folder / "cluster.json"
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
        return Cluster(
            name=str(saved["name"]),
            nodes=int(saved["nodes"]),
            native_port=int(saved["native_port"]),
            storage_port=int(saved["storage_port"]),
            encrypted=bool(saved["encrypted"]),
            # Clusters of earlier versions of this project have none.
            versions=tuple(map(str, saved.get("versions", [DEFAULT] * int(saved["nodes"])))),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddedError(
            f"cannot read {file}: {error!r}; end the processes of {folder}, if any, and remove that folder "
            "to begin with an empty cluster, or choose another one"
        ) from error


def save_cluster(folder: Path, cluster: Cluster) -> None:
    """Save `cluster` in `folder`, completely or not at all.

    Raises:
        OutputError: the folder cannot be written.
    """
    write_text(folder / "cluster.json", json.dumps(asdict(cluster), indent=2) + "\n")
