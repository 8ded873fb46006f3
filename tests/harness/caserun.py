"""Runs the commands of a public report unchanged, with the real `luigi`, and reads its tables.

A folder tests/cases/<case>/ holds the report's files, schema.cql, command.txt (each line is one command of a
shell; $CASE is the folder) and read.cql, whose rows are read in Cassandra's own JSON. If there is an
advice.txt, its commands run next: they follow the advice in the messages of the first ones.
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
# Replaces `luigi`: it records the exit code, which a pipe, a `;` or an `&` would hide.
LUIGI = """#!/bin/sh
{program} "$@"
code=$?
echo $code >> {exits}
exit $code
"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The result of a line of command.txt: the exit code of each `luigi` in it, and the whole output."""

    exits: list[int]
    said: str


@dataclass(frozen=True, kw_only=True)
class CaseOutcome:
    """The result of a case: its commands, the rows of read.cql sorted by statement, and its $CASE."""

    commands: list[Ran]
    rows: list[dict[str, Any]]
    folder: Path


def run_case(name: str, folder: Path, endpoint: Endpoint, cql: Session) -> CaseOutcome:
    """Run a case in an empty `folder`; its keyspace is created for it and dropped afterwards."""
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
    """Run a line in the workspace; `luigi` and luigi.cfg are named by their paths relative to it."""
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
        # Into a file: a process that stays in the background would keep a pipe open.
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
