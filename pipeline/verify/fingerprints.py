"""What a table must have, from its row files: the hashes of the rows and of their keys, by token range."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import gevent
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import VerificationError
from pipeline.load.encoded import InsertPlan, encode_fields
from pipeline.load.using import integers_of
from pipeline.rowfiles.fields import TIMESTAMP
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.splits import SourceFile
from pipeline.verify.cells import Cells, Hashes
from pipeline.verify.rows import FileRows, Integers, View
from pipeline.verify.spill import Spill, SpillFile


@dataclass(frozen=True, kw_only=True)
class CountedSplit:
    """The good rows of one split, their write timestamps, and the number of its bad rows.

    Where no field has the write timestamps, each row's is greater than those before it in the files.
    """

    good: FileRows
    timestamps: Integers
    bad: int


@dataclass(frozen=True)
class RowFiles:
    """Row files in the order of the load; they can be read several times.

    `left_out` has the places, by file, of rows that the load left out: a row that the cluster refused looks
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
        before = 0
        for file in self.files:
            for split_rows in read_splits(file, self.shape.read):
                values, _, faults = encode_fields(split_rows, self.shape)
                columns = [
                    form.of_column(values[place]) for form, place in zip(view.forms, places, strict=True)
                ]
                rows, timestamps = FileRows(view, columns), self._timestamps(values, before)
                before += len(rows)
                bad = {at for at, _, _ in faults}
                if left_out := self.left_out.get(file.path):
                    bad.update(np.flatnonzero(np.isin(split_rows.places, list(left_out))).tolist())
                if bad:
                    good = np.delete(np.arange(len(rows)), sorted(bad))
                    rows, timestamps = rows.take(good), timestamps[good]
                yield CountedSplit(
                    good=rows,
                    timestamps=timestamps,
                    bad=len(bad) + len({row.place for row in split_rows.bad}),
                )

    def _timestamps(self, values: Sequence[pa.BinaryArray], before: int) -> Integers:
        """Return the write timestamps of a split's rows; `before` counts the rows before them."""
        for field, encoded in zip(self.shape.using, values[len(self.shape.fields) :], strict=True):
            if field.column == TIMESTAMP:
                return integers_of(encoded)
        return np.arange(before, before + len(values[0]))

    def merged(self, view: View, keys: Hashes) -> Iterator[FileRows]:
        """Yield one row for each of these keys: the result of all the files' rows with that key.

        The value of a cell with the latest write timestamp counts. A null counts as a value only if nulls are
        written.

        Raises:
            VerificationError: two rows have different values with the same write timestamp.
        """
        for start in range(0, len(keys), _MERGED_AT_ONCE):
            wanted = keys[start : start + _MERGED_AT_ONCE]
            last: dict[Cells, MergedRow] = {}
            for split_rows in self.splits(view):
                gevent.sleep(0)
                rows = split_rows.good
                for at in np.flatnonzero(is_among(wanted, rows.key_hashes)).tolist():
                    cells = rows.cells(at)
                    key = cells[: view.key_size]
                    merged = last.setdefault(key, MergedRow(view, keeps_nulls=self.shape.nulls == "write"))
                    merged.take(cells, int(split_rows.timestamps[at]))
            merged_cells = zip(*(row.cells for row in last.values()), strict=True)
            yield FileRows(view, [pa.array(column, pa.binary()) for column in merged_cells])


class MergedRow:
    """The cells of a key, each of the row with the latest write timestamp that has one."""

    def __init__(self, view: View, *, keeps_nulls: bool) -> None:
        self._view = view
        self._keeps_nulls = keeps_nulls
        self._written: list[tuple[int, bytes | None] | None] = [None] * len(view.columns)

    def take(self, cells: Cells, timestamp_us: int) -> None:
        """Take the cells of one more row.

        Raises:
            VerificationError: a cell has another value with the same write timestamp.
        """
        for at, cell in enumerate(cells):
            if cell is None and not self._keeps_nulls:
                continue
            before = self._written[at]
            if before and before[0] == timestamp_us and before[1] != cell:
                raise VerificationError(
                    f"{self._view.key_text(cells)}: two rows have write timestamp {timestamp_us} and "
                    f"different values of {self._view.columns[at].name}: which one the table keeps, the "
                    "files do not say; give each row of a key a timestamp of its own"
                )
            if before is None or before[0] < timestamp_us:
                self._written[at] = (timestamp_us, cell)

    @property
    def cells(self) -> Cells:
        """The cells, None for one that no row sets."""
        return tuple(written and written[1] for written in self._written)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a table must have in a token range: the hashes of its keys and of its rows, both sorted.

    `bounds` are the range's tokens, the first exclusive, the second inclusive; a single range has none.
    """

    number: int
    bounds: Sequence[int]
    keys: Hashes
    rows: Hashes


class FileIndex:
    """What a view of a table must have, range by range.

    `twice` has the hashes of keys of several rows, sorted; `duplicates` names a few such keys. `read` and
    `bad` count rows, `size_bytes` the bytes of good ones. There are as many ranges as `rows` rows need,
    or one if the table's tokens are not Murmur3Partitioner's. The hashes are in the file.

    Raises:
        OutputError: the file cannot be written.
        RowFileError: a row file is damaged.
    """

    def __init__(
        self,
        source: RowFiles,
        view: View,
        progress: Callable[[int], None],
        *,
        rows: int,
        has_tokens: bool,
        file: SpillFile,
    ) -> None:
        self.read = self.bad = self.size_bytes = 0
        self.duplicates: list[str] = []
        # Small enough to search quickly if it differs, large enough to be worth a request.
        self.ranges = 1
        while has_tokens and self.ranges < _MOST_RANGES and rows > self.ranges * _RANGE_ROWS:
            self.ranges *= 2
        self._single = Spill(file, self.ranges)
        self._merged = Spill(file, self.ranges)
        for split_rows in source.splits(view):
            gevent.sleep(0)
            self._keep(self._single, split_rows.good)
            self.bad += split_rows.bad
            self.read += len(split_rows.good) + split_rows.bad
            self.size_bytes += split_rows.good.size_bytes
            progress(self.read)
        self.distinct_keys, self.twice = self._count()
        if len(self.twice):
            self._merge(source, view)

    def range_of(self, rows: FileRows) -> Integers:
        """Return the number of each row's range."""
        bits = self.ranges.bit_length() - 1
        if not bits:
            return np.zeros(len(rows), np.int64)
        from_least = rows.tokens.view(np.uint64) ^ np.uint64(2**63)
        return (from_least >> np.uint64(64 - bits)).astype(np.int64)

    def expected(self, number: int) -> Expected:
        """Return what a range must have: the rows with keys of their own, and the merged ones."""
        keys, rows = self._single.of_range(number)
        if len(self.twice):
            is_single = ~is_among(self.twice, keys)
            merged_keys, merged_rows = self._merged.of_range(number)
            keys = np.concatenate([keys[is_single], merged_keys])
            rows = np.concatenate([rows[is_single], merged_rows])
        return Expected(number=number, bounds=self._bounds(number), keys=np.sort(keys), rows=np.sort(rows))

    def _bounds(self, number: int) -> Sequence[int]:
        if self.ranges == 1:
            return ()
        width = 2**64 // self.ranges
        start = _LEAST_TOKEN + number * width
        # No row has the smallest token; for the server it is the beginning of the ring.
        return max(_LEAST_TOKEN, start - 1), start + width - 1

    def _keep(self, spill: Spill, rows: FileRows) -> None:
        spill.add(self.range_of(rows), rows.key_hashes, rows.hashes)

    def _count(self) -> tuple[int, Hashes]:
        """Return the number of keys, and the hashes of those of several rows: they are in the same range."""
        distinct = 0
        twice = [np.empty(0, np.uint64)]
        for number in range(self.ranges):
            gevent.sleep(0)
            keys = np.sort(self._single.of_range(number)[0])
            again = keys[1:] == keys[:-1]
            distinct += len(keys) - int(again.sum())
            twice.append(np.unique(keys[1:][again]))
        return distinct, np.sort(np.concatenate(twice))

    def _merge(self, source: RowFiles, view: View) -> None:
        for rows in source.merged(view, self.twice):
            self._keep(self._merged, rows)
            wanted = max(0, _NAMED_DUPLICATES - len(self.duplicates))
            self.duplicates += [view.key_text(rows[at]) for at in range(min(wanted, len(rows)))]


def is_among(known: Hashes, values: Hashes) -> npt.NDArray[np.bool_]:
    """Return for each value whether it is in `known`, which is sorted."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    found: npt.NDArray[np.bool_] = known[np.searchsorted(known, values) % len(known)] == values
    return found


_LEAST_TOKEN = -(2**63)
_MOST_RANGES = 8192
_RANGE_ROWS = 8192
_MERGED_AT_ONCE = 200_000
_NAMED_DUPLICATES = 5
