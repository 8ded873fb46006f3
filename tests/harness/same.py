"""One load for all engines: what its files have, and what it leaves."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engines.protocol import Engine
from pipeline.rowfiles.badrows import BAD_ROWS
from pipeline.rowfiles.stores.paths import FilePath
from tests.harness.loads import SPLIT_BYTES, Loads

COLUMNS = "id int PRIMARY KEY, v text, items list<int>"
KEYS = 400
READ = 2 * (KEYS + 2) + KEYS // 2
"""How many rows the files have, two bad ones too."""
TWICE = 307
TABLE = {
    **{at: [at, at + 1] if at < KEYS // 2 else [at] for at in range(KEYS)},
    TWICE: [7, 8],
}
"""The list of each row that the load leaves."""


def write_files(folder: Path) -> list[Path]:
    """Write a CSV file of several splits, one with quotes and line breaks, and a Parquet file.

    Every key is in each file, so the last file has the last word; some rows are bad.
    """
    folder.mkdir(exist_ok=True)
    wide = "x" * (SPLIT_BYTES // 100)
    rows = [(at, f'first, "{at}"\nof {at}{wide if at % 4 == 0 else ""}', f"[{at}]") for at in range(KEYS)]
    files = [folder / "a.csv", folder / "b.csv", folder / "c.parquet"]
    for file, each in zip(files, (rows, rows[::-1]), strict=False):
        with file.open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows(
                [("id", "v", "items"), *each, ("bad", "é", "[]"), (TWICE, "twice", "[7, 8]")]
            )
    table = {
        "id": pa.array(range(KEYS // 2), pa.int32()),
        "v": pa.array([f"last {at}" for at in range(KEYS // 2)]),
        "items": pa.array([[at, at + 1] for at in range(KEYS // 2)], pa.list_(pa.int32())),
    }
    pq.write_table(pa.table(table), files[2], row_group_size=50)
    return files


def load_by(loads: Loads, files: Sequence[FilePath], engine: Engine | None) -> tuple[Any, ...]:
    """Load into a new table; return its rows and write timestamps, the file of bad rows, and the counts."""
    table = loads.create("same", COLUMNS)
    load = loads.job(table, files, journal="cluster", max_bad_rows="2", timestamp_us=1_700_000_000_000_000)
    counts = loads.run(load, engine=engine)
    rows = loads.rows(table, "id, v, writetime(v) AS at, items")
    bad = (Path(load.bad_rows) / BAD_ROWS).read_text(encoding="utf-8")
    return sorted(map(repr, rows)), bad, (counts.read, counts.sent, counts.acknowledged, counts.bad)
