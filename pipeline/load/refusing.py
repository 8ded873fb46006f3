"""A cluster that takes no row at all: then it is not the rows that are bad."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.driver_errors import is_from_server, is_of, may_be_the_rows, reason_of, translated
from pipeline.errors import BadRowsError, RequestError
from pipeline.load.checkpoint import ChunkRecord, Journal
from pipeline.refusals import Kind
from pipeline.rowfiles.badrows import BadRow


@dataclass(kw_only=True)
class Refusing:
    """What a share knows of whether the cluster takes rows; `acknowledged` are those that it has taken.

    Until it takes one, a chunk whose rows it refused is not settled: they may be good. A replica that fails
    to write gives no reason: with `cdc` on, or where it takes none, that is not put down to the row.
    """

    what: str
    settle: Callable[[ChunkRecord], None]
    acknowledged: int
    cdc: bool
    _reason: str = ""
    _same: int = 0
    _differ: bool = False
    _held: list[ChunkRecord] = field(default_factory=list)

    def took(self, rows: int) -> None:
        """Note that the cluster has taken so many rows."""
        self.acknowledged += rows

    def refused(self, error: Exception) -> None:
        """Note that the cluster refuses a row.

        Raises:
            ClusterError: it refused each of the first rows alike, or it is not the row.
        """
        if is_of(error, Kind.TABLE) or (may_be_the_rows(error) and (self.cdc or not self.acknowledged)):
            raise translated(self.what, error) from error
        if self.acknowledged or self._differ or not is_from_server(error):
            return
        reason = _without_values(str(error))
        self._differ = bool(self._reason) and reason != self._reason
        self._reason = reason
        self._same += 1
        if self._same >= _JUDGED_FROM_ROWS and not self._differ:
            raise RequestError(
                f"{self.what}: the server refused each of the first {self._same} rows and took none: "
                f"{reason_of(error)}; "
                "correct the setting or the table that it speaks of, then run the load again"
            ) from error

    def settled(self, record: ChunkRecord) -> None:
        """Settle a chunk, or hold it back while no row has been taken."""
        if record.sent and not self.acknowledged:
            self._held.append(record)
            return
        self.settle_held()
        self.settle(record)

    def settle_held(self) -> None:
        """Settle the chunks that were held back."""
        while self._held:
            self.settle(self._held.pop(0))


def require_some(journal: Journal, bad: Sequence[BadRow], counts: Mapping[str, int]) -> None:
    """Return if at least one of the rows that were read was acknowledged, or none was read.

    Where the cluster refused all that were sent, the journal is removed: the next run sends them again.

    Raises:
        BadRowsError: none was; the message has the first reason.
    """
    if counts["acknowledged"] or not counts["read"]:
        return
    first = bad[0]
    column = f"column {first.column}: " if first.column else ""
    who = "no row is whole"
    if counts["sent"]:
        journal.path.unlink(missing_ok=True)
        who = f"the server refused all {counts['sent']} rows that were sent"
    raise BadRowsError(
        f"none of {counts['read']} rows was loaded, so the load is not finished: {who}; "
        f"the first: {first.file}:{first.line}: {column}{first.reason}; "
        "correct the rows, or the setting that the reason speaks of, then run the load again"
    )


def _without_values(said: str) -> str:
    """Return a server's message without what differs from row to row: numbers, and what stands in quotes."""
    return re.sub(r"0x[0-9a-f]+|[0-9]+|'[^']*'", "…", said, flags=re.IGNORECASE)


_JUDGED_FROM_ROWS = 1000
