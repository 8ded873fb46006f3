"""Rows of one line: each has a place, by which it is put in order, counted, left out and found again."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.load.encoded import InsertPlan, bad_row, encode_split
from pipeline.load.shard import count_rows
from pipeline.rowfiles.badrows import BadRow, read_bad_places, write_bad_rows
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from pipeline.verify.fingerprints import RowFiles
from pipeline.verify.jobs import VerifyFiles
from pipeline.verify.rows import views_of
from pipeline.workers.client import run_job
from tests.harness.loads import SPLIT_BYTES, Loads, planned
from tests.load.test_order import TABLE, Ring

KEYS = [uuid.UUID(int=at) for at in range(1, 1001)]
BAD = {
    401: '{"id":"nonsense","v":"x"}',
    402: "null",
    501: '{"v":"no key"}',
    502: f'{{"id":"{KEYS[501]}","v":"a","w":1}}',
    503: '{"id":}',
}
REFUSED = 601


def one_line(folder: Path) -> tuple[Path, list[str]]:
    """Return a file that is an array on one line, some of its rows bad, and its objects."""
    objects = [f'{{"id":"{key}","v":"{at}"}}' for at, key in enumerate(KEYS)]
    for row, text in BAD.items():
        objects[row - 1] = text
    file = folder / "rows.json"
    file.write_text(f"[{','.join(objects)}]", encoding="utf-8")
    return file, objects


def test_a_bad_row_of_one_line_is_bad_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,000 rows on a line exactly the bad ones are counted, left out of a verification, and rejected."""
    monkeypatch.setattr("pipeline.rowfiles.formats.json.splits._SPLIT_BYTES", 4096)
    file, objects = one_line(tmp_path)
    described = describe_file(file)
    assert len(described.content.splits) > 10
    fields = plan_fields([described], TABLE.columns)
    shape = InsertPlan(TABLE, fields, nulls="unset", prefix=b"", expires=False)
    sent, read, bad = 0, 0, list[BadRow]()
    for split, split_rows in zip(described.content.splits, read_splits(described, fields), strict=True):
        encoded = encode_split(split_rows, shape, Ring(1))
        assert described.places_before(split.first_place) == read
        read += encoded.row_count
        sent += len(encoded.positions)
        bad += encoded.bad
        if REFUSED in (places := split_rows.places.tolist()):
            bad.append(bad_row(split_rows, places.index(REFUSED), "the server refuses it"))
    assert (read, sent, described.places) == (1000, 995, 1000)
    assert {row.place for row in bad} == {*BAD, REFUSED}
    assert {row.line for row in bad} == {1}
    assert count_rows(bad) == 6

    write_bad_rows(tmp_path / "bad_rows.csv", bad)
    left_out = read_bad_places(tmp_path / "bad_rows.csv")
    [view] = views_of(TABLE, TABLE.columns)
    counted = list(RowFiles([described], shape, left_out).splits(view))
    assert sum(split.bad for split in counted) == 6
    verified = {cells[0] for split in counted for cells in map(split.good.cells, range(len(split.good)))}
    assert verified == {key.bytes for row, key in enumerate(KEYS, start=1) if row not in {*BAD, REFUSED}}

    write_rejected(tmp_path / "rejected.csv", fields, bad, [described])
    rejected = (tmp_path / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert rejected == [objects[row - 1] for row in sorted({*BAD, REFUSED})]


@pytest.mark.parametrize("apart", ["in a split", "across splits", "across files"])
def test_the_last_of_a_line_wins_a_cell(loads: Loads, apart: str) -> None:
    """Of rows with one key on one line, each cell has the last value, whichever split or file it is in."""
    table = loads.create("placed", "id int PRIMARY KEY, v text, w text")
    # The last value is the smallest: if two have the same write time, the server keeps the largest.
    first = [(at, f"x{at}", None) for at in range(50)] + [(1, "9", "9"), (1, "8", None)]
    second = [(1, "7", None), (1, "6", "5"), (2, "a", None), (1, "4", None)]
    pads = [(-1, "x" * SPLIT_BYTES, None)] if apart == "across splits" else []
    if apart == "across files":
        files = [_array(loads, "a.json", first), _array(loads, "b.json", second)]
    else:
        files = [_array(loads, "one.json", [*first, *pads, *second])]
    load = loads.job(table, files)
    counts = loads.run(load, worker_count=1 if apart == "in a split" else 2)
    assert (counts.read, counts.bad) == (len(first + pads + second), 0)
    found = {row["id"]: (row["v"], row["w"]) for row in loads.rows(table)}
    assert (found[1], found[2], found[3]) == (("4", "5"), ("a", None), ("x3", None))
    assert run_job(VerifyFiles(plan=planned(load), exact=True)).duplicate_keys == 2


def test_bad_rows_of_a_line_are_loaded_again_alone(loads: Loads) -> None:
    """A load leaves out exactly the bad rows of a line; what it rejected is what is left to load."""
    table = loads.create("put_right", "id uuid PRIMARY KEY, v text")
    file, _ = one_line(loads.folder)
    load = loads.job(table, [file], max_bad_rows="5")
    counts = loads.run(load)
    assert (counts.read, counts.acknowledged, counts.bad) == (1000, 995, 5)
    assert run_job(VerifyFiles(plan=planned(load), exact=True)).bad == 5
    rejected = loads.folder / "bad" / "rejected.jsonl"
    objects = rejected.read_text(encoding="utf-8").splitlines()
    assert objects == list(BAD.values())
    for at, text in enumerate(objects):
        objects[at] = text.replace(text, f'{{"id":"{KEYS[sorted(BAD)[at] - 1]}","v":"mended"}}')
    rejected.write_text("".join(f"{text}\n" for text in objects), encoding="utf-8")
    loads.run(loads.job(table, [rejected]))
    found = {row["id"]: row["v"] for row in loads.rows(table)}
    assert set(found) == set(KEYS)
    assert [found[KEYS[row - 1]] for row in BAD] == ["mended"] * 5


def _array(loads: Loads, name: str, rows: Sequence[tuple[int, str, str | None]]) -> Path:
    file = loads.folder / name
    named = [{"id": key, "v": v, "w": w} for key, v, w in rows]
    file.write_text(json.dumps(named, separators=(",", ":")), encoding="utf-8")
    return file
