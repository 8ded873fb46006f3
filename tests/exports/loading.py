"""Loads a file that a tool wrote, and compares the table with the one that it was written from."""

from pathlib import Path

from tests.exports.tables import Keyspace, Losses
from tests.harness.workspace import PROJECT, Workspace

OPTIONS = {
    "cqlsh": ("--dialect", "cqlsh", "--header", "true"),
    "dsbulk-csv": ("--dialect", "dsbulk"),
    "dsbulk-json": ("--dialect", "dsbulk"),
    **dict.fromkeys(
        ("pandas-csv", "polars-csv"), ("--null-words", r"\N", "--empty", "text", "--blob-form", "hex")
    ),
    **dict.fromkeys(
        ("pandas-jsonl", "polars-jsonl", "pandas-parquet", "polars-parquet"), ("--blob-form", "hex")
    ),
}
"""What a load of each tool's file is told."""

_FOLDER = PROJECT / "tests/exports/recorded"
RECORDED = {
    "cqlsh": _FOLDER / "cqlsh-6.2.2.csv",
    "dsbulk-csv": _FOLDER / "dsbulk-1.10.0.csv",
    "dsbulk-json": _FOLDER / "dsbulk-1.10.0.jsonl",
}
"""What the programs of these versions wrote of the table of all values: `tests.exports.record`."""


def require_same(keyspace: Keyspace, workspace: Workspace, file: Path, losses: Losses, *options: str) -> None:
    """Return if a file, once loaded and verified, makes the table of all values, but for the named losses."""
    values = losses.values()
    keyspace.create("wanted", [*values])
    count = keyspace.fill("wanted", values, losses)
    table = keyspace.create("loaded", [*values])
    words = ("--table", table, "--input", str(file), *options)
    done = workspace.luigi("VerifyTable", "--exact", *words)
    assert done.returncode == 0, done.stdout
    assert f"{count} of {count} rows are in the table" in done.stdout
    wanted, loaded = keyspace.cells("wanted"), keyspace.cells("loaded")
    assert {at: (loaded.get(at), cell) for at, cell in wanted.items() if loaded.get(at) != cell} == {}
    assert loaded.keys() == wanted.keys()


def require_refused(
    keyspace: Keyspace, workspace: Workspace, file: Path, losses: Losses, *options: str
) -> None:
    """Return if no row from 1 on is loaded: they are bad rows, or not in the file. Some others must be."""
    table = keyspace.create("loaded", [*dict.fromkeys(name for name, _ in losses.refused)])
    words = ("--table", table, "--input", str(file), "--max-bad-rows", "1000", *options)
    done = workspace.luigi("LoadTable", *words)
    assert done.returncode == 0, done.stdout
    rows = {row for row, _ in keyspace.cells("loaded")}
    assert rows
    assert max(rows) <= 0
