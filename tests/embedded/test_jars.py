import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.embedded.jars import Jar, cache_folder, ensure_jars, locked_jars
from pipeline.embedded.releases import DEFAULT, find_release
from pipeline.errors import EmbeddedError

CONTENT = b"what a jar holds"
JAR = Jar(
    group="org.example",
    artifact="thing",
    version="1.0",
    classifier="linux",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


class Repository(BaseHTTPRequestHandler):
    """A Maven repository that holds one file."""

    def do_GET(self) -> None:
        """Serve the file."""
        found = self.path.endswith("/org/example/thing/1.0/thing-1.0-linux.jar")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(CONTENT) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a user whose jgo settings name a repository that cannot be reached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))
    (tmp_path / "jgo.conf").write_text("[repositories]\ncentral = http://127.0.0.1:1/\n", encoding="utf-8")
    return cache_folder()


@pytest.fixture
def repository(cache: Path, tmp_path: Path) -> Iterator[Path]:
    """The same with a repository that answers; yields the cache."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / "jgo.conf").write_text(
            f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}/\n", encoding="utf-8"
        )
        yield cache
        server.shutdown()
        thread.join()


def test_a_jar_is_downloaded_once_and_used_without_the_network(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start downloads from the user's repository; the next one needs no network."""
    assert ensure_jars([JAR]) == [repository / "thing-1.0-linux.jar"]
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "absent"))
    (path,) = ensure_jars([JAR])
    assert path.read_bytes() == CONTENT


def test_a_corrupted_jar_heals(repository: Path) -> None:
    """A jar that was altered in the cache is downloaded again; the rest of a killed download is removed."""
    (repository / "partial").mkdir(parents=True)
    (repository / "partial" / "half.jar").write_bytes(b"half")
    (repository / JAR.name).write_bytes(b"not a jar")
    (path,) = ensure_jars([JAR])
    assert path.read_bytes() == CONTENT
    assert not (repository / "partial").exists()


def test_a_jar_that_is_not_the_locked_one_is_refused(repository: Path) -> None:
    """A download with another checksum than the lock's never enters the cache."""
    other = Jar(group="org.example", artifact="thing", version="1.0", classifier="linux", sha256="0" * 64)
    with pytest.raises(EmbeddedError, match="another sha256"):
        ensure_jars([other])
    assert not (repository / other.name).exists()


def test_an_incomplete_cache_without_network_says_so(cache: Path) -> None:
    """Offline, the message says how many jars are missing, where, and that the network is needed once."""
    with pytest.raises(
        EmbeddedError, match=r"1 of Cassandra's jars .* downloaded once.* network is needed"
    ) as caught:
        ensure_jars([JAR])
    assert str(cache) in str(caught.value)


def test_the_lock_names_cassandra_with_a_sum_for_every_jar() -> None:
    """The lock in the repository is complete, and no two of its jars share a file name."""
    jars = locked_jars(find_release(DEFAULT).lock_file)
    assert any(jar.artifact == "cassandra-all" and jar.version.startswith("5.0.") for jar in jars)
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({jar.name for jar in jars}) == len(jars)


def test_a_damaged_lock_is_named(tmp_path: Path) -> None:
    """If a lock cannot be read, the error names it and says how to restore it."""
    damaged = tmp_path / "jgo.lock.toml"
    damaged.write_text("[[dependencies]]\ngroupId = 'x'\n", encoding="utf-8")
    with pytest.raises(EmbeddedError, match=r"jgo\.lock\.toml.*jgo lock"):
        locked_jars(damaged)
