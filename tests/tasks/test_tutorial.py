"""docs/tutorial.md: its commands do what the page shows, in the order of the page."""

import re
import subprocess
import sys
from pathlib import Path

from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.workspace import PROJECT, Workspace

PAGE = PROJECT / "docs" / "tutorial.md"
KEYSPACE = "tutorial"
INIT = "python -m tasks init\n"


def steps() -> list[tuple[str, list[str]]]:
    """Return the blocks of commands of the page, each with the lines that the page shows after it."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"(?s)```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", text)
    return [(commands, shown.splitlines()) for commands, shown in blocks]


def script(endpoint: Endpoint) -> str:
    """Return all commands as one program for bash, with a line of its own before each block."""
    parts = "".join(f"echo '@@@'\n{commands}" for commands, _ in steps())
    server = f"contact_points = {','.join(endpoint.contact_points)}\\nport = {endpoint.port}"
    assert INIT in parts
    # The tests' own server, in place of one that the tutorial would start.
    return parts.replace(INIT, f"{INIT}sed --in-place 's/^contact_points =.*/{server}/' luigi.cfg\n")


def test_a_stranger_gets_there(tmp_path: Path, endpoint: Endpoint, cql: Session) -> None:
    """Every command of the tutorial succeeds, prints what the page shows, and the rows are in the table."""
    environment = Workspace.environment(Workspace(tmp_path, KEYSPACE, endpoint), HOME=str(tmp_path))
    (tmp_path / "luigi.cfg").unlink()
    programs = f"{Path(sys.executable).parent}:{environment['PATH']}"
    try:
        done = subprocess.run(
            ["/usr/bin/env", "bash", "-e", "-c", script(endpoint)],
            cwd=tmp_path,
            env={**environment, "PATH": programs},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        rows = {row["order_no"]: row for row in cql.execute(f"SELECT * FROM {KEYSPACE}.orders")}
    finally:
        cql.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
    printed = done.stdout.split("@@@\n")[1:]
    for (_, shown), output in zip(steps(), printed, strict=True):
        where = [output.find(line) for line in shown]
        assert -1 not in where, (shown[where.index(-1)], output)
        assert where == sorted(where), (shown, output)
    assert sorted(rows) == [1001, 1002, 1003, 1004, 1005]
    assert (str(rows[1002]["total"]), rows[1003]["customer"]) == ("1250.00", None)


def test_the_page_names_what_is_there() -> None:
    """The steps that the test leaves out name targets and files that the project has."""
    text = PAGE.read_text(encoding="utf-8")
    assert "    make venv\n" in text
    assert re.search(r"(?m)^venv:", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    assert len(steps()) >= 8
