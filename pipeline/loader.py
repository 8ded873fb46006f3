"""The ways to write a row, and what drives them: a plain loop, or a gevent Pool."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from cassandra.cluster import Session
from cassandra.cqlengine.models import Model
from cassandra.query import UNSET_VALUE
from gevent.pool import Pool

from pipeline.datasets import Dataset
from pipeline.keyspace import quoted_columns, table_name
from pipeline.rowfiles import Row
from pipeline.session import translated_errors

Write = Callable[[Mapping[str, object]], object]


def creates(model: type[Model], latency_s: float = 0.0) -> Write:
    """Return the article's way to write: `Model.create` of a row's values by attribute, after a sleep.

    The sleep stands for a slower network; it is the patched `time.sleep`, so greenlets sleep side by side.
    """

    def create(values: Mapping[str, object]) -> object:
        if latency_s:
            time.sleep(latency_s)
        return model.create(**values)

    return create


def in_loop(write: Write, rows: Iterable[Mapping[str, object]]) -> None:
    """Write row after row, each when the one before it is acknowledged."""
    for row in rows:
        write(row)


def in_pool(write: Write, rows: Iterable[Mapping[str, object]], pool_size: int) -> None:
    """Write through a pool of `pool_size` greenlets, one a row, as the article does."""
    Pool(pool_size).map(write, rows)


def load_prepared(session: Session, model: type[Model], rows: Iterable[Row], *, pool_size: int) -> int:
    """Write rows by a prepared INSERT, `pool_size` of them in flight; return how many were acknowledged.

    Idempotent: a row's write is an upsert of its key. Nulls are left unset. Of two rows with one key the
    later wins, because the driver stamps each request when it is sent, and they are sent in order.

    Raises:
        ClusterError: a row was refused or timed out; rows before and after it may be written.
    """
    with translated_errors(f"cannot load into {table_name(model)}"):
        statement = session.prepare(insert_statement(model))
        statement.is_idempotent = True

        def write(row: Row) -> None:
            session.execute(statement, [UNSET_VALUE if value is None else value for value in row])

        pool = Pool(pool_size)
        try:
            return sum(1 for _ in pool.imap_unordered(write, rows, maxsize=pool_size))
        finally:
            pool.kill()


def insert_statement(model: type[Model]) -> str:
    """Return the INSERT of all of the model's columns, in its order, with a marker for each value."""
    names = quoted_columns(model)
    markers = ", ".join("?" * len(names))
    return f"INSERT INTO {model.column_family_name()} ({', '.join(names)}) VALUES ({markers})"  # noqa: S608 - names come from the model


def share_of(rows: Iterable[Row], key_at: Sequence[int], *, share: int, shares: int) -> Iterator[Row]:
    """Yield the rows whose key falls into `share`: rows with one key stay together, so their order holds."""
    if shares == 1:
        yield from rows
        return
    for row in rows:
        key = repr([row[at] for at in key_at]).encode()
        if zlib.crc32(key) % shares == share:
            yield row


def by_attribute(dataset: Dataset, rows: Iterable[Row]) -> list[dict[str, object]]:
    """Return each row as `Model.create` takes it: values by attribute, nulls left out."""
    return [
        {name: value for name, value in zip(dataset.attributes, row, strict=True) if value is not None}
        for row in rows
    ]
