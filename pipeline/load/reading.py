"""The splits of a load that are not settled yet, in the order of its files, as one process reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.errors import RowFileError
from pipeline.load.jobs import WHOLE, LoadPlan, parts_of
from pipeline.load.journal import Journal
from pipeline.rowfiles.files import read_splits, read_stream_of
from pipeline.rowfiles.sources import as_seen_here, still_same
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import SourceFile, Split
from pipeline.rowfiles.streams import StreamEnd


class ReadSplit(NamedTuple):
    """A split: the number of its file, how many places of the load precede it, and its rows."""

    file: int
    places_before: int
    rows: SplitRows


class ReadEnd(NamedTuple):
    """The end of a stream, and the number of its file."""

    file: int
    end: StreamEnd


@dataclass(kw_only=True)
class ShardReader:
    """Reads the splits of one shard, or all; `files` are in the journal's order.

    `splits` and `is_elsewhere` are as in `pipeline.load.jobs.LoadShard`.
    """

    plan: LoadPlan
    journal: Journal
    files: Sequence[SourceFile]
    splits: Sequence[tuple[int, int]] | None = None
    is_elsewhere: bool = False

    def __post_init__(self) -> None:
        self._own = None if self.splits is None else frozenset(self.splits)

    def owns(self, file: int, split: int) -> bool:
        """Return whether a split belongs to this shard: of a stream, all do, or none."""
        is_streamed = self.files[file].content.stream is not None
        return self._own is None or (file, WHOLE if is_streamed else split) in self._own

    def read(self) -> Iterator[ReadSplit | ReadEnd]:
        """Yield the splits that the journal lacks; behind those of a stream, its end.

        Raises:
            RowFileError: a file is damaged, or was changed since it was described.
        """
        places_before = 0
        for number, file in enumerate(self.files):
            found = self._stream(number, file) if file.content.stream else self._splits(number, file)
            for each in found:
                yield (
                    ReadEnd(number, each)
                    if isinstance(each, StreamEnd)
                    else ReadSplit(number, places_before + file.places_before(each.first_place), each)
                )
            places_before += file.places

    def _splits(self, number: int, file: SourceFile) -> Iterator[SplitRows]:
        wanted = [
            split
            for split in file.content.splits
            if self.owns(number, split.number) and (number, split.number) not in self.journal.splits
        ]
        if not wanted:
            return
        source = as_seen_here(file) if self.is_elsewhere else file
        for split_rows in read_splits(file, [*self.plan.fields, *self.plan.using], wanted):
            source = still_same(source)
            yield split_rows
        # If the file was truncated for a while, it seemed to end early.
        still_same(source)

    def _stream(self, number: int, file: SourceFile) -> Iterator[SplitRows | StreamEnd]:
        def is_wanted(split: Split, sha256: str) -> bool:
            record = self.journal.splits.get((number, split.number))
            if record and record.sha256 != sha256:
                raise RowFileError(
                    f"{file.path}: split {split.number} is another than a run before this one has loaded, "
                    "although its ETag and its size are the same; run the load with --reload: it begins anew"
                )
            return record is None

        if self.owns(number, 0) and not is_settled(self.journal, number):
            yield from read_stream_of(file, [*self.plan.fields, *self.plan.using], is_wanted)


def is_settled(journal: Journal, file: int) -> bool:
    """Return whether a stream was read to its end, and each of its splits is settled."""
    end = journal.ends.get(file)
    return end is not None and all((file, split) in journal.splits for split in range(end.split_count))


def left_of(journal: Journal, files: Sequence[SourceFile]) -> Iterator[tuple[int, int]]:
    """Yield those parts that are not settled; files are in the journal's order."""
    for file, split in parts_of(files):
        is_done = is_settled(journal, file) if split == WHOLE else (file, split) in journal.splits
        if not is_done:
            yield file, split
