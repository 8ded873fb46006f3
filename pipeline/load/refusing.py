"""A cluster that takes no row at all: then it is not the rows that are bad."""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.cluster.refusals import RefusalKind
from pipeline.cluster.translation import is_from_server, is_of, may_be_the_rows, reason_of, translated
from pipeline.errors import BadRowsError, RequestError
from pipeline.load.journal import SplitRecord
from pipeline.rowfiles.badrows import BadRow


@dataclass(kw_only=True)
class Refusing:
    """Whether the cluster takes the rows of a shard; `acknowledged` counts those that it has taken.

    `ask_others` returns how many it has taken of all shards' splits that are settled by now. Until it takes
    one, a split whose rows it refused is not settled: they may be good. A replica that fails to write gives
    no reason: where it takes none, or where the table has cdc (`has_cdc` asks how it is then: it may have
    been altered since), that is not put down to the row.
    """

    what: str
    settle: Callable[[SplitRecord], None]
    acknowledged: int
    ask_others: Callable[[], int]
    has_cdc: Callable[[], bool]
    _reason: str = ""
    _same: int = 0
    _differ: bool = False
    _held: list[SplitRecord] = field(default_factory=list)

    def took(self, rows: int) -> None:
        """Note that the cluster has taken so many rows."""
        self.acknowledged += rows

    def refused(self, error: Exception) -> None:
        """Note that the cluster refuses a row.

        Raises:
            ClusterError: it refused each of the first rows alike, or it is not the row.
        """
        if is_of(error, RefusalKind.TABLE) or (
            may_be_the_rows(error) and (self._takes_none() or self.has_cdc())
        ):
            raise translated(self.what, error) from error
        if self.acknowledged or self._differ or not is_from_server(error):
            return
        reason = _without_values(str(error))
        self._differ = bool(self._reason) and reason != self._reason
        self._reason = reason
        self._same += 1
        if self._same >= _JUDGED_FROM_ROWS and not self._differ and self._takes_none():
            raise RequestError(
                f"{self.what}: the server refused each of the first {self._same} rows and took none: "
                f"{reason_of(error)}; "
                "correct the setting or the table that it speaks of, then run the load again"
            ) from error

    def _takes_none(self) -> bool:
        self.acknowledged = self.acknowledged or self.ask_others()
        return not self.acknowledged

    def settled(self, record: SplitRecord) -> None:
        """Settle a split, or hold it back while no row has been taken."""
        if record.sent and not self.acknowledged:
            self._held.append(record)
            return
        self.settle_held()
        self.settle(record)

    def settle_held(self) -> None:
        """Settle the splits that were held back."""
        while self._held:
            self.settle(self._held.pop(0))


def require_some(bad: Sequence[BadRow], *, read: int, sent: int, acknowledged: int) -> None:
    """Return if at least one of the rows that were read was acknowledged, or none was read.

    Raises:
        BadRowsError: none was; the message has the first reasons.
    """
    if acknowledged or not read:
        return
    who = f"the server refused all {sent} rows that were sent" if sent else "no row is whole"
    raise BadRowsError(
        f"none of {read} rows was loaded, so the load is not finished: {who}; "
        f"the first: {_first_reasons(bad, sent=sent)}; "
        "correct the rows, or the setting that the reason speaks of, then run the load again"
    )


def _first_reasons(bad: Sequence[BadRow], *, sent: int) -> str:
    """Return the first few reasons that differ, those of the server before what is wrong with a column."""
    firsts: dict[tuple[str, str], BadRow] = {}
    for row in sorted(bad, key=lambda row: bool(sent and row.column)):
        firsts.setdefault((row.column, _without_values(row.reason)), row)
    return "; ".join(
        f"{row.file}:{row.line}: {f'column {row.column}: ' if row.column else ''}{row.reason}"
        for row in itertools.islice(firsts.values(), _SHOWN_REASONS)
    )


def _without_values(said: str) -> str:
    """Return a server's message without what differs from row to row: numbers, and what stands in quotes."""
    return re.sub(r"0x[0-9a-f]+|[0-9]+|'[^']*'", "…", said, flags=re.IGNORECASE)


_JUDGED_FROM_ROWS = 1000
_SHOWN_REASONS = 3
