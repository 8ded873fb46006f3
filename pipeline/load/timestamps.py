"""Write timestamps: of two rows with one key, the later one in the files wins, whichever arrives first.

See docs/decisions/0011-write-timestamps.md.
"""

import time
from collections.abc import Sequence

import gevent
from gevent.lock import Semaphore

from pipeline.cql.tables import Table
from pipeline.errors import RequestError
from pipeline.load.jobs import LIST_STEP_US
from pipeline.load.journal import Journal


class WriteTimestamps:
    """The write timestamps of one load's rows, in µs since 1970, by their place in its files.

    The timestamp of a row is the load's first timestamp plus one step for each place before it. In a table
    with lists that are not frozen, each attempt to send a row needs a later timestamp within the step: a list
    element that is written twice with one timestamp is stored twice.
    """

    def __init__(
        self,
        first_us: int,
        journal: Journal,
        table: Table,
        names: Sequence[str],
        *,
        may_be_future: bool,
        holder: str,
    ) -> None:
        self._first_us = first_us
        self._journal = journal
        self._table = table
        self._has_lists = table.has_lists(names)
        self._step_us = list_step_us(table, names)
        # The last attempt is this run's own, noted when it began.
        self._first_attempt = max(0, journal.attempts - 1)
        self._may_be_future = may_be_future
        self._holder = holder
        self._turn = Semaphore()
        self._held_s = -_HELD_AGAIN_S
        # If the clock was set back since the load began, rows still do not wait longer.
        self._began_s = time.monotonic() - max(0.0, time.time() - first_us / 1e6)

    def of(self, places_before: int, attempt: int) -> int:
        """Return the timestamp of a row with so many places before it, after `attempt` attempts to send it.

        Raises:
            RequestError: a list's elements might stand twice.
            OutputError, ClusterError: the journal cannot be written.
        """
        later = 0
        if self._has_lists:
            later = self._first_attempt + attempt
            if later >= self._step_us:
                raise RequestError(
                    f"cannot load into {self._table}: a row was sent {later} times without an answer, in "
                    "this run and those before it; sent once more, the elements of its lists might stand "
                    "twice; run the load with --reload, which begins anew with later timestamps"
                )
            self._journal.reserve_attempts(later + 1)
            self._hold()
        return self._first_us + places_before * self._step_us + later

    def _hold(self) -> None:
        """Return once this run is for the next seconds the only one that sends rows of the load."""
        if time.monotonic() - self._held_s < _HELD_AGAIN_S:
            return
        with self._turn:
            asked_s = time.monotonic()
            if asked_s - self._held_s >= _HELD_AGAIN_S:
                self._journal.log.hold(self._holder)
                self._held_s = asked_s

    def wait_for(self, timestamp_us: int) -> None:
        """Wait until a timestamp is no longer in the future.

        The time since the load began is compared with the difference to its first timestamp. So no row gets a
        timestamp in the future, unless the user has chosen the first timestamp.
        """
        if not self._may_be_future:
            due_s = self._began_s + (timestamp_us - self._first_us) / 1e6
            ahead_s = due_s - time.monotonic()
            if ahead_s > 0:
                gevent.sleep(ahead_s)


def list_step_us(table: Table, names: Sequence[str]) -> int:
    """Return the step between the timestamps of two places in µs: 1, or more if attempts need their own."""
    return LIST_STEP_US if table.has_lists(names) else 1


_HELD_AGAIN_S = 15.0
