"""The versions of Cassandra that can be started."""

import tomllib
from pathlib import Path

import pytest

from pipeline.embedded import ClusterSpec, start
from pipeline.embedded.cluster import Cluster, save_cluster
from pipeline.embedded.jars import locked_jars
from pipeline.embedded.releases import DEFAULT, RELEASES
from pipeline.errors import EmbeddedError, SettingError
from pipeline.settings import EMBEDDED_VERSIONS, EmbeddedConfig

pytestmark = pytest.mark.server


def test_the_setting_has_the_releases() -> None:
    """The versions of the setting are those that have a lock, and the default is the same."""
    assert tuple(RELEASES) == EMBEDDED_VERSIONS
    assert EmbeddedConfig().version == DEFAULT == ClusterSpec(folder=Path()).version


@pytest.mark.parametrize("version", RELEASES)
def test_a_release_is_locked(version: str) -> None:
    """The lock of a version has its Cassandra, and was made from the file beside it."""
    release = RELEASES[version]
    found = {jar.artifact: jar.version for jar in locked_jars(release.lock_file)}
    assert found["cassandra-all"] == version
    wanted = tomllib.loads(release.lock_file.with_name("jgo.toml").read_text(encoding="utf-8"))
    for coordinate in wanted["dependencies"]["coordinates"]:
        _, artifact, locked = coordinate.split(":")
        assert found[artifact] == locked
    assert wanted["java"]["version"] == str(release.java)


def test_data_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """A folder with a cluster of another version is refused; the message names both."""
    ports = {"native_port": 29999, "storage_port": 29998}
    save_cluster(tmp_path, Cluster(name="other", nodes=1, encrypted=False, versions=("4.0.19",), **ports))
    with pytest.raises(EmbeddedError, match=r"has Cassandra 4\.0\.19, 5\.0\.9 was asked for"):
        start(ClusterSpec(folder=tmp_path))
    with pytest.raises(SettingError, match=r"version is '2\.0'; it must be one of 3\.11"):
        ClusterSpec(folder=tmp_path, version="2.0")
    with pytest.raises(SettingError, match="one for each of 2 nodes"):
        ClusterSpec(folder=tmp_path, nodes=2, versions=["4.0.19"])
