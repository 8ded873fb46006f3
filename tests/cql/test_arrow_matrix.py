"""Every Arrow type that Parquet can hold, for a column of every CQL type: the right value, or a refusal."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cql.arrowvalues import normalised, without_views
from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values
from pipeline.cql.types import PROTOCOL_VERSION
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from tests.harness.arrow_cells import ARROW
from tests.harness.meanings import REFUSED, Broken, Fields, Moment, Pairs, Span, exact, meaning_in
from tests.harness.values import USER_TYPES

CQL = [
    *("text", "varchar", "ascii", "uuid", "timeuuid", "boolean", "tinyint", "smallint", "int", "bigint"),
    *("varint", "decimal", "float", "double", "timestamp", "date", "time", "duration", "inet", "blob"),
    *("list<int>", "list<text>", "list<timestamp>", "list<date>", "list<time>", "list<double>"),
    *("list<decimal>", "list<blob>", "list<uuid>", "list<boolean>", "list<varint>", "list<inet>"),
    *("list<duration>", "frozen<list<bigint>>", "set<int>", "set<text>", "set<double>", "set<decimal>"),
    *("map<text, int>", "map<timestamp, timestamp>", "map<double, int>", "map<text, text>"),
    *("tuple<text, int>", "tuple<timestamp, date>", "frozen<address>", "list<frozen<address>>"),
    *("list<frozen<list<int>>>", "vector<float, 2>", "vector<int, 2>", "vector<text, 2>"),
]
COLUMNS = [Column("value", name, is_key=False, user_types=USER_TYPES) for name in CQL]
FIELDS = [Field(column, "value") for column in COLUMNS]
WRITE_OPTIONS: dict[str, dict[str, Any]] = {
    "as Arrow writes it": {},
    "without Arrow's schema": {"store_schema": False},
    "INT96": {"use_deprecated_int96_timestamps": True},
}
NOT_WRITTEN = {"list of struct"}
"""Arrow types that the pinned pyarrow cannot write into a file: it does not slice view types."""


def decoded(column: Column, value: bytes) -> object:
    """Return a serialised value as the driver reads it, a timestamp to the millisecond."""
    return exact(column.cql_type.driver.deserialize(value, PROTOCOL_VERSION))


def check(column: Column, cells: Sequence[Any], values: pa.Array) -> None:
    """Compare both encoders with the meanings, position by position, and again without the refused rows."""
    encoded, reasons = encode_column(column, values)
    one_by_one, same_reasons = encode_values(column, normalised(values))
    assert encoded.to_pylist() == one_by_one.to_pylist()
    assert reasons == same_reasons
    for at, (cell, value) in enumerate(zip(cells, encoded.to_pylist(), strict=True)):
        where = f"{values.type} in {column.type_name}: {cell!r} is {value!r}, {reasons.get(at)}"
        meaning = None if cell is None else meaning_in(column.type_name, cell)
        if at in reasons:
            # An empty list can stand for an empty list of another type.
            assert meaning is REFUSED or meaning in ((), frozenset()), where
            pattern = rf"['\"].*['\"] is not a valid {re.escape(column.type_name)}: .{{8,}}"
            assert re.fullmatch(pattern, reasons[at], re.DOTALL), where
            assert "class" not in reasons[at], where
        else:
            assert (value is None) == (meaning is None), where
            assert value is None or decoded(column, value) == meaning, where
    good = [at for at in range(len(cells)) if at not in reasons]
    beside, none = encode_column(column, without_views(values).take(pa.array(good, pa.int64())))
    assert not none
    assert beside.to_pylist() == [encoded[at].as_py() for at in good]


def in_file(cell: Any, option: str) -> Any:  # noqa: ANN401 - any value of a file
    """Return a value as a file holds it: some options lose nanoseconds or the unit of a duration."""
    if option == "INT96" and isinstance(cell, Moment):
        return Moment(cell.ns // 10**6 * 10**6)
    if option == "without Arrow's schema" and isinstance(cell, Span):
        return cell.units
    if isinstance(cell, list):
        return [in_file(item, option) for item in cell]
    if isinstance(cell, Fields | Pairs):
        return type(cell)([(in_file(key, option), in_file(item, option)) for key, item in cell.pairs])
    return cell


def is_utf8(cell: Any) -> bool:  # noqa: ANN401 - as above
    """Return whether bytes, or those in a list, are text."""
    if isinstance(cell, list):
        return all(map(is_utf8, cell))
    content = cell.content if isinstance(cell, Broken) else cell
    return not isinstance(content, bytes) or content.decode(errors="ignore").encode() == content


@pytest.mark.parametrize("name", ARROW)
def test_arrow_is_the_right_value_or_refused(name: str) -> None:
    """For every CQL type, each value of an Arrow type is converted exactly, or refused with a reason."""
    for column in COLUMNS:
        check(column, ARROW[name].cells, ARROW[name].values)


@pytest.mark.parametrize("name", ARROW)
def test_a_file_of_it_is_read_so_too(name: str, tmp_path: Path) -> None:
    """This holds for files with and without Arrow's schema, and for INT96; bad rows are written beside it."""
    sample = ARROW[name]
    file = tmp_path / "rows.parquet"
    for option, arguments in WRITE_OPTIONS.items():
        cells = [in_file(cell, option) for cell in sample.cells[: sample.in_files]]
        try:
            pq.write_table(pa.table({"value": sample.values[: sample.in_files]}), file, **arguments)
        except pa.ArrowNotImplementedError:
            assert name in NOT_WRITTEN, name
            return
        described = describe_file(file)
        [split_rows] = read_splits(described, FIELDS)
        kept = [int(line) - 1 for line in split_rows.lines]
        bad = {row.line - 1: row for row in split_rows.bad}
        assert sorted([*kept, *bad]) == list(range(len(cells)))
        assert all("not UTF-8" in row.reason and not is_utf8(cells[at]) for at, row in bad.items())
        for column, read in zip(COLUMNS, split_rows.columns, strict=True):
            check(column, [cells[at] for at in kept], read)
        places = range(1, len(cells) + 1)
        rows = [BadRow(file=str(file), line=line, column="value", value="", reason="") for line in places]
        assert sum(write_rejected(tmp_path / "rejected.csv", FIELDS[:1], rows, [described]).values()) == len(
            cells
        )


@pytest.mark.parametrize(
    ("type_name", "values", "reason"),
    [
        ("timestamp", pa.array([2**31 - 1], pa.date32()), "beyond the years 1 to 9999"),
        ("timestamp", pa.array([2**62], pa.timestamp("s")), "beyond the years 1 to 9999"),
        (
            "date",
            pa.array([1], pa.timestamp("ns")),
            "'1970-01-01 00:00:00.000000001' is not a valid date: exp",
        ),
        ("date", pa.array([1], pa.timestamp("us")), "leave out the time of day"),
        ("date", pa.array([2**62], pa.int64()).view(pa.date64()), "not a whole day, or beyond the dates"),
        ("time", pa.array([86_400], pa.time32("s")), "there is no such time of day"),
        ("duration", pa.array([2**63 - 1], pa.duration("ns")), "write text such as P1DT2H"),
        ("bigint", pa.array([2**63], pa.uint64()), "out of range for 64 bits"),
        ("list<int>", pa.array([[0]], pa.list_(pa.date32())), "date32[day]> is not read as one; write"),
        ("int", pa.array([b"\xff\0\1"], pa.binary(3)), "'0xff0001' is not a valid int: 3 bytes that are not"),
        ("uuid", pa.array([7], pa.int64()), "Parquet's int64 is not read as one"),
    ],
)
def test_a_refusal_says_what_helps(type_name: str, values: pa.Array, reason: str) -> None:
    """A refusal of a value that is out of range or of another kind says what would be accepted."""
    _, reasons = encode_column(Column("value", type_name, is_key=False), values)
    assert reason in reasons[0]
