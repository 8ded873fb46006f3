import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.published.fetch import FetchError, fetch, members
from tests.published.files import PublishedFile

CONTENT = b"id,name\n1,a\n"
FILE = PublishedFile(
    name="rows.csv",
    registry="pypi",
    package="some-package",
    version="1.0",
    member="data/rows.csv",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="MIT",
    format="csv",
    rows=1,
    kept_aside=False,
    primary_key=("id",),
    notes="",
    columns={"id": "int", "name": "text"},
)


def wheel(folder: Path) -> Path:
    """Write an archive as pip downloads it; return its path."""
    path = folder / "some_package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(FILE.member, CONTENT)
    return path


def tgz(folder: Path) -> Path:
    """Write an archive as npm downloads it; return its path."""
    path = folder / "some-package-1.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(FILE.member)
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    return path


@pytest.mark.parametrize("made", [wheel, tgz])
def test_members(made: Callable[[Path], Path], tmp_path: Path) -> None:
    """A file is taken out of a wheel and of a tar, under its name in the folder."""
    assert members(made(tmp_path), [FILE]) == {"rows.csv": CONTENT}


@pytest.mark.parametrize("made", [wheel, tgz])
def test_absent(made: Callable[[Path], Path], tmp_path: Path) -> None:
    """A path that the archive lacks is named."""
    with pytest.raises(FetchError, match=r"data/other\.csv"):
        members(made(tmp_path), [replace(FILE, member="data/other.csv")])


def test_changed(tmp_path: Path) -> None:
    """A content that is not the listed one is refused, with both digests."""
    with pytest.raises(FetchError, match=f"{FILE.sha256}, but {'0' * 64} is listed"):
        members(wheel(tmp_path), [replace(FILE, sha256="0" * 64)])


def test_damaged(tmp_path: Path) -> None:
    """An archive that was cut off is an error of its own, not a crash."""
    path = wheel(tmp_path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(FetchError, match="cannot be read"):
        members(path, [FILE])


def test_present(tmp_path: Path) -> None:
    """A file that is there with the right digest is not downloaded again."""
    (tmp_path / FILE.name).write_bytes(CONTENT)
    assert fetch([FILE], tmp_path) == 0
