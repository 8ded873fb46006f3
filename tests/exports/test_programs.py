"""What cqlsh and DSBulk write of a table makes the same table, value by value; `make test-exports`."""

from pathlib import Path

import pytest

from pipeline.embedded import Endpoint
from tests.exports.loading import OPTIONS, RECORDED, require_refused, require_same
from tests.exports.losses import LOSSES
from tests.exports.programs import PROGRAMS
from tests.exports.tables import Keyspace
from tests.harness.workspace import Workspace


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_export_makes_the_same_table(
    keyspace: Keyspace, workspace: Workspace, endpoint: Endpoint, tmp_path: Path, name: str
) -> None:
    """Every value of every type that a program writes is loaded as it was, but for the named losses."""
    losses = LOSSES[name]
    values = losses.values()
    table = keyspace.create("source", [*values])
    keyspace.fill("source", values)
    file = PROGRAMS[name](table, endpoint, tmp_path)
    require_same(keyspace, workspace, file, losses, *OPTIONS[name])
    # Rows are in the order of their tokens, or in any.
    written, recorded = (sorted(each.read_bytes().splitlines()) for each in (file, RECORDED[name]))
    assert written == recorded, "python -m tests.exports.record writes the recorded files anew"


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_program_cannot_write_is_never_another_value(
    keyspace: Keyspace, workspace: Workspace, endpoint: Endpoint, tmp_path: Path, name: str
) -> None:
    """A value that a program leaves out, or writes as no value of its type, is a bad row or in no file."""
    losses = LOSSES[name]
    table, _ = keyspace.create_refused(losses)
    file = PROGRAMS[name](table, endpoint, tmp_path)
    require_refused(keyspace, workspace, file, losses, *OPTIONS[name])
