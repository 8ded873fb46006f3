"""A load is divided into shards: every split once, the largest shards first, side by side in time."""

import pytest

from pipeline.load.sharing import shards_of


@pytest.mark.parametrize("worker_count", [2, 3, 8])
@pytest.mark.parametrize("split_count", [1, 2, 7, 45, 100, 101])
def test_each_split_is_in_one_shard(worker_count: int, split_count: int) -> None:
    """The shards have every split once, none is empty, and the largest come first."""
    left = tuple((at % 3, at) for at in range(split_count))
    shards = shards_of(left, worker_count)
    assert sorted(split for shard in shards for split in shard) == sorted(left)
    sizes = [len(shard) for shard in shards]
    assert min(sizes) >= 1
    assert sizes == sorted(sizes, reverse=True)


def test_workers_go_through_a_load_side_by_side() -> None:
    """What is sent at the same time is near in the order of the rows: nobody waits for a timestamp."""
    left = tuple((0, at) for at in range(100))
    shards = shards_of(left, 2)
    assert len(shards) == 6
    assert shards[0][:3] == ((0, 0), (0, 2), (0, 4))
    assert shards[1][:3] == ((0, 1), (0, 3), (0, 5))
    assert max(shards[0] + shards[1]) < min(shards[2] + shards[3])


def test_one_worker_has_one_shard() -> None:
    """One worker opens one session, also where nothing is left to send."""
    left = ((0, 3), (1, 0))
    assert shards_of(left, 1) == [left]
    assert shards_of((), 4) == [()]
