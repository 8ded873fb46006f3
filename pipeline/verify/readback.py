"""Requests that read a table back: a token range, page by page, or rows by their keys."""

import itertools
import struct
from collections.abc import Callable, Sequence

import numpy as np
from cassandra import InvalidRequest, ReadFailure
from cassandra.cluster import Session

from pipeline.cluster.translation import is_too_large_page, translated
from pipeline.requests.dispatch import Request
from pipeline.requests.frames import EXECUTE, Message, body_of
from pipeline.requests.nodes import Nodes
from pipeline.verify.cells import Cells, frame, hashes, pack_int
from pipeline.verify.fingerprints import Expected, is_among
from pipeline.verify.rows import FileRows, View, read_page


class PreparedSelect:
    """A prepared SELECT of a view's rows, and the consistency level that it is executed with."""

    def __init__(self, session: Session, view: View, condition: str, consistency: int) -> None:
        self.view = view
        self._session = session
        self._query = view.select(condition)
        self._consistency = consistency
        self.prepare()

    def prepare(self) -> None:
        """Prepare it on every node."""
        self._id: bytes = self._session.prepare(self._query).query_id

    def message(self, values: bytes, count: int, *, page_rows: int, page: bytes = b"") -> Message:
        """Return the EXECUTE with `count` framed values, for one page of rows."""
        flags = _WITH_VALUES | _SKIP_METADATA | _WITH_PAGE_SIZE | (_WITH_PAGE if page else 0)
        head = (
            struct.pack(">H", len(self._id)) + self._id + struct.pack(">HBH", self._consistency, flags, count)
        )
        return Message(EXECUTE, [head, values, struct.pack(">i", page_rows), page])


class Reading(Request):
    """A request that reads, with a statement of one view."""

    rows = 1

    def __init__(self, statement: PreparedSelect) -> None:
        self.statement = statement

    def refused(self, error: Exception) -> Sequence[Request]:
        """Fail: the table has changed.

        Raises:
            ClusterError: always.
        """
        raise translated(f"cannot read {self.statement.view.table} back", error) from error


class RangeScan(Reading):
    """A scan of one token range: counts its rows, and those that are as expected.

    If `exact`, `unknown` gets the rows with other keys, and the range is read to its end. Otherwise the scan
    is given up after more than `most_rows` rows, or if a node fails to read the range, for example for its
    tombstones.
    """

    def __init__(
        self,
        statement: PreparedSelect,
        expected: Expected,
        *,
        page_rows: int,
        most_rows: float,
        exact: bool,
        settle: "Callable[[RangeScan], None]",
    ) -> None:
        super().__init__(statement)
        self.expected = expected
        self.count = self.equal = 0
        self.unknown: list[Cells] = []
        self.given_up = False
        self._page_rows = page_rows
        self._most_rows = most_rows
        self._exact = exact
        self._settle = settle
        self._page = b""

    def attempt(self, nodes: Nodes, attempt: int) -> None:  # noqa: ARG002 - it goes on after any
        """Continue after the last page that was read."""
        bounds = [struct.pack(">iq", 8, bound) for bound in self.expected.bounds]
        is_read = False
        while not (is_read or self.given_up):
            message = self.statement.message(
                b"".join(bounds), len(bounds), page_rows=self._page_rows, page=self._page
            )
            try:
                page = read_page(body_of(nodes.exchange(message, ())), self.statement.view)
            except InvalidRequest as error:
                if self._page_rows == 1 or not is_too_large_page(error):
                    raise
                self._page_rows //= 2
                continue
            except ReadFailure:
                if self._exact:
                    raise
                self.given_up = True
                return
            self._take_in(page.rows)
            self._page, is_read = page.next_page, not page.next_page
            self.given_up = not (is_read or self._exact) and self.count > self._most_rows

    def _take_in(self, rows: Sequence[Cells]) -> None:
        is_equal = is_among(self.expected.rows, hashes(rows))
        self.count += len(rows)
        self.equal += int(is_equal.sum())
        if self._exact:
            others = [rows[at] for at in np.flatnonzero(~is_equal).tolist()]
            is_known = is_among(self.expected.keys, self.statement.view.key_hashes(others))
            self.unknown += itertools.compress(others, ~is_known)

    @property
    def is_equal(self) -> bool:
        """Whether the expected rows are in the table, and equal to the files' rows."""
        return not self.given_up and self.equal == len(self.expected.rows)

    def acknowledged(self) -> None:
        """Pass the scan on."""
        self._settle(self)


class RowsRead(Reading):
    """The table's rows for the keys of one row of a file, or of several if the view allows it."""

    def __init__(
        self,
        statement: PreparedSelect,
        rows: FileRows,
        positions: Sequence[int],
        settle: Callable[[FileRows, int, Cells | None], None],
    ) -> None:
        super().__init__(statement)
        self._rows = rows
        self._positions = positions
        self._keys = statement.view.keys([rows[at] for at in positions])
        self._settle = settle

    def attempt(self, nodes: Nodes, attempt: int) -> None:  # noqa: ARG002 - each is as the first
        """Read the rows."""
        view, keys = self.statement.view, self._keys
        values = b"".join(map(frame, keys))
        if view.takes_many_keys:
            values = frame([pack_int(len(keys)) + values])
        count = 1 if view.takes_many_keys else view.key_size
        message = self.statement.message(values, count, page_rows=len(keys) + 1)
        page = read_page(body_of(nodes.exchange(message, ())), view)
        self._found = dict(zip(view.keys(page.rows), page.rows, strict=True))

    def acknowledged(self) -> None:
        """Pass on each row, None if the table does not have it."""
        for at, key in zip(self._positions, self._keys, strict=True):
            self._settle(self._rows, at, self._found.get(key))

    def refused(self, error: Exception) -> Sequence[Request]:
        """Read one by one: a cluster may limit the keys of a request."""
        if len(self._positions) > 1:
            return [RowsRead(self.statement, self._rows, [at], self._settle) for at in self._positions]
        return super().refused(error)


_WITH_VALUES, _SKIP_METADATA, _WITH_PAGE_SIZE, _WITH_PAGE = 0x01, 0x02, 0x04, 0x08
