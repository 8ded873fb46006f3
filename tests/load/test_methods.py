import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cassandra.cluster import Session
from pyarrow import csv

from pipeline.embedded import Endpoint
from pipeline.requests.dispatch import Pace
from pipeline.rowfiles.formats import FILE_FORMATS
from tests.harness.loads import SPLIT_BYTES, USERS, Loaded, Loads, loads_into

METHODS = ["batch", "prepared", "create"]
HEADER = "user_id,first_name,last_name"
EMPTY_KEYS = [uuid.UUID(int=at) for at in range(4)]
TIMESTAMP_US = 1_600_000_000_000_000


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into("t_methods", tmp_path_factory.mktemp("methods"), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def users(loads: Loads) -> str:
    """Return the users' table, created again."""
    return loads.create_users()


def load_users(loads: Loads, *files: Path, worker_count: int = 1, **config: Any) -> Loaded:  # noqa: ANN401
    """Load users; return the counts."""
    return loads.run(loads.job("user", files, dataset=USERS, **config), worker_count=worker_count)


def names(loads: Loads) -> dict[uuid.UUID, tuple[str | None, str | None]]:
    """Return the names in the users' table."""
    return {row["user_id"]: (row["first_name"], row["last_name"]) for row in loads.rows("user")}


@pytest.mark.parametrize("worker_count", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_writes_the_rows_of_the_files(
    loads: Loads, users: str, method: str, worker_count: int
) -> None:
    """Each method writes the rows of the files and no others, in one process or several."""
    texts = ["Ada", "Jörg", 'O"Neil', "a, b", "line\nbreak", "x" * 3000, None]
    rows = {uuid.uuid4(): (texts[at % 7], texts[at // 7 % 7]) for at in range(100)}
    halves = [list(rows.items())[:50], list(rows.items())[50:]]
    files = [
        loads.write(f"{at}.csv", HEADER, [(key, *values) for key, values in half])
        for at, half in enumerate(halves)
    ]
    counts = load_users(loads, *files, method=method, worker_count=worker_count)
    assert (counts.read, counts.sent, counts.acknowledged, counts.bad) == (100, 100, 100, 0)
    assert sum(shard.rows for shard in counts.shards) == 100
    assert names(loads) == rows
    del users


@pytest.mark.parametrize("method", METHODS)
def test_a_file_without_rows_is_loaded(loads: Loads, users: str, method: str) -> None:
    """A file with only a header is loaded as no rows, and the load is finished."""
    assert load_users(loads, loads.write("none.csv", HEADER, []), method=method).read == 0
    assert loads.rows(users) == []


@pytest.mark.parametrize("apart", ["in a split", "across splits", "across files"])
@pytest.mark.parametrize("method", METHODS)
def test_the_last_row_wins_a_cell(loads: Loads, users: str, method: str, apart: str) -> None:
    """If rows have the same key, each cell has the last value in the files, wherever the rows are."""
    one, two, three, pad = EMPTY_KEYS
    # The last value is the smallest: if two have the same write time, the server keeps the largest.
    first = [(one, "1", None), (two, "x", "y"), (three, "9", "9")]
    second = [(one, None, "2"), (two, None, "a"), (three, "8", None), (three, "7", "7"), (three, "6", None)]
    pads = [(pad, "pad", "x" * SPLIT_BYTES)] if apart == "across splits" else []
    if apart == "across files":
        # The names determine the order, in whatever order they are given.
        files = [loads.write("b.csv", HEADER, second), loads.write("a.csv", HEADER, first)]
    else:
        files = [loads.write("one.csv", HEADER, [*first, *pads, *second])]
    load_users(loads, *files, method=method, worker_count=1 if apart == "in a split" else 2)
    found = names(loads)
    assert found.pop(pad, None) == (("pad", "x" * SPLIT_BYTES) if pads else None)
    assert found == {one: ("1", "2"), two: ("x", "a"), three: ("6", "7")}
    times = loads.rows(users, "user_id, writetime(first_name) AS first, writetime(last_name) AS last")
    [time_of_one] = [row for row in times if row["user_id"] == one]
    assert time_of_one["first"] < time_of_one["last"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_the_later_file_wins_whatever_ends_its_lines(loads: Loads, users: str, line_end: str) -> None:
    """A row of a later file overwrites a row of the file before it, however long that file is."""
    files = [loads.folder / name for name in ("earlier.csv", "later.csv")]
    key, *others = [str(uuid.uuid4()) for _ in range(40)]
    earlier = [HEADER, *(f"{other},," for other in others), f"{key},z,", f"{key},,z", ""]
    files[0].write_bytes(line_end.join(earlier).encode())
    files[1].write_bytes(line_end.join([HEADER, f"{key},a,a", ""]).encode())
    load_users(loads, *files)
    assert names(loads)[uuid.UUID(key)] == ("a", "a")
    del users


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_nulls_may_delete(loads: Loads, users: str, method: str) -> None:
    """With nulls = write an empty field deletes the existing cell; with unset the cell stays."""
    keys = EMPTY_KEYS[:2]
    load_users(loads, loads.write("full.csv", HEADER, [(key, "1", "1") for key in keys]), method=method)
    load_users(loads, loads.write("unset.csv", HEADER, [(keys[0], "2", None)]), method=method)
    load_users(loads, loads.write("write.csv", HEADER, [(keys[1], "2", None)]), method=method, nulls="write")
    assert names(loads) == {keys[0]: ("2", "1"), keys[1]: ("2", None)}
    del users


@pytest.mark.parametrize("file_format", FILE_FORMATS)
@pytest.mark.parametrize("method", METHODS)
def test_time_to_live_and_write_time_are_as_asked(
    loads: Loads, users: str, method: str, file_format: str
) -> None:
    """The first row's write time is `timestamp_us`, later rows' are later, and all expire after `ttl_s`."""
    rows = [(key, "a", "b") for key in EMPTY_KEYS]
    file = loads.write("times.csv", HEADER, [*rows[:3], (EMPTY_KEYS[0], "c", None)])
    if file_format == "parquet":
        strings = csv.ConvertOptions(
            strings_can_be_null=True, column_types=dict.fromkeys(HEADER.split(","), pa.string())
        )
        pq.write_table(csv.read_csv(file, convert_options=strings), file.with_suffix(".parquet"))
    if file_format in {"jsonl", "json"}:
        named = [
            dict(zip(HEADER.split(","), row, strict=True)) for row in [*rows[:3], (EMPTY_KEYS[0], "c", None)]
        ]
        # Objects one after another, each in a line, are both.
        file.with_suffix(f".{file_format}").write_text(
            "".join(f"{json.dumps(row, default=str)}\n" for row in named), encoding="utf-8"
        )
    load_users(
        loads, file.with_suffix(f".{file_format}"), method=method, ttl_s=1000, timestamp_us=TIMESTAMP_US
    )
    found = {
        row["user_id"]: row
        for row in loads.rows(users, "user_id, ttl(last_name) AS ttl, writetime(last_name) AS at")
    }
    assert found[EMPTY_KEYS[0]]["at"] == TIMESTAMP_US
    assert all(TIMESTAMP_US <= row["at"] < TIMESTAMP_US + 10 for row in found.values())
    assert all(900 < row["ttl"] <= 1000 for row in found.values())


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_static_and_clustering_columns(loads: Loads, method: str) -> None:
    """Every row of a partition is kept; a static cell has the last value in the file."""
    table = loads.create("parts", "p text, q int, c int, s text STATIC, v text, PRIMARY KEY ((p, q), c)")
    # The last value is the smallest, as above.
    rows = [("p", at % 2, at, f"s{at:02}" if at >= 2 else None, f"v{at}") for at in reversed(range(100))]
    loads.run(loads.job(table, [loads.write("parts.csv", "p,q,c,s,v", rows)], method=method))
    found = {(row["p"], row["q"], row["c"]): (row["s"], row["v"]) for row in loads.rows(table)}
    assert found == {("p", at % 2, at): (f"s{2 + at % 2:02}", f"v{at}") for at in range(100)}


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_a_list_that_is_sent_again_is_not_longer(loads: Loads, method: str) -> None:
    """If rows were acknowledged but not settled before a kill, they are sent again; no list gets longer."""
    table = loads.create("lists", "id int PRIMARY KEY, l list<int>, m map<int, int>")
    file = loads.write("lists.csv", "id,l,m", [(0, "[0]", ""), (1, "[1, 2]", '{"1": 2}'), (0, "[5, 5]", "")])
    load = loads.job(table, [file], method=method)
    journal = Path(loads.begin(load).journal)
    for _ in range(3):
        unsettled = journal.read_bytes()
        loads.send(load, str(journal))
        found = {row["id"]: (row["l"], row["m"]) for row in loads.rows(table)}
        assert found == {0: ([5, 5], None), 1: ([1, 2], {1: 2})}
        settled = journal.read_bytes()
        journal.write_bytes(unsettled)
        assert loads.begin(load).rows == 0
    journal.write_bytes(settled)
    loads.finish(load, str(journal))


def test_rows_a_second_are_capped(loads: Loads, users: str) -> None:
    """A load of n rows with a cap takes at least (n - 1) / cap seconds."""
    file = loads.write("slow.csv", HEADER, [(uuid.uuid4(), "a", "b") for _ in range(61)])
    counts = load_users(loads, file, method="prepared", rows_per_s=100.0)
    assert counts.shards[0].elapsed_s >= 0.6
    assert len(loads.rows(users)) == 61


def test_pace_gives_each_request_its_time() -> None:
    """A request waits until the rows before it have had their time; without a cap there is no wait."""
    pace = Pace(1000.0)
    begin_s = time.monotonic()
    for rows in (30, 5, 1):
        pace.wait(rows)
    assert time.monotonic() - begin_s >= 0.035
    uncapped = Pace(0.0)
    uncapped.wait(1 << 60)
    assert uncapped == Pace(0.0)
