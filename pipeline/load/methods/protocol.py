"""The interface of a method that writes rows, and the split that it writes.

A method is registered in `pipeline.load.methods` by the function that prepares it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cassandra.cqlengine.models import Model

from pipeline.cluster.translation import reason_of
from pipeline.load.encoded import EncodedSplit, RowRange, bad_row
from pipeline.load.jobs import LoadPlan
from pipeline.load.journal import SplitRecord
from pipeline.load.timestamps import WriteTimestamps
from pipeline.requests.dispatch import Request
from pipeline.requests.nodes import Nodes
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.splitrows import SplitRows


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """The arguments of a method's preparation.

    `model` is the table's cqlengine model, or None. `prepare` prepares the INSERT on every node and
    returns its id.
    """

    plan: LoadPlan
    model: type[Model] | None
    prepare: Callable[[], bytes]


class Method(Protocol):
    """A prepared method; `prefix` is the bytes that it needs before each encoded row."""

    @property
    def prefix(self) -> bytes:
        """The bytes before each row."""

    def requests(self, load: "SplitLoad") -> Iterator[Request]:
        """Yield the requests that write a split."""


@dataclass(kw_only=True)
class SplitLoad:
    """A split that is being sent: it counts the rows that are acknowledged or refused, and settles the split.

    `places_before` is how many places of the load's files are before the split. It gives the write timestamp
    of the first occurrence of a key; each later occurrence has the timestamp of one place later.
    """

    split_rows: SplitRows
    encoded: EncodedSplit
    file: int
    places_before: int
    timestamps: WriteTimestamps
    settle: Callable[[SplitRecord], None]
    note_acknowledged: Callable[[int], None]
    note_refused: Callable[[Exception], None]
    note_bad: Callable[[Sequence[BadRow]], None]
    check_table: Callable[[], None]
    _acknowledged: int = 0
    _refused: list[BadRow] = field(default_factory=list)

    def due_timestamp(self, row_range: RowRange, attempt: int) -> int:
        """Wait until a range may be written; return its write timestamp in µs for this attempt."""
        timestamp_us = self.timestamps.of(self.places_before + row_range.occurrence, attempt)
        self.timestamps.wait_for(timestamp_us)
        return timestamp_us

    def acknowledged(self, rows: int) -> None:
        """Count rows as acknowledged, and settle the split with its last row."""
        self._acknowledged += rows
        self.note_acknowledged(rows)
        self._settle_if_done()

    def refused(self, at: int, error: Exception) -> None:
        """Count the row at `at`, in the order of sending, as refused by the cluster.

        Raises:
            ClusterError: the cause is not the row: the table is gone, or the cluster takes no row at all.
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
            bad = sorted([*self.encoded.bad, *self._refused], key=lambda row: row.place)
            self.settle(
                SplitRecord(
                    file=self.file,
                    split=self.split_rows.number,
                    rows=self.encoded.row_count,
                    sent=sent,
                    acknowledged=self._acknowledged,
                    bad=bad,
                    sha256=self.split_rows.sha256,
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
