"""A prepared INSERT: UNLOGGED batches of rows with the same replicas, or one statement a row.

Both are parts of the same encoded bytes.
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from cassandra import ConsistencyLevel
from cassandra.connection import ConnectionBusy
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import PreparedQueryNotFound

from pipeline.load.encoded import EncodedSplit, RowRange
from pipeline.load.methods.protocol import Preparation, SplitLoad
from pipeline.requests.dispatch import Request
from pipeline.requests.frames import (
    BATCH,
    BATCH_MOST_ROWS,
    EXECUTE,
    Message,
    batch_body,
    cut_batches,
    execute_body,
    statement_prefix,
)
from pipeline.requests.nodes import Nodes


@dataclass(frozen=True, kw_only=True)
class PreparedInsert:
    """A prepared INSERT, its consistency level, and the limits of a request.

    A request has at most `most_rows` rows and, unless it is a single row, at most `most_bytes` as the server
    counts them.
    """

    query_id: bytes
    consistency: int
    most_rows: int
    most_bytes: int

    @property
    def prefix(self) -> bytes:
        """The kind and the id of the statement."""
        return statement_prefix(self.query_id)

    def requests(self, load: SplitLoad) -> Iterator[Request]:
        """Yield the requests of a split."""
        for row_range, start, stop in cut_in_turn(load.encoded, self.most_rows, self.most_bytes):
            yield SentRows(load, self, row_range, start, stop)


def cut_in_turn(
    encoded: EncodedSplit, most_rows: int, most_bytes: int
) -> Iterator[tuple[RowRange, int, int]]:
    """Yield the batches of a split: the range of each, and its first row and the one after its last.

    Ranges of one occurrence take turns, each in proportion to its rows, so that no node waits while others
    work.
    """

    def cut(row_range: RowRange) -> Iterator[tuple[float, RowRange, int, int]]:
        first, last = row_range.start, row_range.stop
        for start, stop in cut_batches(encoded.rows.sizes[first:last], most_rows, most_bytes):
            yield start / (last - first), row_range, first + start, first + stop

    for _, row_ranges in itertools.groupby(encoded.row_ranges, key=attrgetter("occurrence")):
        for _, row_range, start, stop in heapq.merge(*map(cut, row_ranges), key=itemgetter(0)):
            yield row_range, start, stop


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
        """Send the rows."""
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
        """Record the rows as acknowledged."""
        self._load.acknowledged(self.rows)

    def refused(self, error: Exception) -> Sequence[Request]:
        """Send the rows of a refused batch one by one: a single bad row makes the server refuse the batch."""
        if self.rows > 1:
            return [
                SentRows(self._load, self._statement, self._row_range, at, at + 1, attempts=self._attempts)
                for at in range(self._start, self._stop)
            ]
        self._load.refused(self._start, error)
        return []


def batches(preparation: Preparation) -> PreparedInsert:
    """Prepare the method `batch`."""
    return _insert(preparation, BATCH_MOST_ROWS)


def single_rows(preparation: Preparation) -> PreparedInsert:
    """Prepare the method `prepared`."""
    return _insert(preparation, 1)


def _insert(preparation: Preparation, most_rows: int) -> PreparedInsert:
    load = preparation.plan.load
    return PreparedInsert(
        query_id=preparation.prepare(),
        consistency=ConsistencyLevel.name_to_value[load.cluster.consistency_level],
        most_rows=most_rows,
        most_bytes=load.config.batch_size_bytes,
    )


_NOT_CARRIED_OUT = (PreparedQueryNotFound, NoConnectionsAvailable, ConnectionBusy)
"""After these errors a request has had no effect: it was not sent, or no node knew its statement."""
