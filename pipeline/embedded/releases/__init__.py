"""The releases of Cassandra that can be started: a folder for each, with the lock of its jars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release: the Java that it runs on, and what it has in its own form.

    `settings` are entries of cassandra.yaml; one that is None is left out. `seed` is the form of a seed, and
    `joined` what a node logs when another one, or itself, has joined the ring.
    """

    version: str
    java: int
    settings: Mapping[str, object] = field(default_factory=dict)
    seed: str = "{address}:{port}"
    joined: str = "Node /{address}:{port} state NORMAL"

    @property
    def lock_file(self) -> Path:
        """The lock of its jars, written by `jgo lock`."""
        return Path(__file__).resolve().parent / self.version / "jgo.lock.toml"


def find_release(version: str) -> Release:
    """Return the release of a version.

    Raises:
        SettingError: it is not one of those that can be started.
    """
    if version not in RELEASES:
        raise SettingError(f"version is {version!r}; it must be one of {', '.join(RELEASES)}")
    return RELEASES[version]


DEFAULT = "5.0.9"
_IN_MS: Mapping[str, object] = {"commitlog_sync_period": None, "commitlog_sync_period_in_ms": 10_000}
RELEASES: Mapping[str, Release] = {
    release.version: release
    for release in (
        Release(
            version="3.11.19",
            java=11,
            settings={
                **_IN_MS,
                "allocate_tokens_for_local_replication_factor": None,
                "start_native_transport": True,
                "start_rpc": False,
            },
            seed="{address}",
            joined="Node /{address} state NORMAL",
        ),
        Release(version="4.0.19", java=11, settings=_IN_MS),
        Release(version="4.1.10", java=11),
        Release(version=DEFAULT, java=17),
        # A node starts when all nodes know it: they have one log of the cluster's changes.
        Release(version="6.0-alpha2", java=17, joined=" - NORMAL"),
    )
}
