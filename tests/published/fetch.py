"""`python -m tests.published.fetch FOLDER [--kept-aside]`: download the files of files.toml into a folder.

Packages are downloaded by name and exact version with pip and npm, from the indexes that these are configured
for. Nothing is installed, but pip runs the build of a source distribution to read its metadata. A file that
is in the folder with the right digest is not downloaded again.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.files import atomic_path
from tests.published.files import Package, PublishedFile, published_files

_TIMEOUT_S = 600
_TAIL_LINES = 3
_PLATFORMS = (
    "manylinux2014_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_28_x86_64",
)
"""Of the wheels with compiled code; their data is the same for each Python and machine, so one is enough."""


class FetchError(Exception):
    """A package cannot be downloaded, or does not have a file as it is listed."""


def fetch(files: Iterable[PublishedFile], folder: Path) -> int:
    """Put what is absent or altered of `files` into `folder`; return the number of files written.

    Each file arrives whole or not at all, and those of the other packages arrive in spite of a failure.

    Raises:
        FetchError: some packages failed; the message has a line for each of them.
        OutputError: the folder cannot be written.
    """
    absent = [file for file in files if not _is_at(folder / file.name, file)]
    by_package = sorted(absent, key=_order)
    failures: list[str] = []
    written = 0
    for package, group in groupby(by_package, key=lambda file: file.source):
        wanted = list(group)
        _say(f"{package}: {', '.join(file.name for file in wanted)}")
        try:
            with tempfile.TemporaryDirectory() as downloads:
                contents = members(_download(package, Path(downloads)), wanted)
        except FetchError as error:
            failures.append(f"{package}: {error}")
            continue
        for name, content in contents.items():
            with atomic_path(folder / name) as temporary:
                temporary.write_bytes(content)
            written += 1
    if failures:
        raise FetchError("\n".join(failures))
    return written


def members(archive: Path, wanted: Sequence[PublishedFile]) -> Mapping[str, bytes]:
    """Return the contents of the files in an archive, by their names in the folder.

    Raises:
        FetchError: the archive is damaged, lacks a file, or has another content under its path.
    """
    try:
        read = _zip_members if archive.suffix in {".whl", ".zip"} else _tar_members
        contents = read(archive, [file.member for file in wanted])
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise FetchError(
            f"{archive.name} cannot be read: {error}; is each path in files.toml right?"
        ) from error
    for file in wanted:
        digest = hashlib.sha256(contents[file.member]).hexdigest()
        if digest != file.sha256:
            raise FetchError(
                f"{file.member} has the sha256 {digest}, but {file.sha256} is listed: look at what has "
                "changed before you change files.toml"
            )
    return {file.name: contents[file.member] for file in wanted}


def main() -> int:
    """Execute the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.published.fetch", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files are put; it is made if it is absent")
    parser.add_argument("--kept-aside", action="store_true", help="those for the last trial, not the others")
    asked = parser.parse_args()
    files = published_files(kept_aside=asked.kept_aside)
    try:
        written = fetch(files, asked.folder)
    except (FetchError, OutputError) as error:
        _say(f"{error}\nThe other files are complete; run the same command again for the rest.")
        return 1
    _say(f"{len(files)} files are in {asked.folder}, {written} of them new")
    return 0


def _order(file: PublishedFile) -> tuple[str, ...]:
    return (file.registry, file.package, file.version, file.archive)


def _is_at(path: Path, file: PublishedFile) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def _download(package: Package, folder: Path) -> Path:
    """Download the archive of a package into an empty folder; return its path."""
    _run(_npm(package, folder) if package.registry == "npm" else _pip(package, folder))
    found = sorted(folder.iterdir())
    if len(found) != 1:
        raise FetchError(f"one archive was expected, not {[path.name for path in found]}")
    return found[0]


def _pip(package: Package, folder: Path) -> Sequence[str]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    where = ["--no-deps", "--dest", str(folder), f"{package.name}=={package.version}"]
    if package.archive == "sdist":
        return [*pip, "--no-binary", package.name, *where]
    platforms = [f"--platform={platform}" for platform in _PLATFORMS]
    return [*pip, "--only-binary=:all:", "--python-version=3.11", "--implementation=cp", *platforms, *where]


def _npm(package: Package, folder: Path) -> Sequence[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is absent; install Node.js with npm, and fetch again")
    return [
        npm,
        "pack",
        "--loglevel=error",
        "--pack-destination",
        str(folder),
        f"{package.name}@{package.version}",
    ]


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"no answer within {_TIMEOUT_S} s; is the network reachable?") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-_TAIL_LINES:]
        raise FetchError(f"{Path(command[0]).name} failed with status {done.returncode}: {' / '.join(said)}")


def _zip_members(archive: Path, paths: Iterable[str]) -> Mapping[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {path: opened.read(path) for path in paths}


def _tar_members(archive: Path, paths: Iterable[str]) -> Mapping[str, bytes]:
    contents = {}
    with tarfile.open(archive) as opened:
        for path in paths:
            stream = opened.extractfile(path)
            if stream is None:
                raise KeyError(path)
            contents[path] = stream.read()
    return contents


def _say(text: str) -> None:
    sys.stderr.write(f"fetch: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
