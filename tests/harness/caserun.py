"""Runs the commands of a public report as they stand, with the real `luigi`, and reads its tables.

A folder tests/cases/<case>/ holds the files that the report was about, schema.cql, command.txt (a line is
one command of a shell; $CASE is the folder) and read.cql, whose rows are taken as Cassandra's own JSON.
Where there is an advice.txt, its commands follow: they do what the messages of the others said.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.workspace import PROJECT, Workspace

CASES = PROJECT / "tests/cases"
# Takes the place of `luigi`: notes its exit code where a pipe, a `;` or an `&` would hide it.
LUIGI = """#!/bin/sh
{program} "$@"
code=$?
echo $code >> {exits}
exit $code
"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one line of command.txt came to: the exit code of each `luigi` in it, and all it printed."""

    exits: list[int]
    said: str


@dataclass(frozen=True, kw_only=True)
class CaseOutcome:
    """What a case came to: its commands, the rows that read.cql reads, sorted by statement, and its $CASE."""

    commands: list[Ran]
    rows: list[dict[str, Any]]
    folder: Path


def run_case(name: str, folder: Path, endpoint: Endpoint, cql: Session) -> CaseOutcome:
    """Run a case in `folder`, which has to be empty; its keyspace is made for it and dropped again."""
    case = CASES / name
    workspace = Workspace(folder, "unused", endpoint)
    shutil.copytree(case, folder / "case")
    keyspace = "SalesDB" if name == "13-names" else f"c{name[:2]}"
    cql.execute(f'DROP KEYSPACE IF EXISTS "{keyspace}"')
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cql.execute(f'CREATE KEYSPACE "{keyspace}" WITH replication = {replication}')
    try:
        for statement in _statements(case / "schema.cql"):
            cql.execute(statement)
        lines = [line for file in ("command.txt", "advice.txt") for line in _lines(case / file)]
        commands = [_run(line, workspace) for line in lines]
        rows = [row for statement in _statements(case / "read.cql") for row in _read(statement, cql)]
    finally:
        cql.execute(f'DROP KEYSPACE "{keyspace}"')
    return CaseOutcome(commands=commands, rows=rows, folder=folder / "case")


def _run(line: str, workspace: Workspace) -> Ran:
    """Run a line in the workspace, whose `luigi` and luigi.cfg it names by their paths from there."""
    folder = workspace.folder
    exits, said, program = folder / "exits", folder / "said", folder / "luigi"
    exits.write_text("", encoding="ascii")
    program.write_text(LUIGI.format(program=workspace.command()[0], exits=exits), encoding="utf-8")
    program.chmod(0o755)
    places = {
        ".venv/bin/luigi": str(program),
        ".venv/bin/python": sys.executable,
        "./luigi.cfg": str(folder / "luigi.cfg"),
        "$CASE": str(folder / "case"),
        "PORT": str(workspace.endpoint.port),
    }
    pattern = "|".join(map(re.escape, places))
    with said.open("w", encoding="utf-8") as output:
        # To a file: what a command leaves in the background would keep a pipe open.
        shell = subprocess.Popen(
            [str(shutil.which("bash")), "-c", re.sub(pattern, lambda found: places[found[0]], line)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shell.wait(600)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    codes = [int(code) for code in exits.read_text(encoding="ascii").split()]
    return Ran(exits=codes, said=said.read_text(encoding="utf-8", errors="backslashreplace"))


def _read(statement: str, cql: Session) -> list[dict[str, Any]]:
    """Return the rows of a SELECT."""
    found = cql.execute(statement.replace("SELECT", "SELECT JSON", 1))
    return [json.loads(text) for text in sorted(row["[json]"] for row in found)]


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _statements(file: Path) -> list[str]:
    return [text for text in file.read_text(encoding="utf-8").split(";") if text.strip()]
