"""A table compared with the files it was loaded from: by the hashes of a token range's rows, then by key.

A range is scanned if the table has few other rows in it beside the files' rows. If the scan does not find
each of the files' rows as the file has it, or if the table has many more rows in the range, the files' rows
are read by their keys. Where the tokens are not Murmur3Partitioner's, all are read by key, and the table is
scanned only if it must be equal.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import BoundStatement

from pipeline.cluster.session import has_murmur3_tokens
from pipeline.cluster.translation import translated_errors
from pipeline.load.jobs import Load
from pipeline.requests.dispatch import Pace, Request, RetryPolicy, dispatch
from pipeline.requests.nodes import Nodes
from pipeline.verify.cells import Cells, shown_cell
from pipeline.verify.fingerprints import FileIndex, RowFiles, is_among
from pipeline.verify.found import Verification
from pipeline.verify.readback import PreparedSelect, RangeScan, RowsRead
from pipeline.verify.rows import FileRows, View

if TYPE_CHECKING:
    from pipeline.cql.columns import Column


class Comparison:
    """Compares one view of a table with the files. `found` grows while it runs.

    If `exact`, the table must have no other row, and cells that the files do not set must be null.
    """

    def __init__(
        self, session: Session, load: Load, view: View, source: RowFiles, index: FileIndex, *, exact: bool
    ) -> None:
        self.found = Verification(distinct_keys=index.distinct_keys)
        self._session = session
        self._load = load
        self._view = view
        self._source = source
        self._index = index
        self._exact = exact
        self._nulls_count = exact or source.shape.nulls == "write"
        self._what = f"cannot read {view.table} back"
        self._row_bytes = max(1, index.size_bytes // max(1, index.read - index.bad))
        self._unequal = np.zeros(index.ranges, np.bool_)
        self._dense = 0
        self._changed: list[tuple[Column, Cells]] = []

    def run(self) -> None:
        """Compare.

        Raises:
            ClusterError: the cluster failed for longer than the retry budget, or the table is gone.
            RowFileError: a file is damaged.
        """
        consistency = ConsistencyLevel.name_to_value[self._load.cluster.consistency_level]
        with translated_errors(self._what):
            by_token = self._view.by_token if self._index.ranges > 1 else ""
            scan = PreparedSelect(self._session, self._view, by_token, consistency)
            read = PreparedSelect(self._session, self._view, self._view.by_key, consistency)
        if self._exact or has_murmur3_tokens(self._session):
            self._dispatch(self._scans(scan), self._nodes(scan, _SCANS), _SCANS)
        else:
            self._unequal[:] = True
        if self._unequal.any():
            pool_size = self._load.config.pool_size
            nodes = self._nodes(read, pool_size)
            for rows in self._unequal_rows():
                # Before the requests begin: their iterator must not wait for a file.
                self._dispatch(self._reads(read, rows), nodes, pool_size)
            with translated_errors(self._what):
                self.found.written_at_us = self._written_at_us()

    def _nodes(self, statement: PreparedSelect, pool_size: int) -> Nodes:
        return Nodes(
            self._session,
            most_in_flight=pool_size,
            request_timeout_s=self._load.cluster.request_timeout_s,
            prepare=statement.prepare,
        )

    def _dispatch(self, requests: Iterable[Request], nodes: Nodes, pool_size: int) -> None:
        retry_policy = RetryPolicy(what=self._what, retry_budget_s=self._load.config.retry_budget_s)
        dispatch(requests, nodes, retry_policy, pool_size=pool_size, pace=Pace(0))

    def _scans(self, statement: PreparedSelect) -> Iterator[Request]:
        index = self._index
        page_rows = max(_PAGE_LEAST_ROWS, min(_PAGE_MOST_ROWS, _PAGE_BYTES // self._row_bytes))
        for number in range(index.ranges):
            if not self._exact and self._dense >= _DENSE_RANGES:
                self._unequal[number:] = True
                return
            expected = index.expected(number)
            most_rows = _DENSE * len(expected.keys)
            if self._exact or most_rows:
                yield RangeScan(
                    statement,
                    expected,
                    page_rows=page_rows if self._exact else min(page_rows, most_rows + 1),
                    most_rows=most_rows,
                    exact=self._exact,
                    settle=self._settle_range,
                )

    def _settle_range(self, scan: RangeScan) -> None:
        self._dense += scan.given_up
        self.found.in_table += scan.count
        for row in scan.unknown:
            self.found.in_no_file += 1
            self.found.differs(f"{self._view.key_text(row)}: in the table, in no file")
        if scan.is_equal:
            self.found.present += scan.equal
            self.found.done += scan.equal
        else:
            self._unequal[scan.expected.number] = True

    def _unequal_rows(self) -> Iterator[FileRows]:
        """Yield the files' rows in ranges that differ; rows with one key are merged."""
        index = self._index
        for split_rows in self._source.splits(self._view):
            rows = split_rows.good
            single = ~is_among(index.twice, rows.key_hashes)
            yield rows.take(np.flatnonzero(single & self._unequal[index.range_of(rows)]))
        for rows in self._source.merged(self._view, index.twice):
            yield rows.take(np.flatnonzero(self._unequal[index.range_of(rows)]))

    def _reads(self, statement: PreparedSelect, rows: FileRows) -> Iterator[Request]:
        step = 1
        if self._view.takes_many_keys:
            step = max(1, min(_KEYS_A_READ, _READ_BYTES // self._row_bytes))
        for start in range(0, len(rows), step):
            yield RowsRead(statement, rows, range(start, min(start + step, len(rows))), self._settle_row)

    def _settle_row(self, rows: FileRows, at: int, stored: Cells | None) -> None:
        self.found.done += 1
        difference = "absent"
        if stored is not None:
            difference = "" if stored == rows[at] else self._difference(rows, at, stored)
        if difference:
            self.found.differs(f"{self._view.key_text(rows[at])}: {difference}")
        else:
            self.found.present += 1

    def _difference(self, rows: FileRows, at: int, stored: Cells) -> str:
        view, wanted = self._view, rows[at] if self._nulls_count else rows.cells(at)
        differing = [
            (column, value, cell)
            for column, value, cell in zip(view.columns, wanted, stored, strict=True)
            if value != cell and (value is not None or self._nulls_count)
        ]
        if len(self._changed) < _ASKED_CHANGES:
            key = rows[at][: view.key_size]
            self._changed += [(column, key) for column, _, cell in differing if cell is not None]
        return ", ".join(
            f"{column.name} is {shown_cell(column, cell)}, the file has {shown_cell(column, value)}"
            for column, value, cell in differing
        )

    def _written_at_us(self) -> int:
        """Return the latest write timestamp of the first cells that differ; collections have none."""
        forms = dict(zip(self._view.columns, self._view.forms, strict=True))
        latest = 0
        for column, key in self._changed:
            if forms[column].null is None:
                asked = BoundStatement(self._session.prepare(self._view.select_written_at(column)))
                asked.values = list(key)  # as bytes: the driver would serialise them
                found = self._session.execute(asked).one()
                latest = max(latest, (found and found["written_at"]) or 0)
        return latest


_ASKED_CHANGES = 5
_SCANS = 8
_PAGE_BYTES = 512 * 1024
_PAGE_LEAST_ROWS, _PAGE_MOST_ROWS = 100, 5000
_KEYS_A_READ = 30
_READ_BYTES = 64 * 1024
_DENSE = 4
"""A read by key costs the server about as much as a scan of this many rows."""
_DENSE_RANGES = 4
"""After this many ranges have too many other rows, no more ranges are scanned: tokens are evenly spread."""
