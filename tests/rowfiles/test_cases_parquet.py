"""Parquet's own types through a real server: nested INT96, view types and nested types beside a bad row."""

import csv
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.engines.processes import Processes
from pipeline.errors import BadRowsError
from pipeline.load.sharing import dry_run
from pipeline.verify.jobs import VerifyFiles
from pipeline.workers.client import run_job
from tests.harness.loads import Loads, loads_into, planned
from tests.harness.meanings import exact

NAMES = [uuid.uuid1(), uuid.uuid1(), uuid.uuid4()]
LATE, EARLY = datetime(9999, 12, 31, 23, 59, 59), datetime(1066, 10, 14)  # noqa: DTZ001 - naive is UTC
VIEWS = {
    "text": pa.array(["a", "b", "c"], pa.string_view()),
    "blob": pa.array([b"a", b"b", b"\xff"], pa.binary_view()),
    "list<text>": pa.array([["a"], ["b"], ["c", "d"]], pa.list_(pa.string_view())),
    "set<blob>": pa.array([[b"a"], [b"b"], [b"c", b"d"]], pa.list_view(pa.binary_view())),
    "map<text, text>": pa.array(
        [[("a", "1")], [("b", "2")], []], pa.map_(pa.string_view(), pa.string_view())
    ),
    "tuple<text, int>": pa.array(
        [{"a": "x", "b": 1}, {"a": "y", "b": None}, {"a": None, "b": 3}],
        pa.struct({"a": pa.string_view(), "b": pa.int64()}),
    ),
    "list<int>": pa.ExtensionArray.from_storage(
        pa.json_(pa.string_view()), pa.array(["[1]", "[]", "[2, 3]"], pa.string_view())
    ),
    "vector<float, 2>": pa.array([[0.5, 1], [2, 3], [4, 5]], pa.list_(pa.float64(), 2)),
}
LOADED: dict[str, tuple[object, object]] = {
    "text": ("a", "c"),
    "blob": (b"a", b"\xff"),
    "list<text>": (("a",), ("c", "d")),
    "set<blob>": (frozenset([b"a"]), frozenset([b"c", b"d"])),
    "map<text, text>": (frozenset([("a", "1")]), None),
    "tuple<text, int>": (("x", 1), (None, 3)),
    "list<int>": ((1,), (2, 3)),
    "vector<float, 2>": (exact([0.5, 1.0]), exact([4.0, 5.0])),
}


@pytest.fixture(scope="module")
def loads(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into("t_cases_parquet", tmp_path_factory.mktemp("cases"), endpoint, cql) as loads:
        yield loads


def faults(loads: Loads) -> list[dict[str, str]]:
    """Return the content of the file of bad rows, and remove the file."""
    file = loads.folder / "bad" / "bad_rows.csv"
    with file.open(encoding="utf-8", newline="") as text:
        found = list(csv.DictReader(text))
    file.unlink()
    return found


@pytest.mark.parametrize("type_name", VIEWS)
def test_a_bad_row_is_the_same_dry_and_loaded(loads: Loads, type_name: str) -> None:
    """Beside views and nested values only the bad row is rejected; a dry run reports the same as a load."""
    file = loads.folder / "rows.parquet"
    keys = pa.array(["1", "x", "3"], pa.string_view())
    pq.write_table(pa.table({"id": keys, "value": VIEWS[type_name]}), file)
    table = loads.create("views", f"id int PRIMARY KEY, value {type_name}")
    load = loads.job(table, [file], max_bad_rows="1")
    checked = dry_run(planned(load), Processes(1))
    assert (checked.rows, checked.bad) == (3, 1)
    bad_rows = faults(loads)
    counts = loads.run(load)
    assert (counts.read, counts.acknowledged, counts.bad) == (3, 2, 1)
    assert faults(loads) == bad_rows
    assert [(row["line"], row["column"], row["value"]) for row in bad_rows] == [("2", "id", "x")]
    assert bad_rows[0]["reason"] == "'x' is not a valid int: expected a whole number such as -12"
    found = {row["id"]: exact(row["value"]) or None for row in loads.rows(table)}
    assert found == dict(zip((1, 3), LOADED[type_name], strict=True))
    run_job(VerifyFiles(plan=planned(load), exact=True))


def test_too_many_bad_rows_are_the_same_dry_and_loaded(loads: Loads) -> None:
    """Above the budget a dry run ends with exactly the error of a load."""
    file = loads.folder / "rows.parquet"
    values = pa.array([["a"], ["b", None], [None]], pa.list_(pa.string_view()))
    pq.write_table(pa.table({"id": pa.array([1, 2, 3]), "value": values}), file)
    table = loads.create("views", "id int PRIMARY KEY, value list<text>")
    load = loads.job(table, [file], max_bad_rows="1")
    with pytest.raises(BadRowsError, match="null inside a collection") as dry:
        dry_run(planned(load), Processes(1))
    bad_rows = faults(loads)
    with pytest.raises(BadRowsError) as loaded:
        loads.run(load)
    assert str(loaded.value) == str(dry.value)
    assert faults(loads) == bad_rows
    assert [row["line"] for row in bad_rows] == ["2", "3"]


def write_every_kind(file: Path) -> None:
    """Write two good rows, INT96 at every depth, and between them one that has a UUID of another version."""
    moments = pa.timestamp("us")
    columns = {
        "id": pa.array([1, 2, 3], pa.uint64()),
        "name": pa.array([name.bytes for name in NAMES], pa.binary(16)).take(pa.array([0, 2, 1])),
        "at": pa.array([LATE, None, EARLY], moments),
        "days": pa.array([[LATE.replace(hour=0, minute=0, second=0)], [], [EARLY]], pa.list_(moments)),
        "moments": pa.array([[LATE, EARLY], [], [EARLY]], pa.list_(moments)),
        "pair": pa.array([{"a": LATE, "b": 1}, None, {"a": EARLY, "b": None}]),
        "by_moment": pa.array([[(EARLY, LATE)], [], [(LATE, EARLY)]], pa.map_(moments, moments)),
        "price": pa.array([Decimal("1.50"), None, Decimal("-0.05")], pa.decimal256(60, 2)),
        "numbers": pa.array([[float("nan"), 2, 1, float("nan")], [], [0.0]], pa.large_list(pa.float64())),
        "prices": pa.array(
            [[Decimal("1.0"), Decimal("2.0")], [], [Decimal(0)]], pa.list_(pa.decimal128(9, 1))
        ),
    }
    pq.write_table(pa.table(columns), file, use_deprecated_int96_timestamps=True)


@pytest.mark.parametrize("method", ["batch", "prepared"])
def test_the_server_keeps_what_parquet_says(loads: Loads, method: str) -> None:
    """INT96 at every depth, decimals, NaN in a set and UUIDs as bytes arrive unchanged at the server."""
    file = loads.folder / "kinds.parquet"
    write_every_kind(file)
    table = loads.create(
        "kinds",
        "id bigint PRIMARY KEY, name timeuuid, at timestamp, days list<date>, moments list<timestamp>, "
        "pair tuple<timestamp, int>, by_moment map<timestamp, timestamp>, price decimal, "
        "numbers set<double>, prices set<decimal>",
    )
    load = loads.job(table, [file], max_bad_rows="1", method=method)
    counts = loads.run(load)
    assert (counts.acknowledged, counts.bad) == (2, 1)
    [bad] = faults(loads)
    assert (bad["line"], bad["column"], bad["value"]) == ("2", "name", str(NAMES[2]))
    late, early = exact(LATE), exact(EARLY)
    found = {row["id"]: {name: exact(value) for name, value in row.items()} for row in loads.rows(table)}
    assert found == {
        1: {
            "id": 1,
            "name": NAMES[0],
            "at": late,
            "days": ((LATE.date() - date(1970, 1, 1)).days,),
            "moments": (late, early),
            "pair": (late, 1),
            "by_moment": frozenset([(early, late)]),
            "price": Decimal("1.50").as_tuple(),
            "numbers": frozenset(["NaN", exact(1.0), exact(2.0)]),
            "prices": frozenset([Decimal(1), Decimal(2)]),
        },
        3: {
            "id": 3,
            "name": NAMES[1],
            "at": early,
            "days": ((EARLY.date() - date(1970, 1, 1)).days,),
            "moments": (early,),
            "pair": (early, None),
            "by_moment": frozenset([(late, early)]),
            "price": Decimal("-0.05").as_tuple(),
            "numbers": frozenset([exact(0.0)]),
            "prices": frozenset([Decimal(0)]),
        },
    }
    run_job(VerifyFiles(plan=planned(load), exact=True))
