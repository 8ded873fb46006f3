"""The size of batches: below the server's thresholds, or as the user wants it and the server takes it."""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline import embedded
from pipeline.embedded import Endpoint
from tests.harness.loads import MIB, Loads, loads_into
from tests.harness.versions import supported

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": MIB}


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into("t_batches", tmp_path_factory.mktemp("batches"), endpoint, cql) as loads:
        yield loads


SHAPES: dict[str, tuple[str, str, Callable[[int], Sequence[object]]]] = {
    "users": (
        "id uuid PRIMARY KEY, a text, b text",
        "id,a,b",
        lambda at: (uuid.uuid4(), "Ada", f"Lovelace {at}"),
    ),
    "two_kb": (
        "id int PRIMARY KEY, a text, b blob",
        "id,a,b",
        lambda at: (at, "x" * 1500, f"0x{'0a' * 500}"),
    ),
    "six_kb": ("id int PRIMARY KEY, a text", "id,a", lambda at: (at, "x" * 6000)),
    "wide": (
        f"id int PRIMARY KEY, {', '.join(f'c{at} int' for at in range(60))}",
        f"id,{','.join(f'c{at}' for at in range(60))}",
        lambda at: (at, *(column if column % 3 or at % 2 else None for column in range(60))),
    ),
    "collections": (
        "id int PRIMARY KEY, l list<int>, s set<text>, m map<int, text>",
        "id,l,s,m",
        lambda at: (at, "[1, 2, 3]", '["a", "b", "c", "d"]', '{"1": "a", "2": "b"}'),
    ),
    "user_types": (
        "id int PRIMARY KEY, u pair, f frozen<pair>, t tuple<int, text>",
        "id,u,f,t",
        lambda at: (at, '{"a": 1, "b": "x"}', '{"a": 1, "b": "x"}', '[1, "a"]'),
    ),
    "vectors": ("id int PRIMARY KEY, v vector<float, 3>", "id,v", lambda at: (at, "[1, 2, 3]")),
    "user_type_of_a_word": (
        'id int PRIMARY KEY, d "default"',
        "id,d",
        lambda at: (at, json.dumps(dict.fromkeys(ascii_lowercase, 1))),
    ),
    "clustering": (
        "p int, c1 text, c2 bigint, s text STATIC, v int, PRIMARY KEY (p, c1, c2)",
        "p,c1,c2,s,v",
        lambda at: (at // 50, "clustering", at, "static", at),
    ),
    "keys_alone": ("p int, c int, PRIMARY KEY (p, c)", "p,c", lambda at: (1, at)),
}


@pytest.mark.parametrize(
    ("default_ttl_s", "config"),
    [(0, {}), (0, {"nulls": "write"}), (0, {"ttl_s": 1000}), (1000, {}), (1000, {"ttl_s": 0})],
    ids=["unset", "write", "expiring", "expiring by default", "never expiring"],
)
def test_batches_stay_below_the_servers_thresholds(
    loads: Loads,
    cql: Session,
    tmp_path_factory: pytest.TempPathFactory,
    default_ttl_s: int,
    config: dict[str, Any],
) -> None:
    """With its stock settings the server finds no batch too large, for rows of any content."""
    cql.execute(f"CREATE TYPE IF NOT EXISTS {loads.keyspace}.pair (a int, b text)")
    fields = ", ".join(f"{name} tinyint" for name in ascii_lowercase)
    cql.execute(f'CREATE TYPE IF NOT EXISTS {loads.keyspace}."default" ({fields})')
    [node] = embedded.status(tmp_path_factory.getbasetemp() / "cassandra0").nodes
    before = node.log.stat().st_size
    for name, (columns, header, row) in SHAPES.items():
        if not supported(cql, [columns]):
            continue
        table = loads.create(name, columns)
        file = loads.write(f"{name}.csv", header, [row(at) for at in range(300)])
        loads.execute(f"ALTER TABLE {loads.keyspace}.{table} WITH default_time_to_live = {default_ttl_s}")
        loads.run(loads.job(table, [file], **config))
        assert len(loads.rows(table)) == 300
    assert not sizes_warned_of(node.log, before)


def test_batches_are_as_large_as_they_are_wanted(
    loads: Loads, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wide rows are sent in batches of `batch_size_bytes`; if the server refuses those, in smaller ones."""
    [node] = embedded.status(tmp_path_factory.getbasetemp() / "cassandra0").nodes
    columns, header, row = SHAPES["two_kb"]
    for wanted, rows, warned_of in ((40_960, 100, 100 // 18), (1_000_000, 1500, (1500 - 871) // 28)):
        file = loads.write("larger.csv", header, [row(at) for at in range(rows)])
        table = loads.create("larger", columns)
        before = node.log.stat().st_size
        counts = loads.run(loads.job(table, [file], batch_size_bytes=wanted, pool_size=1))
        assert (counts.acknowledged, counts.bad) == (rows, 0)
        assert len(loads.rows(table)) == rows
        sizes = sizes_warned_of(node.log, before)
        assert len(sizes) >= warned_of
        assert all(size <= wanted for size in sizes)


@pytest.mark.parametrize("batch_rows", [1, 30])
def test_batches_have_at_most_so_many_rows(loads: Loads, batch_rows: int) -> None:
    """A batch has at most `batch_rows` rows: the server warns of each that is over 10 partitions."""
    table = loads.create("few", "k int PRIMARY KEY, v text")
    file = loads.write("few.csv", "k,v", [(at, "v") for at in range(300)])
    [shard] = loads.run(loads.job(table, [file], batch_rows=batch_rows)).shards
    assert (shard.warned, shard.warning[:40]) == (
        (0, "") if batch_rows == 1 else (10, "Unlogged batch covering 30 partitions de")
    )
    assert len(loads.rows(table)) == 300


def sizes_warned_of(log: Path, start: int) -> list[float]:
    """Return the sizes, in bytes, of the batches in the warnings of a node's log after `start`."""
    size = re.compile(r"is of size ([\d.]+)(\w+), exceeding specified threshold")
    with log.open(encoding="utf-8") as lines:
        lines.seek(start)
        return [float(found[1]) * UNITS[found[2]] for found in map(size.search, lines) if found]
