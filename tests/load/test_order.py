import random
import uuid
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from cassandra.metadata import Murmur3Token

from pipeline.cql.columns import Column
from pipeline.cql.tables import Table
from pipeline.load.encoded import EncodedSplit, InsertPlan, encode_split
from pipeline.load.methods.insert import cut_in_turn
from pipeline.requests.replicas import Replicas
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.sources import describe_file

TABLE = Table(
    keyspace="ks",
    name="event",
    id="1",
    truncated_at="",
    column_dropped_at="",
    columns=(
        Column(name="id", type_name="uuid", is_key=True),
        Column(name="v", type_name="text", is_key=False),
    ),
    partition_key=("id",),
    clustering_key=(),
    static=(),
)


class Ring(Replicas):
    """A ring that is divided into equal parts, each on a node of its own."""

    def __init__(self, parts: int) -> None:
        self.sets = [cast("Any", (number,)) for number in range(parts)]

    def set_numbers(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the part of each token."""
        shares = tokens.astype(np.float64) / 2**64 + 0.5
        return np.minimum((shares * len(self.sets)).astype(np.int64), len(self.sets) - 1)


def encoded(folder: Path, ids: list[uuid.UUID], parts: int) -> EncodedSplit:
    """Return the only split of a file with these keys."""
    file = folder / "rows.csv"
    file.write_text("id,v\n" + "".join(f"{key},{at}\n" for at, key in enumerate(ids)))
    described = describe_file(file)
    fields = plan_fields([described], TABLE.columns)
    [split_rows] = read_splits(described, fields)
    shape = InsertPlan(TABLE, fields, nulls="unset", prefix=b"", expires=False)
    return encode_split(split_rows, shape, Ring(parts))


def random_ids(count: int) -> list[uuid.UUID]:
    """Return random keys, the same in each run."""
    mix = random.Random(13)  # noqa: S311 - a fixed mixture, no secret
    return [uuid.UUID(bytes=mix.randbytes(16), version=4) for _ in range(count)]


@pytest.mark.parametrize("parts", [1, 3])
def test_rows_with_the_same_replicas_are_sent_by_token(tmp_path: Path, parts: int) -> None:
    """Within each replica set the tokens rise, and every row of the file is there once."""
    ids = random_ids(5000)
    split = encoded(tmp_path, ids, parts)
    assert sorted(split.positions.tolist()) == list(range(5000))
    assert len(split.row_ranges) == parts
    for row_range in split.row_ranges:
        sent = split.positions[row_range.start : row_range.stop]
        tokens = [Murmur3Token.hash_fn(ids[at].bytes) >> 13 for at in sent]
        assert tokens == sorted(tokens)


def test_repeated_keys_are_sent_in_the_order_of_the_file(tmp_path: Path) -> None:
    """The second row of each key is sent in a later range than the first, whatever their tokens."""
    ids = random_ids(1000)
    rows = [*ids, *ids[:10], *ids[:5]]
    split = encoded(tmp_path, rows, 3)
    seen: dict[uuid.UUID, list[int]] = {}
    for row_range in split.row_ranges:
        for at in split.positions[row_range.start : row_range.stop].tolist():
            places = seen.setdefault(rows[at], [])
            assert len(places) == row_range.occurrence
            places.append(at)
    assert all(places == sorted(places) for places in seen.values())
    assert sum(map(len, seen.values())) == len(rows)


def test_no_node_waits_for_another(tmp_path: Path) -> None:
    """The batches of the replica sets take turns: at any time all sets have sent about equal shares."""
    split = encoded(tmp_path, random_ids(9000), 3)
    total = {row_range.replicas: row_range.stop - row_range.start for row_range in split.row_ranges}
    sent = dict.fromkeys(total, 0)
    for row_range, start, stop in cut_in_turn(split, most_rows=50, most_bytes=1 << 20):
        sent[row_range.replicas] += stop - start
        shares = [sent[replicas] / total[replicas] for replicas in total]
        assert max(shares) - min(shares) < 0.04
    assert sent == total
