"""Objects of Google and Azure, as far as emulators of these stores show it."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import RowFileError
from pipeline.rowfiles.files import read_rows, write_rows
from pipeline.rowfiles.finding import find_files
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.sources import describe_file, require_unchanged
from pipeline.rowfiles.stores.paths import ObjectPath
from tests.clouds.emulators import azure, google, put
from tests.harness.rowfiles import NAMES, SOME


@pytest.fixture(scope="module", params=[azure, google], ids=["azure", "google"])
def root(request: pytest.FixtureRequest) -> Iterator[ObjectPath]:
    """Run a store; return the path of what is in it."""
    with request.param() as root:
        yield root


def beneath(root: ObjectPath, key: str) -> ObjectPath:
    """Return the path of an object."""
    return replace(root, uri=f"{root.uri}/{key}")


@pytest.mark.parametrize("end", ["csv", "csv.gz", "jsonl", "parquet"])
def test_objects_are_found_and_read(root: ObjectPath, tmp_path: Path, end: str) -> None:
    """A glob finds an object of each format, and its rows are those that were written."""
    file = tmp_path / f"rows.{end.removesuffix('.gz')}"
    write_rows(file, NAMES, SOME)
    content = file.read_bytes()
    path = beneath(root, f"{end}/a/rows.{end}")
    put(path, gzip.compress(content) if end.endswith(".gz") else content)
    put(beneath(root, f"{end}/a/notes.txt"), b"")
    assert find_files(f"{root}/{end}/*/*.{end}", objects=root.config) == (path,)
    assert find_files(f"{root}/{end}/a", objects=root.config) == (path,)
    assert list(read_rows(RowsToRead(files=(describe_file(path),)), NAMES)) == list(
        read_rows(RowsToRead(files=(describe_file(file),)), NAMES)
    )


def test_what_is_gone_or_replaced_is_an_error(root: ObjectPath) -> None:
    """An object is known by its ETag or generation, and one that is absent is named at once."""
    path = beneath(root, "a.csv")
    put(path, b"id,name,born\n1,a,\n")
    described = describe_file(path)
    require_unchanged(described)
    put(path, b"id,name,born\n1,b,\n")
    with pytest.raises(RowFileError, match=r"a.csv was replaced while it was being read"):
        require_unchanged(described)
    with pytest.raises(RowFileError, match=r"none.csv: there is no such object; check its name"):
        describe_file(beneath(root, "none.csv"))
