"""What pandas and Polars write of rows makes the same table, value by value; `make test-exports`."""

from pathlib import Path

import pytest

from pipeline.embedded import Endpoint
from tests.exports.frames import frame_to
from tests.exports.loading import OPTIONS, require_refused, require_same
from tests.exports.losses import FRAMES
from tests.exports.tables import Keyspace
from tests.exports.values import RETURNS, text
from tests.harness.workspace import Workspace


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_makes_the_same_table(
    keyspace: Keyspace, workspace: Workspace, endpoint: Endpoint, tmp_path: Path, name: str
) -> None:
    """Every value that a library has a type or a text for is loaded as it was, but for the named losses."""
    library, _, form = name.partition("-")
    values = FRAMES[name].values()
    table = keyspace.create("source", [*values])
    keyspace.fill("source", values)
    file = frame_to(library, form, table, [*values], endpoint, tmp_path)
    require_same(keyspace, workspace, file, FRAMES[name], *OPTIONS[name])


@pytest.mark.parametrize("name", [name for name, losses in FRAMES.items() if losses.refused])
def test_what_a_library_cannot_write_is_never_another_value(
    keyspace: Keyspace, workspace: Workspace, endpoint: Endpoint, tmp_path: Path, name: str
) -> None:
    """A value that a library writes as none of its type is a bad row."""
    library, _, form = name.partition("-")
    table, types = keyspace.create_refused(FRAMES[name])
    file = frame_to(library, form, table, types, endpoint, tmp_path)
    require_refused(keyspace, workspace, file, FRAMES[name], *OPTIONS[name])


def test_a_carriage_return_without_quotes_is_refused(
    keyspace: Keyspace, workspace: Workspace, endpoint: Endpoint, tmp_path: Path
) -> None:
    """Of a text with a carriage return pandas makes two lines: the file is refused, and nothing is loaded."""
    table = keyspace.create("source", ["text"])
    keyspace.fill("source", {"text": ["'a'", text(RETURNS[1])]})
    loaded = keyspace.create("loaded", ["text"])
    file = frame_to("pandas", "csv", table, ["text"], endpoint, tmp_path)
    done = workspace.luigi("LoadTable", "--table", loaded, "--input", str(file))
    assert "1 field where the header has 2" in done.stdout
    assert done.returncode != 0
    assert keyspace.cells("loaded") == {}
