"""Detects a cluster that takes no row at all: then the rows are not the cause."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.cluster.refusals import RefusalKind
from pipeline.cluster.translation import is_from_server, is_of, may_be_the_rows, reason_of, translated
from pipeline.errors import BadRowsError, RequestError
from pipeline.load.journal import SplitRecord
from pipeline.rowfiles.badrows import BadRow, without_values


@dataclass(kw_only=True)
class Refusing:
    """Decides whether refused rows are bad; `acknowledged` counts the rows that the cluster has taken.

    `ask_others` returns how many rows of all shards' settled splits the cluster has taken. Until the cluster
    has taken a row, a split with refused rows is not settled, because its rows may be good. A replica that
    fails to write gives no reason. If the cluster has taken no row, or if the table has CDC on (`has_cdc`
    asks at that moment), such a failure is not blamed on the row.
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
        """Count rows that the cluster has taken."""
        self.acknowledged += rows

    def refused(self, error: Exception) -> None:
        """Count a row that the cluster refuses.

        Raises:
            ClusterError: it refused all of the first rows for the same reason, or the cause is not the row.
        """
        if is_of(error, RefusalKind.TABLE) or (
            may_be_the_rows(error) and (self._takes_none() or self.has_cdc())
        ):
            raise translated(self.what, error) from error
        if self.acknowledged or self._differ or not is_from_server(error):
            return
        reason = without_values(str(error))
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
        """Settle a split, or hold it back until the cluster has taken a row."""
        if record.sent and not self.acknowledged:
            self._held.append(record)
            return
        self.settle_held()
        self.settle(record)

    def settle_held(self) -> None:
        """Settle the splits that are held back."""
        while self._held:
            self.settle(self._held.pop(0))


def require_some(bad: Sequence[BadRow], *, read: int, sent: int, acknowledged: int) -> None:
    """Return if at least one row was acknowledged, or if no row was read.

    Raises:
        BadRowsError: no row was acknowledged; the message has the first reasons.
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
    """Return the first few different reasons, those of the server first."""
    firsts: dict[tuple[str, str], BadRow] = {}
    for row in sorted(bad, key=lambda row: bool(sent and row.column)):
        firsts.setdefault((row.column, without_values(row.reason)), row)
    return "; ".join(
        f"{row.where}: {f'column {row.column}: ' if row.column else ''}{row.reason}"
        for row in itertools.islice(firsts.values(), _SHOWN_REASONS)
    )


_JUDGED_FROM_ROWS = 1000
_SHOWN_REASONS = 3
