"""An index of row files in 8 bytes a row: the hash of each key, and a digest for each token range.

A range's digest is the sum of its rows' hashes modulo 2**64: their order does not matter, and a row can be
taken out of it again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import gevent
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.load.encoded import InsertPlan, encode_fields
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.splits import SourceFile
from pipeline.verify.cells import Cells, Hashes
from pipeline.verify.rowbytes import FileRows, Integers, View


@dataclass(frozen=True, kw_only=True)
class CountedSplit:
    """The good rows of one split, and the number of its bad rows."""

    good: FileRows
    bad: int


@dataclass(frozen=True)
class RowFiles:
    """Row files in the order of the load; they can be read several times.

    `left_out` has the lines, by file, of rows that the load left out: a row that the cluster refused looks
    good here.
    """

    files: Sequence[SourceFile]
    shape: InsertPlan
    left_out: Mapping[str, Collection[int]]

    def splits(self, view: View) -> Iterator[CountedSplit]:
        """Yield the rows, split by split, in a view's form.

        Raises:
            RowFileError: a file is damaged.
        """
        names = [field.column.name for field in self.shape.fields]
        places = [names.index(column.name) for column in view.columns]
        for file in self.files:
            for split_rows in read_splits(file, self.shape.fields):
                values, _, faults = encode_fields(split_rows, self.shape)
                columns = [
                    form.of_column(values[place]) for form, place in zip(view.forms, places, strict=True)
                ]
                rows = FileRows(view, columns)
                bad = {at for at, _, _ in faults}
                if left_out := self.left_out.get(file.path):
                    bad.update(np.flatnonzero(np.isin(split_rows.lines, list(left_out))).tolist())
                if bad:
                    rows = rows.take(np.delete(np.arange(len(rows)), sorted(bad)))
                yield CountedSplit(good=rows, bad=len(bad) + len({row.line for row in split_rows.bad}))

    def merged(self, view: View, keys: Hashes) -> Iterator[FileRows]:
        """Yield one row for each of these keys: the result of all the files' rows with that key.

        The last value of a cell counts. A null counts as a value only if nulls are written.
        """
        keeps_nulls = self.shape.nulls == "write"
        for start in range(0, len(keys), _MERGED_AT_ONCE):
            wanted = keys[start : start + _MERGED_AT_ONCE]
            last: dict[bytes, Cells] = {}
            for split_rows in self.splits(view):
                gevent.sleep(0)
                rows = split_rows.good
                for at in np.flatnonzero(is_among(wanted, rows.key_hashes)).tolist():
                    cells, key = rows.cells(at), rows.key(at)
                    if key in last and not keeps_nulls:
                        before = last[key]
                        cells = [old if new is None else new for old, new in zip(before, cells, strict=True)]
                    last[key] = cells
            yield FileRows(
                view, [pa.array(column, pa.binary()) for column in zip(*last.values(), strict=True)]
            )


class FileIndex:
    """The expected content of a view of a table: for each token range a number of keys and a digest.

    `keys` has the hash of each key, `twice` the hashes of keys of several rows, both sorted;
    `duplicates` names a few such keys. `read` and `bad` count rows, `size_bytes` the bytes of good ones.
    There is one range if the table's tokens are not Murmur3Partitioner's.
    """

    def __init__(
        self, source: RowFiles, view: View, progress: Callable[[int], None], *, has_tokens: bool
    ) -> None:
        self.read = self.bad = self.size_bytes = 0
        self.duplicates: list[str] = []
        self._sums = np.zeros(_FINEST_RANGES, np.uint64)
        self._counts = np.zeros(_FINEST_RANGES, np.int64)
        keys = [np.empty(0, np.uint64)]
        for split_rows in source.splits(view):
            gevent.sleep(0)
            keys.append(split_rows.good.key_hashes)
            self._count(split_rows.good, 1)
            self.bad += split_rows.bad
            self.read += len(split_rows.good) + split_rows.bad
            self.size_bytes += split_rows.good.size_bytes
            progress(self.read)
        self.keys = np.concatenate(keys)
        self.keys.sort()
        self.twice = np.unique(self.keys[1:][self.keys[1:] == self.keys[:-1]])
        if len(self.twice):
            self.keys = np.unique(self.keys)
            self._merge(source, view)
        # Small enough to search quickly if it differs, large enough to be worth a request.
        ranges = 1
        while has_tokens and ranges < _FINEST_RANGES and len(self.keys) > ranges * _RANGE_ROWS:
            ranges *= 2
        self.ranges = ranges
        self.sums = self._sums.reshape(ranges, -1).sum(axis=1)
        self.counts = self._counts.reshape(ranges, -1).sum(axis=1)

    def range_of(self, rows: FileRows) -> Integers:
        """Return the number of each row's range."""
        return _range_of(rows, self.ranges)

    def bounds(self, number: int) -> Sequence[int]:
        """Return the bounds of a range of tokens: the first is exclusive, the second inclusive.

        A single range has none.
        """
        if self.ranges == 1:
            return ()
        width = 2**64 // self.ranges
        start = _LEAST_TOKEN + number * width
        # No row has the smallest token; for the server it is the beginning of the ring.
        return max(_LEAST_TOKEN, start - 1), start + width - 1

    def _count(self, rows: FileRows, sign: int) -> None:
        ranges = _range_of(rows, _FINEST_RANGES)
        np.add.at(self._sums, ranges, rows.hashes * np.int64(sign).astype(np.uint64))
        self._counts += sign * np.bincount(ranges, minlength=_FINEST_RANGES)

    def _merge(self, source: RowFiles, view: View) -> None:
        """Count each key of several rows once, with the merged row."""
        for split_rows in source.splits(view):
            gevent.sleep(0)
            self._count(
                split_rows.good.take(np.flatnonzero(is_among(self.twice, split_rows.good.key_hashes))), -1
            )
        for rows in source.merged(view, self.twice):
            self._count(rows, 1)
            wanted = max(0, _NAMED_DUPLICATES - len(self.duplicates))
            self.duplicates += [view.key_text(rows[at]) for at in range(min(wanted, len(rows)))]


def is_among(known: Hashes, values: Hashes) -> npt.NDArray[np.bool_]:
    """Return for each value whether it is in `known`, which is sorted."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    found: npt.NDArray[np.bool_] = known[np.searchsorted(known, values) % len(known)] == values
    return found


def _range_of(rows: FileRows, ranges: int) -> Integers:
    bits = ranges.bit_length() - 1
    if not bits:
        return np.zeros(len(rows), np.int64)
    from_least = rows.tokens.view(np.uint64) ^ np.uint64(2**63)
    return (from_least >> np.uint64(64 - bits)).astype(np.int64)


_LEAST_TOKEN = -(2**63)
_FINEST_RANGES = 4096
_RANGE_ROWS = 8192
_MERGED_AT_ONCE = 200_000
_NAMED_DUPLICATES = 5
