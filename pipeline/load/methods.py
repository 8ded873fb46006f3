"""The methods that write a split's rows: each makes the requests that carry them.

`batch` sends UNLOGGED batches of rows that the same nodes hold; `prepared` sends one statement a row, cut
from the same bytes; `create` is the article's, a cqlengine call a row.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cassandra.connection import ConnectionBusy
from cassandra.cqlengine.models import Model
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import PreparedQueryNotFound

from pipeline.cluster.translation import reason_of
from pipeline.cql.arrowvalues import read_values
from pipeline.driver import columns_of
from pipeline.load.encoded import EncodedSplit, RowRange, bad_row
from pipeline.load.journal import SplitRecord
from pipeline.load.timestamps import WriteTimestamps
from pipeline.requests.dispatch import Request
from pipeline.requests.frames import BATCH, EXECUTE, Message, batch_body, cut_batches, execute_body
from pipeline.requests.nodes import Nodes
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.splits import SplitRows


@dataclass(kw_only=True)
class SplitLoad:
    """One split on its way: what is still to settle of it, and what became of the rest.

    `first_line` is how many lines of the load's files are before it, which sets the write timestamp of its
    first occurrence of a key; that of the next one is as if it were a line later.
    """

    split_rows: SplitRows
    encoded: EncodedSplit
    file: int
    first_line: int
    timestamps: WriteTimestamps
    settle: Callable[[SplitRecord], None]
    note_acknowledged: Callable[[int], None]
    note_refused: Callable[[Exception], None]
    note_bad: Callable[[Sequence[BadRow]], None]
    check_table: Callable[[], None]
    _acknowledged: int = 0
    _refused: list[BadRow] = field(default_factory=list)

    def due_timestamp(self, row_range: RowRange, attempt: int) -> int:
        """Return the write timestamp of a run's rows in this attempt, in µs, once they may have it."""
        timestamp_us = self.timestamps.of(self.first_line + row_range.occurrence, attempt)
        self.timestamps.wait_for(timestamp_us)
        return timestamp_us

    def acknowledged(self, rows: int) -> None:
        """Note that the cluster has taken so many rows, and settle the split with the last of them."""
        self._acknowledged += rows
        self.note_acknowledged(rows)
        self._settle_if_done()

    def refused(self, at: int, error: Exception) -> None:
        """Note that the cluster refuses the row at `at`, in the order of sending.

        Raises:
            ClusterError: it is not the row: the table is gone, or no row at all is taken.
        """
        self.check_table()
        self.note_refused(error)
        bad = bad_row(self.split_rows, int(self.encoded.positions[at]), reason_of(error))
        self._refused.append(bad)
        self.note_bad([bad])
        self._settle_if_done()

    def _settle_if_done(self) -> None:
        sent = len(self.encoded.positions)
        if self._acknowledged + len(self._refused) == sent:
            bad = sorted([*self.encoded.bad, *self._refused], key=lambda row: row.line)
            self.settle(
                SplitRecord(
                    file=self.file,
                    split=self.split_rows.number,
                    rows=self.encoded.row_count,
                    sent=sent,
                    acknowledged=self._acknowledged,
                    bad=bad,
                )
            )


class NoRows(Request):
    """The request of a split that has no row to send."""

    rows = 0

    def __init__(self, load: SplitLoad) -> None:
        self._load = load

    def attempt(self, nodes: Nodes, attempt: int) -> None:
        """Send nothing."""

    def acknowledged(self) -> None:
        """Settle the split."""
        self._load.acknowledged(0)

    def refused(self, error: Exception) -> Sequence[Request]:
        """Never happens: nothing was sent."""
        raise error


class SentRows(Request):
    """Rows `start` to `stop` of a split: several in a BATCH, a single one in an EXECUTE."""

    def __init__(
        self,
        load: SplitLoad,
        statement: "PreparedInsert",
        row_range: RowRange,
        start: int,
        stop: int,
        *,
        attempts: int = 0,
    ) -> None:
        self.rows = stop - start
        self._attempts = attempts
        self._load = load
        self._statement = statement
        self._row_range = row_range
        self._start = start
        self._stop = stop

    def attempt(self, nodes: Nodes, attempt: int) -> None:  # noqa: ARG002 - only those that were sent count
        """Send them."""
        rows, statement = self._load.encoded.rows, self._statement
        timestamp_us = self._load.due_timestamp(self._row_range, self._attempts)
        if self.rows > 1:
            body = batch_body(rows, self._start, self._stop, statement.consistency, timestamp_us)
        else:
            body = execute_body(rows, self._start, statement.query_id, statement.consistency, timestamp_us)
        try:
            nodes.exchange(Message(BATCH if self.rows > 1 else EXECUTE, body), self._row_range.replicas)
        except _NOT_CARRIED_OUT:
            raise
        except Exception:
            self._attempts += 1
            raise

    def acknowledged(self) -> None:
        """Tell the split."""
        self._load.acknowledged(self.rows)

    def refused(self, error: Exception) -> Sequence[Request]:
        """Send the rows of a refused batch one by one: one bad row has the whole batch refused."""
        if self.rows > 1:
            return [
                SentRows(self._load, self._statement, self._row_range, at, at + 1, attempts=self._attempts)
                for at in range(self._start, self._stop)
            ]
        self._load.refused(self._start, error)
        return []


class CreatedRow(Request):
    """One row, written by the article's call."""

    rows = 1

    def __init__(
        self, load: SplitLoad, row_range: RowRange, at: int, create: Callable[[int], object]
    ) -> None:
        self._load = load
        self._row_range = row_range
        self._at = at
        self._create = create

    def attempt(self, nodes: Nodes, attempt: int) -> None:
        """Create it; the driver picks the node."""
        sent_at_s = time.monotonic()
        self._create(self._load.due_timestamp(self._row_range, attempt))
        nodes.tally.latencies.record(time.monotonic() - sent_at_s)

    def acknowledged(self) -> None:
        """Tell the split."""
        self._load.acknowledged(1)

    def refused(self, error: Exception) -> Sequence[Request]:
        """Count it as bad."""
        self._load.refused(self._at, error)
        return []


@dataclass(frozen=True, kw_only=True)
class PreparedInsert:
    """The prepared INSERT that carries encoded rows, and the consistency level it is executed with.

    A request has `most_rows` at most, and, unless it is a single row, `most_bytes` as the server counts them.
    """

    query_id: bytes
    consistency: int
    most_rows: int
    most_bytes: int

    def requests(self, load: SplitLoad) -> Iterator[Request]:
        """Yield the requests of a split."""
        for row_range in load.encoded.row_ranges:
            sizes = load.encoded.rows.sizes[row_range.start : row_range.stop]
            for start, stop in cut_batches(sizes, self.most_rows, self.most_bytes):
                yield SentRows(load, self, row_range, row_range.start + start, row_range.start + stop)


@dataclass(frozen=True, kw_only=True)
class ModelCreate:
    """The article's method: `Model.create` with each row's values by attribute, nulls left out."""

    model: type[Model]
    ttl_s: int | None
    fields: Sequence[Field]

    def requests(self, load: SplitLoad) -> Iterator[Request]:
        """Yield the requests of a split, one a row."""
        attributes = {column.db_field_name: name for name, column in columns_of(self.model).items()}
        columns = [
            list(read_values(field.column.cql_type, values.take(load.encoded.positions)))
            for field, values in zip(self.fields, load.split_rows.columns, strict=True)
        ]
        names = [attributes[field.column.name] for field in self.fields]
        for row_range in load.encoded.row_ranges:
            for at in range(row_range.start, row_range.stop):
                row = zip(names, (column[at] for column in columns), strict=True)
                values = {name: value for name, value in row if value is not None}
                yield CreatedRow(load, row_range, at, self._creating(values))

    def _creating(self, values: Mapping[str, object]) -> Callable[[int], object]:
        def create(timestamp_us: int) -> object:
            model = self.model.ttl(self.ttl_s) if self.ttl_s else self.model
            return model.timestamp(timestamp_us).create(**values)

        return create


_NOT_CARRIED_OUT = (PreparedQueryNotFound, NoConnectionsAvailable, ConnectionBusy)
"""After these a request has changed nothing: it was not sent, or no node knew its statement."""

Method = PreparedInsert | ModelCreate
