"""The tables of the comparison. Contenders import this in an environment that has only their own packages."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BenchTable:
    """One table and how it is loaded.

    `columns` are names and CQL types in the order of the file, the first the primary key. `rows_a_batch` is
    what a contender that batches puts into one BATCH: the fastest that a server with stock settings takes.
    `limit_rows_a_batch` is that of the server's own limit: as many as this project's loads have on average,
    all of them below the size at which a stock server warns.
    """

    name: str
    columns: Mapping[str, str]
    rows: int
    rows_a_batch: int
    limit_rows_a_batch: int
    pace: float
    """Rows a second beside the table of users, roughly: for the duration that is announced, nothing else."""

    @property
    def key(self) -> str:
        """The name of the primary key's only column."""
        return next(iter(self.columns))


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
    )
}

FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "uuid": uuid.UUID,
    "int": int,
    "timestamp": datetime.fromisoformat,
    "decimal": Decimal,
    "text": str,
}
"""What a driver wants for a CQL type, from the text in the file."""
