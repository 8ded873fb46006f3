"""The examples of docs/loading.md: each command loads the rows that the page shows."""

import gzip
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.workspace import PROJECT, Workspace

PAGE = PROJECT / "docs" / "loading.md"
KEYSPACE = "shop"


class Example(NamedTuple):
    """A table, a file, the command that loads it, and the rows that it loads as JSON."""

    statement: str
    file: str
    content: str
    command: str
    rows: list[str]


def examples() -> Iterator[Example]:
    """Yield the examples of the page."""
    for text in re.findall(r"(?s)```text\n(CREATE .*?)```", PAGE.read_text(encoding="utf-8")):
        statement, file, command, rows = text.strip().split("\n\n")
        name, *lines = file.split("\n")
        content = "".join(f"{line.removeprefix('| ')}\n" for line in lines).replace("\u21e5", "\t")
        yield Example(
            statement, name, content, command.removeprefix("$ luigi --module tasks "), rows.split("\n")
        )


@pytest.fixture(scope="module")
def keyspace(cql: Session) -> Iterator[str]:
    """Create the keyspace of the examples."""
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cql.execute(f"CREATE KEYSPACE IF NOT EXISTS {KEYSPACE} WITH replication = {replication}")
    yield KEYSPACE
    cql.execute(f"DROP KEYSPACE {KEYSPACE}")


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.file)
def test_an_example_does_what_the_page_says(
    example: Example, tmp_path: Path, endpoint: Endpoint, cql: Session, keyspace: str
) -> None:
    """The command of an example loads its file into its table: the rows are those of the page."""
    workspace = Workspace(tmp_path, keyspace, endpoint)
    words = shlex.split(example.command)
    encoding = words[words.index("--encoding") + 1] if "--encoding" in words else "utf-8"
    content = example.content.encode(encoding)
    packed = gzip.compress(content) if example.file.endswith(".gz") else content
    (tmp_path / example.file).write_bytes(packed)
    cql.execute(example.statement)
    done = workspace.luigi(*words)
    assert done.returncode == 0, done.stdout
    table = words[words.index("--table") + 1]
    found = [json.loads(row["[json]"]) for row in cql.execute(f"SELECT JSON * FROM {table}")]
    assert sorted(map(_sorted, found)) == sorted(_sorted(json.loads(row)) for row in example.rows)


def _sorted(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True)


def test_the_page_has_an_example_of_each_kind() -> None:
    """There are examples of columns, dialects, packed files, forms of values, CQL literals and JSON."""
    commands = " ".join(example.command for example in examples())
    for option in (
        "mapping",
        "match",
        "constants",
        "timestamp-field",
        "dialect",
        "timestamp-formats",
        "encoding",
    ):
        assert f"--{option} " in commands
    assert {Path(example.file).suffix for example in examples()} >= {".csv", ".gz", ".jsonl", ".txt"}
