"""A prepared INSERT: UNLOGGED batches of rows with the same replicas, or one statement a row.

Both are parts of the same encoded bytes. Statements of neighbouring rows are sent together, because one
greenlet, one write and one wake-up for many of them cost a fraction of one for each.
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from cassandra import ConsistencyLevel
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import PreparedQueryNotFound

from pipeline.cluster.translation import is_transient
from pipeline.load.encoded import EncodedSplit, RowRange
from pipeline.load.methods.protocol import Preparation, SplitLoad
from pipeline.requests.dispatch import Request
from pipeline.requests.frames import (
    BATCH,
    Executes,
    Message,
    batch_body,
    cut_batches,
    statement_prefix,
)
from pipeline.requests.nodes import MOST_TOGETHER, Nodes


@dataclass(kw_only=True)
class PreparedInsert:
    """A prepared INSERT, its consistency level, and the limits of a batch and of what is sent together.

    A batch has at most `most_rows` rows, or is not used if that is 1, and at most `most_bytes` as the server
    counts them. At most `most_together` single statements are sent together.
    """

    query_id: bytes
    consistency: int
    most_rows: int
    most_bytes: int
    most_together: int

    @property
    def prefix(self) -> bytes:
        """The kind and the id of the statement."""
        return statement_prefix(self.query_id)

    def requests(self, load: SplitLoad) -> Iterator[Request]:
        """Yield the requests of a split."""
        together_bytes = self.most_bytes if self.most_rows > 1 else _TOGETHER_MOST_BYTES
        for row_range, start, stop in cut_in_turn(load.encoded, self._step, together_bytes):
            first = start
            while first < stop:
                # `most_rows` may have become smaller since the split was cut.
                last = min(stop, first + self._step)
                rows = SentRows(load, self, row_range, range(first, last))
                yield SentBatch(rows) if self.most_rows > 1 and rows.rows > 1 else rows
                first = last

    def note_refused_batch(self, rows: int) -> None:
        """Make later batches half as large as one that was refused although each of its rows was accepted."""
        self.most_rows = min(self.most_rows, rows // 2)

    @property
    def _step(self) -> int:
        return self.most_rows if self.most_rows > 1 else self.most_together


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
    """Rows of one range, at these positions of a split: an EXECUTE each."""

    def __init__(
        self,
        load: SplitLoad,
        statement: PreparedInsert,
        row_range: RowRange,
        positions: Sequence[int],
        *,
        attempts: int = 0,
    ) -> None:
        self.rows = len(positions)
        self.load = load
        self.statement = statement
        self.row_range = row_range
        self.left = list(positions)
        self.attempts = attempts
        self.was_batch = False

    def attempt(self, nodes: Nodes, attempt: int) -> None:  # noqa: ARG002 - only those that were sent count
        """Send the rows that are left, and leave those that fail; raise one of their errors."""
        rows, statement = self.load.encoded.rows, self.statement
        timestamp_us = self.due_timestamp()
        failed: list[int] = []
        errors: list[Exception] = []
        while self.left:
            requests = Executes(rows, self.left, statement.query_id, statement.consistency, timestamp_us)
            try:
                count, found = nodes.exchange_rows(requests, self.row_range.replicas)
            except Exception as error:  # noqa: BLE001 - raised below, unless one before it counts more
                errors.append(error)
                failed += self.left
                break
            failed += [self.left[at] for at in found]
            errors += found.values()
            self.left = self.left[count:]
            self.load.acknowledged(count - len(found))
        self.left = failed
        if errors:
            self.attempts += any(map(was_sent, errors))
            # A refusal is for when nothing else is left to try.
            raise next(filter(is_transient, errors), errors[0])

    def due_timestamp(self) -> int:
        """Wait until the rows may be written; return the write timestamp in µs of this attempt."""
        return self.load.due_timestamp(self.row_range, self.attempts)

    def acknowledged(self) -> None:
        """Note that it was not a row for which a batch was refused; each row is recorded already."""
        if self.was_batch:
            self.statement.note_refused_batch(self.rows)

    def refused(self, error: Exception) -> Sequence[Request]:
        """Send the rows that are left one by one; record a single row as refused."""
        if self.rows > 1:
            return [
                SentRows(self.load, self.statement, self.row_range, [at], attempts=self.attempts)
                for at in self.left
            ]
        self.load.refused(self.left[0], error)
        return []


class SentBatch(Request):
    """Rows that stand side by side in a split, in a BATCH."""

    def __init__(self, rows: SentRows) -> None:
        self.rows = rows.rows
        self._rows = rows

    def attempt(self, nodes: Nodes, attempt: int) -> None:  # noqa: ARG002 - as above
        """Send the batch."""
        rows, statement = self._rows, self._rows.statement
        start, stop = rows.left[0], rows.left[-1] + 1
        body = batch_body(rows.load.encoded.rows, start, stop, statement.consistency, rows.due_timestamp())
        try:
            nodes.exchange(Message(BATCH, body), rows.row_range.replicas)
        except Exception as error:
            rows.attempts += was_sent(error)
            raise

    def acknowledged(self) -> None:
        """Record the rows as acknowledged."""
        self._rows.load.acknowledged(self.rows)

    def refused(self, error: Exception) -> Sequence[Request]:  # noqa: ARG002 - it is not about one of them
        """Send a statement a row: a single bad row makes the server refuse the batch, or its size does."""
        self._rows.was_batch = True
        return [self._rows]


def was_sent(error: Exception) -> bool:
    """Tell whether a request that failed may have had an effect: a node knew its statement."""
    return not isinstance(error, PreparedQueryNotFound | NoConnectionsAvailable)


def batches(preparation: Preparation) -> PreparedInsert:
    """Prepare the method `batch`."""
    return _insert(preparation, preparation.plan.load.config.batch_rows)


def single_rows(preparation: Preparation) -> PreparedInsert:
    """Prepare the method `prepared`."""
    return _insert(preparation, 1)


def _insert(preparation: Preparation, most_rows: int) -> PreparedInsert:
    load = preparation.plan.load
    # Rows that are sent together are a burst: where the user limits the rate, it is one of 20 ms at most.
    burst = int(load.config.rows_per_s * _BURST_S) or 1 if load.config.rows_per_s else MOST_TOGETHER
    return PreparedInsert(
        query_id=preparation.prepare(),
        consistency=ConsistencyLevel.name_to_value[load.cluster.consistency_level],
        most_rows=most_rows,
        most_bytes=load.config.batch_size_bytes,
        most_together=min(MOST_TOGETHER, burst),
    )


_BURST_S = 0.02
_TOGETHER_MOST_BYTES = 256 * 1024
