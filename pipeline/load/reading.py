"""The splits of a load that are not settled yet, in the order of its files, as one process reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.errors import RowFileError
from pipeline.load.jobs import LoadPlan
from pipeline.load.journal import Journal
from pipeline.rowfiles.files import read_splits, read_stream_of
from pipeline.rowfiles.sources import still_same
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


@dataclass(frozen=True, kw_only=True)
class ShardReader:
    """Reads the shard of one process, of `shard_count`. `files` are in the journal's order."""

    plan: LoadPlan
    journal: Journal
    files: Sequence[SourceFile]
    shard: int
    shard_count: int

    def owns(self, file: int, split: int) -> bool:
        """Return whether a split belongs to this shard: of a stream, all do, or none."""
        is_streamed = self.files[file].content.stream is not None
        return (file if is_streamed else file + split) % self.shard_count == self.shard

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
        source = file
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
