"""Writes rows one by one for experiments: the article's `Model.create`, in a loop or a gevent Pool."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from cassandra.cqlengine.models import Model
from cassandra.query import UNSET_VALUE
from gevent.pool import Pool

from pipeline.cql.columns import Row
from pipeline.datasets.dataset import Dataset

Item = TypeVar("Item")
Write = Callable[[Item], object]


def creates(model: type[Model], latency_s: float = 0.0) -> Write[Mapping[str, object]]:
    """Return the article's way to write: `Model.create` of a row's values by attribute, after a sleep.

    The sleep simulates a slower network. It is the patched `time.sleep`, so greenlets sleep concurrently.
    """

    def create(values: Mapping[str, object]) -> object:
        if latency_s:
            time.sleep(latency_s)
        return model.create(**values)

    return create


def in_loop(write: Write[Item], rows: Iterable[Item]) -> None:
    """Write each row after the one before it is acknowledged."""
    for row in rows:
        write(row)


def in_pool(write: Write[Item], rows: Iterable[Item], pool_size: int) -> None:
    """Write through a pool of `pool_size` greenlets, one a row, as the article does."""
    Pool(pool_size).map(write, rows)


def by_attribute(dataset: Dataset, rows: Iterable[Row]) -> list[dict[str, object]]:
    """Return each row in the form of `Model.create`: values by attribute, without nulls."""
    return [
        {name: value for name, value in zip(dataset.attributes, row, strict=True) if value is not None}
        for row in rows
    ]


def by_position(rows: Iterable[Row]) -> list[list[object]]:
    """Return each row in the form of a prepared INSERT: a null is unset."""
    return [[UNSET_VALUE if value is None else value for value in row] for row in rows]
