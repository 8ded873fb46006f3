"""The settled bad rows of a load; where the journal does not have their values, the files show them again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cassandra.cluster import Session

from pipeline.load.encoded import InsertPlan, encode_split
from pipeline.load.jobs import LoadPlan
from pipeline.load.journal import Journal
from pipeline.requests.replicas import Replicas
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.sources import with_splits
from pipeline.rowfiles.splits import SourceFile


def bad_rows_of(
    session: Session, plan: LoadPlan, journal: Journal, files: Sequence[SourceFile]
) -> list[BadRow]:
    """Return the settled bad rows in the order of files and places, with the current paths of their files.

    `files` are in the journal's order.

    Raises:
        RowFileError: the journal does not have the values, and a file can no longer be read.
    """
    by_file: dict[int, list[BadRow]] = {}
    for (number, _), record in sorted(journal.splits.items()):
        by_file.setdefault(number, []).extend(replace(row, file=files[number].path) for row in record.bad)
    if plan.load.config.journal == "file" or plan.load.config.journal_values:
        return [row for bad in by_file.values() for row in bad]
    return [row for number, bad in by_file.items() for row in _restored(session, plan, files[number], bad)]


def _restored(session: Session, plan: LoadPlan, file: SourceFile, bad: Sequence[BadRow]) -> Iterator[BadRow]:
    """Yield bad rows of a file as the file shows them; those that the server refused look good there."""
    if not bad:
        return
    places = {row.place for row in bad}
    file = with_splits(file)
    wanted = [
        split
        for split in file.content.splits
        if any(0 <= place - split.first_place < split.place_count for place in places)
    ]
    shape = InsertPlan.of(plan)
    replicas = Replicas(session, plan.table.keyspace)
    shown = {
        (row.place, row.column): row
        for split_rows in read_splits(file, shape.read, wanted)
        for row in encode_split(split_rows, shape, replicas).bad
    }
    yield from (shown.get((row.place, row.column), row) for row in bad)
