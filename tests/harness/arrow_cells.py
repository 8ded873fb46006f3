"""Arrays of every Arrow type, with extreme values, and the meaning of each value."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.harness.meanings import DAY_NS, Broken, Clock, Day, Fields, Moment, Pairs, Span

NAN, INF = float("nan"), float("inf")
UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
LONGEST = 2**63 - 1
NAME = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
TEXTS = [
    *(
        "",
        "7",
        "-7",
        "1.50",
        "1e3",
        "NaN",
        "é",
        "2026-11-22",
        "2026-11-22T01:02:03.5Z",
        "12:30",
        NAME,
        "true",
    ),
    *("1.2.3.4", "0xff", "[1]", '["a", null]', '{"a":1}', '{"street":"x"}', "P1D", "x\0y", None),
]
RAW = [b"", b"\0\xff", b"7", "é".encode(), b"0123456789abcdef", b"[1, 2]", None]


@dataclass(frozen=True)
class Sample:
    """An array, the meaning of each of its values, and how many of them, from the first, a file can hold."""

    values: pa.Array
    cells: Sequence[Any]
    in_files: int


def sample(
    kind: pa.DataType,
    cells: Iterable[Any],
    meaning: Callable[[Any], Any] = lambda cell: cell,
    beyond: Iterable[Any] = (),
) -> Sample:
    """Return a sample of values for `pyarrow.array` and one null; values of `beyond` are in no file."""
    cells = [*cells, None]
    every = [*cells, *beyond]
    return Sample(
        pa.array(every, kind), [None if cell is None else meaning(cell) for cell in every], len(cells)
    )


def stored(kind: pa.DataType, cells: Iterable[Any], meaning: Callable[[Any], Any]) -> Sample:
    """Return a sample of an Arrow type that `pyarrow.array` does not make; it is made from its storage."""
    cells = [*cells, None]
    storage = pa.array(cells, kind.storage_type)
    wrapped = pa.ExtensionArray.from_storage(kind, storage)
    return Sample(wrapped, [None if cell is None else meaning(cell) for cell in cells], len(cells))


def moments(unit: str, zone: str | None) -> Sample:
    """Return timestamps on both sides of each bound."""
    ns = UNIT_NS[unit]
    first, end = -62_135_596_800, 253_402_300_800
    edges = [0] if unit == "ns" else [first * 10**9 // ns, first * 10**9 // ns - 1, end * 10**9 // ns - 1]
    edges += [] if unit == "ns" else [end * 10**9 // ns]
    near = [0, 1, -1, 86_400 * 10**9 // ns, 86_400 * 10**9 // ns + 1, 999_999, 1_000_000]
    beyond = [LONGEST, -LONGEST - 1, 2**62]
    return sample(pa.timestamp(unit, zone), near + edges, lambda at: Moment(at * ns), beyond)


def clocks(kind: pa.DataType, widest: int) -> Sample:
    """Return times of day, and values that are none."""
    ns = UNIT_NS[kind.unit]
    near = [0, 1, DAY_NS // ns - 1, DAY_NS // ns, -1]
    return sample(kind, near, lambda at: Clock(at * ns), [widest, -widest - 1])


def numbers() -> dict[str, Sample]:
    """Return integers, floats and decimals of every width."""
    found = {}
    for bits in (8, 16, 32, 64):
        least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        found[f"int{bits}"] = sample(getattr(pa, f"int{bits}")(), [0, 1, -1, 127, least, most])
        found[f"uint{bits}"] = sample(getattr(pa, f"uint{bits}")(), [0, 1, most, most + 1, 2**bits - 1])
    tiny, large = 1.401298464324817e-45, 3.4028234663852886e38
    found["float16"] = sample(pa.float16(), [0.0, -0.0, 1.0, 1.5, 65504.0, NAN, INF, -INF])
    found["float32"] = sample(
        pa.float32(), [0.0, -0.0, 1.0, 0.10000000149011612, large, tiny, NAN, INF, -INF]
    )
    found["float64"] = sample(
        pa.float64(),
        [
            0.0,
            -0.0,
            1.0,
            0.1,
            2.0**53,
            1e39,
            3.4028235677973366e38,
            1.7976931348623157e308,
            5e-324,
            NAN,
            -INF,
        ],
    )
    for bits, digits in ((32, 9), (64, 18), (128, 38), (256, 76)):
        kind, most = getattr(pa, f"decimal{bits}"), "9" * (digits - 2)
        scaled = [Decimal(text) for text in ("0.00", "1.50", "-0.05", "7.00", f"{most}.99", f"-{most}.99")]
        found[f"decimal{bits}"] = sample(kind(digits, 2), scaled)
        whole = [Decimal(0), Decimal(7), Decimal("9" * digits), Decimal("-" + "9" * digits)]
        found[f"decimal{bits} of no scale"] = sample(kind(digits, 0), whole)
    found["decimal of 32 digits"] = sample(pa.decimal128(32, 0), [Decimal(12345678901234567890123456789012)])
    return found


def times() -> dict[str, Sample]:
    """Return moments, dates, times of day and durations in every unit."""
    found = {}
    for unit in UNIT_NS:
        for zone in (None, "UTC", "Europe/Paris", "Mars/Phobos"):
            found[f"timestamp {unit} {zone}"] = moments(unit, zone)
        spans = [0, 1, -1, LONGEST, -LONGEST - 1]
        found[f"duration {unit}"] = sample(pa.duration(unit), spans, Span)
    days = [0, -1, -719_162, -719_163, 2_932_896, 2_932_897, 2**31 - 1, -(2**31)]
    found["date32"] = sample(pa.date32(), days, Day)
    whole, rest = 86_400_000, [1, 2**31 * 86_400_000, LONGEST, -LONGEST - 1]
    in_ms = pa.array([*(day * whole for day in days), None, *rest], pa.int64()).view(pa.date64())
    # A value that is not a whole day, or not a day in Cassandra, is refused like an endless duration.
    found["date64"] = Sample(in_ms, [*map(Day, days), None, *map(Span, rest)], len(days) + 1)
    for unit in ("s", "ms"):
        found[f"time32 {unit}"] = clocks(pa.time32(unit), 2**31 - 1)
    for unit in ("us", "ns"):
        found[f"time64 {unit}"] = clocks(pa.time64(unit), LONGEST)
    return found


def texts() -> dict[str, Sample]:
    """Return texts, bytes, UUIDs, dictionaries and other extension types."""
    found = {str(kind): sample(kind, TEXTS) for kind in (pa.string(), pa.large_string(), pa.string_view())}
    found |= {str(kind): sample(kind, RAW) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())}
    name = uuid.UUID(NAME)
    found["16 bytes"] = sample(pa.binary(16), [bytes(16), name.bytes, b"0123456789abcdef"])
    found["3 bytes"] = sample(pa.binary(3), [b"abc", b"\xff\0\1", b"123"])
    not_text = pa.array([b"a", b"\xff", "é".encode()], pa.binary())
    cells = ["a", Broken(b"\xff"), "é"]
    found["not UTF-8"] = Sample(not_text.view(pa.string()), cells, 3)
    views = not_text.cast(pa.binary_view()).view(pa.string_view())
    found["views that are not UTF-8"] = Sample(views, cells, 3)
    offsets = pa.array([0, 1, 2, 3], pa.int32())
    found["lists of them"] = Sample(pa.ListArray.from_arrays(offsets, views), [[cell] for cell in cells], 3)
    found["null"] = Sample(pa.nulls(3), [None] * 3, 3)
    found["bool"] = sample(pa.bool_(), [True, False])
    found["uuid"] = stored(pa.uuid(), [name.bytes, bytes(16)], lambda value: uuid.UUID(bytes=value))
    for text in (pa.string(), pa.large_string(), pa.string_view()):
        found[f"json {text}"] = stored(pa.json_(text), ['{"a": 1}', "[1]", "7"], str)
    views = found["json string_view"].values
    lists = pa.ListArray.from_arrays(pa.array(range(5), pa.int32()), views)
    found["lists of json string_view"] = Sample(lists, [['{"a": 1}'], ["[1]"], ["7"], [None]], 4)
    found["bool8"] = stored(pa.bool8(), [0, 1, -1], int)
    in_zone = pa.timestamp("ns", "UTC")
    found["opaque"] = stored(pa.opaque(in_zone, "moment", "tests"), [0, 1, DAY_NS], Moment)
    found["tensor"] = stored(pa.fixed_shape_tensor(pa.float32(), [2]), [[1.0, 0.5], [NAN, INF]], list)
    for kind, items in ((pa.string(), TEXTS), (pa.int64(), [1, 2, 1]), (pa.binary(), RAW)):
        dictionary = pa.dictionary(pa.int32(), kind)
        found[f"dictionary of {kind}"] = sample(dictionary, items)
    return found


def one(cells: Sequence[Any]) -> Fields:
    """Return the meaning of a struct with the address's fields."""
    return Fields(list(zip(("street", "number"), cells, strict=True)))


def nested() -> dict[str, Sample]:
    """Return lists, structs and maps of all samples."""
    found = {}
    for make in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view):
        name = make.__name__
        found[f"{name} of int"] = sample(make(pa.int32()), [[1, 2], [], [None], [2, 1, 2]])
        found[f"{name} of string_view"] = sample(make(pa.string_view()), [["a", "7"], [], [None], ["7"]])
        found[f"{name} of binary_view"] = sample(make(pa.binary_view()), [[b"a", b"7"], [b"\xff"]])
    found["pair of int"] = sample(pa.list_(pa.int32(), 2), [[1, 2], [3, None]])
    found["pair of string_view"] = sample(pa.list_(pa.string_view(), 2), [["a", "b"], ["1", "2"]])
    inner: dict[pa.DataType, tuple[list[Any], Callable[[Any], Any]]] = {
        pa.timestamp("ns"): ([[0, 1, -1], [DAY_NS], [LONGEST]], Moment),
        pa.timestamp("ms", "UTC"): ([[0], [253_402_300_800_000], [1]], lambda at: Moment(at * 10**6)),
        pa.date32(): ([[0, 2**31 - 1], [-(2**31)], [2_932_897]], Day),
        pa.time64("ns"): ([[0, DAY_NS - 1], [DAY_NS], [-1]], Clock),
        pa.duration("s"): ([[1], [LONGEST]], Span),
        pa.uint64(): ([[2**64 - 1], [0]], int),
        pa.float64(): ([[1.0], [0.5, 0.1], [NAN], [INF], [0.0, -0.0], [NAN, NAN], [2.0, NAN, 1.0]], float),
        pa.decimal128(10, 2): ([[Decimal("1.50")], [Decimal("7.00"), Decimal("0.00")]], Decimal),
        pa.bool_(): ([[True], [False, True]], bool),
        pa.binary(16): ([[uuid.UUID(NAME).bytes], [bytes(16)]], bytes),
        pa.dictionary(pa.int32(), pa.string()): ([["a", "b", "a"], ["7"]], str),
        pa.null(): ([[], [None]], str),
        pa.list_(pa.int32()): ([[[1], []], [None], []], list),
    }
    for kind, (cells, meaning) in inner.items():
        found[f"list of {kind}"] = sample(
            pa.list_(kind),
            cells,
            each(meaning),
        )
    return found | structs() | maps()


def each(meaning: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the meaning of a list, given the meaning of each item."""
    return lambda items: [None if item is None else meaning(item) for item in items]


def structs() -> dict[str, Sample]:
    """Return structs, of texts, views and moments."""
    found = {}
    for text in (pa.string(), pa.string_view()):
        kind = pa.struct({"street": text, "number": pa.int64()})
        cells = [("x", 5), (None, None), ("x", 2**40), ("", None)]
        found[f"struct of {text}"] = sample(
            kind, [dict(one(cell).pairs) for cell in cells], lambda cell: one([*cell.values()])
        )
    views = pa.struct({"street": pa.string_view(), "number": pa.int32()})
    filled = pa.array([{"street": "x", "number": 5}, {"street": "yy", "number": None}], views)
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), filled)
    found["list of struct"] = Sample(lists, [[one(["x", 5])], [one(["yy", None])]], 2)
    two = pa.struct({"a": pa.timestamp("ns"), "b": pa.timestamp("ns")})
    pairs = [{"a": 1, "b": 0}, {"a": 0, "b": 1}, {"a": LONGEST, "b": DAY_NS}]
    found["struct of moments"] = sample(
        two, pairs, lambda cell: Fields([(name, Moment(at)) for name, at in cell.items()])
    )
    return found


def maps() -> dict[str, Sample]:
    """Return maps, two equal keys among them."""
    strings = [[("a", 1), ("b", 2)], [("a", 1), ("a", 2)], [], [("c", None)]]
    found = {
        f"map of {text}": sample(pa.map_(text, pa.int32()), strings, Pairs)
        for text in (pa.string(), pa.string_view())
    }
    views = pa.map_(pa.string_view(), pa.string_view())
    found["map of views"] = sample(views, [[("a", "1"), ("b", "2")]], Pairs)
    floats = [[(NAN, 1), (NAN, 2)], [(0.0, 1), (-0.0, 2)], [(0.5, 1)]]
    found["map of float64"] = sample(pa.map_(pa.float64(), pa.int32()), floats, Pairs)
    found["map of int64"] = sample(pa.map_(pa.int64(), pa.int32()), [[(2, 1), (1, 2)]], Pairs)
    found["map of moments"] = sample(
        pa.map_(pa.timestamp("ns"), pa.timestamp("ns")),
        [[(1, LONGEST)], [(0, 1), (1, 1)]],
        lambda pairs: Pairs([(Moment(key), Moment(item)) for key, item in pairs]),
    )
    return found


ARROW: dict[str, Sample] = {**numbers(), **times(), **texts(), **nested()}
