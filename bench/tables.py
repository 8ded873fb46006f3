"""The tables of the comparison. Contenders import this in an environment with only their own packages."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BenchTable:
    """One table and how it is loaded.

    `columns` maps names to CQL types, in the order of the file; the first is the partition key, and
    `clustering` the rest of the primary key. `rows_a_batch`
    is the number of rows in a BATCH of a contender: the fastest that a server with stock settings accepts.
    `limit_rows_a_batch` is the number for the server's own limit: the average of this project's loads, whose
    batches are all smaller than the size at which a stock server warns.
    """

    name: str
    columns: Mapping[str, str]
    clustering: tuple[str, ...] = ()
    rows: int
    rows_a_batch: int
    limit_rows_a_batch: int
    pace: float
    """Approximate ratio of rows/s to those of the table of users; only for the estimate of the duration."""

    @property
    def key(self) -> str:
        """The name of the partition key's only column."""
        return next(iter(self.columns))


def _visits(rows_a_partition: int) -> BenchTable:
    """Return a table whose partitions have so many rows; its file is in the order of the key."""
    return BenchTable(
        name=f"visits_{rows_a_partition}",
        columns={"day": "int", "user_id": "uuid", "first_name": "text", "last_name": "text"},
        clustering=("user_id",),
        rows=300_000,
        rows_a_batch=100,
        limit_rows_a_batch=45,
        pace=1.0,
    )


TABLES = {
    table.name: table
    for table in (
        BenchTable(
            name="users",
            columns={"user_id": "uuid", "first_name": "text", "last_name": "text"},
            rows=1_000_000,
            rows_a_batch=100,
            limit_rows_a_batch=49,
            pace=1.0,
        ),
        BenchTable(
            name="orders",
            columns={
                "order_id": "uuid",
                "quantity": "int",
                "ordered_at": "timestamp",
                "price": "decimal",
                "customer": "text",
                "note": "text",
            },
            rows=300_000,
            rows_a_batch=60,
            limit_rows_a_batch=22,
            pace=0.7,
        ),
        BenchTable(
            name="pages",
            columns={"page_id": "uuid", "body": "text"},
            rows=100_000,
            rows_a_batch=20,
            limit_rows_a_batch=2,
            pace=0.4,
        ),
        _visits(10),
        _visits(1000),
    )
}

FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "uuid": uuid.UUID,
    "int": int,
    "timestamp": datetime.fromisoformat,
    "decimal": Decimal,
    "text": str,
}
"""Functions that convert a text of the file to a driver's value of a CQL type."""
