"""Cassandra's jars: exactly those in a release's lock, in a cache of this user, each with a checked SHA-256.

The lock file is complete: a start resolves no versions and, if the cache is complete, needs no network.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.embedded.machine import require_room
from pipeline.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable

_NEEDED_MIB = 200
_THREADS = 8
_TRIES = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Jar:
    """One locked artifact."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"

    def is_at(self, path: Path) -> bool:
        """Tell whether the file at `path` is this jar, complete and unaltered."""
        try:
            with path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def cache_folder() -> Path:
    """Return the folder of this user's jars; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a path that is not absolute.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "luigi-cassandra-load" / "jars"


def locked_jars(lock_file: Path) -> list[Jar]:
    """Return the jars of the lock, in its order.

    Raises:
        EmbeddedError: the lock is absent, or was not written by `jgo lock` with its checksums.
    """
    try:
        entries = tomllib.loads(lock_file.read_text(encoding="utf-8"))["dependencies"]
        return [
            Jar(
                group=entry["groupId"],
                artifact=entry["artifactId"],
                version=entry["version"],
                classifier=entry.get("classifier", ""),
                sha256=entry["sha256"],
            )
            for entry in entries
        ]
    except (OSError, ValueError, KeyError) as error:
        raise EmbeddedError(
            f"cannot read {lock_file}: {error!r}; restore it from the repository, or write it with `jgo lock`"
        ) from error


def ensure_jars(jars: Sequence[Jar]) -> list[Path]:
    """Return the paths of `jars` in the cache, after downloading what is absent there or altered.

    Several starts at once share one download. After a killed download, the next start gets what is missing.

    Raises:
        EmbeddedError: a jar cannot be downloaded or has a wrong checksum, or the disk has no room.
    """
    from filelock import FileLock  # noqa: PLC0415 - status and endpoint do without it

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            wanted = [jar for jar in jars if not jar.is_at(folder / jar.name)]
            if wanted:
                require_room(folder, needed_mib=_NEEDED_MIB)
                _download(wanted, folder)
    except OSError as error:
        raise EmbeddedError(
            f"cannot keep Cassandra's jars in {folder}: {error}; "
            "make it writable, or set XDG_CACHE_HOME to another folder"
        ) from error
    return [folder / jar.name for jar in jars]


def _download(jars: Sequence[Jar], folder: Path) -> None:
    partial = folder / "partial"
    # The lock is held, so these files are from a download that was killed.
    shutil.rmtree(partial, ignore_errors=True)
    pool = ThreadPoolExecutor(_THREADS)
    try:
        with _progress(len(jars)) as (arrived, finished):
            for fetch in as_completed([pool.submit(_fetch, jar, partial, arrived) for jar in jars]):
                jar, path = fetch.result()
                path.replace(folder / jar.name)
                finished()
    except EmbeddedError as error:
        absent = sum(not (folder / jar.name).exists() for jar in jars)
        raise EmbeddedError(
            f"{absent} of Cassandra's jars are still missing in {folder}: {error}; they are downloaded once, "
            "and the network is needed for that: connect, then start again (complete jars are kept)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(partial, ignore_errors=True)


def _fetch(jar: Jar, partial: Path, arrived: "Callable[[int], None]") -> tuple[Jar, Path]:
    """Download one jar with jgo into a folder of its own, and check it."""
    from jgo.config import GlobalSettings  # noqa: PLC0415 - a third of a second, and only a download needs it
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415 - the HTTP client of jgo

    @contextlib.contextmanager
    def progress(_name: str, _size_bytes: int) -> "Iterator[Callable[[int], None]]":
        yield arrived

    for attempt in range(1, _TRIES + 1):
        context = MavenContext(
            repo_cache=partial / f"{jar.name}.{attempt}", resolver=PythonResolver(progress_callback=progress)
        )
        # As in jgo itself, a repository in the user's jgo settings may replace the default one.
        context.remote_repos.update(GlobalSettings.load().repositories)
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier)
        try:
            path = Path(artifact.resolve())
        except (RequestException, RuntimeError) as error:
            failure = EmbeddedError(f"{jar.name} cannot be downloaded: {error}")
            failure.__cause__ = error
            continue
        if jar.is_at(path):
            return jar, path
        failure = EmbeddedError(f"the downloaded {jar.name} has another sha256 than in its lock")
    raise failure


@contextlib.contextmanager
def _progress(count: int) -> "Iterator[tuple[Callable[[int], None], Callable[[], None]]]":
    """Show a download of `count` jars; yield the callbacks for each piece's bytes and for each full jar."""
    from rich.console import Console  # noqa: PLC0415 - only a download needs it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    if not sys.stderr.isatty():
        _log.info("downloading %d of Cassandra's jars, once; all of them are 70 MB", count)
    columns = (
        TextColumn("Cassandra's jars, once"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[mib]:.1f} MiB"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as display:
        task = display.add_task("", total=count, mib=0.0)
        received_bytes = 0
        counting = threading.Lock()

        def arrived(size_bytes: int) -> None:
            nonlocal received_bytes
            with counting:
                received_bytes += size_bytes
                display.update(task, mib=received_bytes / 2**20)

        yield arrived, lambda: display.advance(task)
