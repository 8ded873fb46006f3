"""What other forms of a file cost beside plain CSV of the same rows: describing, reading and encoding them.

`python -m bench.inputs` takes about 4 minutes, needs no Cassandra, and writes `bench/results/inputs.csv`, one
line per figure. Sending is not part of it: it costs the same for all. Objects are those of moto's server on
this machine, whose own CPU does not count.
"""

import argparse
import csv
import gzip
import json
import random
import resource
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.rows import ensure_file
from bench.server import FILES
from bench.tables import TABLES
from pipeline.cql.columns import Column
from pipeline.cql.tables import Table
from pipeline.load.encoded import InsertPlan, encode_split
from pipeline.requests.replicas import Replicas
from pipeline.rowfiles.dialect import PRESETS, Dialect
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings import ValuesConfig
from tests.harness.stores import running_store

_TABLE = TABLES["orders"]
_ROWS = 300_000
_MOMENT = list(_TABLE.columns).index("ordered_at")
_PRICE = list(_TABLE.columns).index("price")
_CUSTOMER = list(_TABLE.columns).index("customer")
_NOTE = list(_TABLE.columns).index("note")
_NESTED = {"customer": "map<text, int>", "note": "list<text>"}
Rows = Sequence[Sequence[str]]


class _OneSet(Replicas):
    """The replicas of a single node."""

    def __init__(self) -> None:
        self.sets = [()]


@dataclass(frozen=True)
class _Input:
    """A form of the rows: how it is written and how it is read, columns of other types, what it is beside."""

    name: str
    write: Callable[[Path, Rows], object]
    end: str = "csv"
    dialect: Dialect = field(default_factory=Dialect)
    values: ValuesConfig = field(default_factory=ValuesConfig)
    types: Mapping[str, str] = field(default_factory=dict)
    beside: str = "plain CSV"
    is_object: bool = False


def _csv(delimiter: str = ",", *, all_quoted: bool = False) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(
                file,
                lineterminator="\n",
                delimiter=delimiter,
                quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL,
            ).writerows(rows)

    return write


def _packed(pack: Callable[[bytes], bytes]) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        _csv()(path, rows)
        path.write_bytes(pack(path.read_bytes()))

    return write


def _changed(at: int, change: Callable[[str], str], delimiter: str = ",") -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        head, *others = rows
        _csv(delimiter)(path, [head, *([*row[:at], change(row[at]), *row[at + 1 :]] for row in others)])

    return write


def _zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _json_lines(path: Path, rows: Rows) -> None:
    head, *others = rows
    path.write_text(
        "".join(json.dumps(dict(zip(head, row, strict=True))) + "\n" for row in others), encoding="utf-8"
    )


def _json_array(path: Path, rows: Rows) -> None:
    head, *others = rows
    path.write_text(json.dumps([dict(zip(head, row, strict=True)) for row in others]), encoding="utf-8")


def _parquet(path: Path, rows: Rows) -> None:
    head, *others = rows
    table = pa.table(dict(zip(head, map(pa.array, zip(*others, strict=True)), strict=True)))
    pq.write_table(table, path)


def _mysql(path: Path, rows: Rows) -> None:
    head, *others = rows
    lines = [head, *([*row[:-1], f"a\\\\{row[-1]}"] for row in others)]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


def _nested(text: Callable[[object], str]) -> Callable[[Path, Rows], None]:
    """Return what writes each note as the list of its words, and each customer as a map from words."""

    def write(path: Path, rows: Rows) -> None:
        head, *others = rows
        lines = [list(row) for row in others]
        for line in lines:
            line[_CUSTOMER] = text(dict(zip(line[_CUSTOMER].split(), range(1000), strict=False)))
            line[_NOTE] = text(line[_NOTE].split())
        _csv()(path, [head, *lines])

    return write


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_AS_JSON = "a list and a map as JSON"
_INPUTS = (
    _Input("plain CSV", _csv()),
    _Input("delimiter ;", _csv(";"), dialect=Dialect(delimiter=";")),
    _Input("all fields in quotes", _csv(all_quoted=True)),
    _Input(
        "null words",
        _changed(_NOTE, lambda text: "NA" if text < "ac" else text),
        dialect=Dialect(nulls=("", "NA")),
    ),
    _Input("gzip", _packed(gzip.compress), "csv.gz", Dialect(compression="gzip")),
    _Input("zstd", _packed(_zstd), "csv.zst", Dialect(compression="zstd")),
    _Input("Windows-1252", _csv(), dialect=Dialect(encoding="cp1252")),
    _Input(
        "a pattern for timestamps",
        _changed(_MOMENT, lambda text: f"{_moment(text):%d.%m.%Y %H:%M:%S}"),
        values=ValuesConfig(timestamp_formats="%d.%m.%Y %H:%M:%S"),
    ),
    _Input(
        "epoch_ms for timestamps",
        _changed(_MOMENT, lambda text: f"{_moment(text).timestamp() * 1000:.0f}"),
        values=ValuesConfig(timestamp_formats="epoch_ms"),
    ),
    _Input(
        "decimal comma",
        _changed(_PRICE, lambda text: text.replace(".", ","), ";"),
        dialect=Dialect(delimiter=";"),
        values=ValuesConfig(decimal_mark=","),
    ),
    _Input("JSON Lines", _json_lines, "jsonl"),
    _Input("JSON, an array on one line", _json_array, "json"),
    _Input(
        "MySQL's dump, a backslash in each note",
        _mysql,
        dialect=replace(PRESETS["mysql"], has_header=True),
    ),
    _Input(_AS_JSON, _nested(json.dumps), types=_NESTED),
    _Input(
        "the same as CQL literals",
        # No text in them has a quote, so Python writes them as CQL does.
        _nested(str),
        values=ValuesConfig(nested_form="cql"),
        types=_NESTED,
        beside=_AS_JSON,
    ),
    _Input("Parquet", _parquet, "parquet"),
    _Input("plain CSV, an object", _csv(), is_object=True),
    _Input(
        "gzip, an object",
        _packed(gzip.compress),
        "csv.gz",
        Dialect(compression="gzip"),
        beside="gzip",
        is_object=True,
    ),
    _Input("JSON Lines, an object", _json_lines, "jsonl", beside="JSON Lines", is_object=True),
    _Input("Parquet, an object", _parquet, "parquet", beside="Parquet", is_object=True),
)


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.inputs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="after the warm-up; default: %(default)s")
    rounds = parser.parse_args().rounds
    order = random.Random()  # noqa: S311 - an order, nothing secret
    with ensure_file(FILES, _TABLE, _ROWS).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    used: dict[str, list[float]] = {each.name: [] for each in _INPUTS}
    with tempfile.TemporaryDirectory(dir=FILES) as folder, running_store() as store:
        for number, each in enumerate(_INPUTS):
            each.write(_file(folder, number), rows)
        paths = [
            store.put(_file(folder, number).name, _file(folder, number))
            if each.is_object
            else _file(folder, number)
            for number, each in enumerate(_INPUTS)
        ]
        for round_number in range(rounds + 1):
            for number in order.sample(range(len(_INPUTS)), k=len(_INPUTS)):
                us_a_row = _measured(paths[number], _INPUTS[number])
                if round_number:
                    used[_INPUTS[number].name].append(us_a_row)
    figures = list(_figures(used))
    write_lines(RESULTS / "inputs.csv", Figure, figures)
    for one in figures:
        say(one)


def _file(folder: str, number: int) -> Path:
    return Path(folder, f"{number}.{_INPUTS[number].end}")


def _measured(file: FilePath, form: _Input) -> float:
    """Return the CPU, in µs a row, of describing, reading and encoding a file.

    Raises:
        RuntimeError: rows are missing or bad.
    """
    types = {**_TABLE.columns, **form.types}
    columns = [Column(name, kind, is_key=name == _TABLE.key) for name, kind in types.items()]
    table = Table(
        keyspace="bench",
        name=_TABLE.name,
        id="",
        truncated_at="",
        column_dropped_at="",
        columns=tuple(columns),
        partition_key=(_TABLE.key,),
        clustering_key=(),
        static=(),
    )
    started_s = _cpu_s()
    described = describe_file(file, form.dialect)
    shape = InsertPlan(
        table, plan_fields([described], columns, values=form.values), "unset", bytes(20), expires=False
    )
    good = 0
    for split_rows in read_splits(described, shape.fields):
        encoded = encode_split(split_rows, shape, _OneSet())
        good += len(encoded.positions)
    used_s = _cpu_s() - started_s
    if good != _ROWS:
        raise RuntimeError(f"{form.name}: {good:,} good rows of {_ROWS:,}")
    return used_s / _ROWS * 1e6


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _figures(used: Mapping[str, list[float]]) -> Iterator[Figure]:
    for each in _INPUTS:
        values, others = used[each.name], used[each.beside]
        ratios = [one / other for one, other in zip(values, others, strict=True)]
        yield figure(each.name, "µs of CPU a row", values)
        yield figure(f"{each.name} to {each.beside}", "times", ratios)


if __name__ == "__main__":
    main()
