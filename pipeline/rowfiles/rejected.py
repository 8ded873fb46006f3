"""Rejected rows: what of row files was not loaded, as a row file of its own, to mend and load again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.files import atomic_path
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats import format_of
from pipeline.rowfiles.formats.csv.writer import row_line
from pipeline.rowfiles.formats.protocol import SourceRow  # noqa: TC001
from pipeline.rowfiles.splits import SourceFile


def write_rejected(
    target: Path, fields: Sequence[Field], bad: Iterable[BadRow], files: Iterable[SourceFile]
) -> int:
    """Write each bad row once to the CSV file `target`, whole or not at all; return how many rows.

    Files follow in the order in which `bad` first names them, and rows in the order of their file. The
    header is that of the first file, and rows of a CSV file with the same header are the very bytes of
    their source. Of any other file the row is written anew under that header, fields that the header does
    not name left out; one that could not be taken apart is copied all the same, for a person to mend.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
        RowFileError: a source can no longer be read.
    """
    lines: dict[str, set[int]] = {}
    for row in bad:
        lines.setdefault(row.file, set()).add(row.line)
    count = 0
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        for text in _rejected(fields, lines, {each.path: each for each in files}):
            file.write(text)
            count += 1
    return max(0, count - 1)


def _rejected(
    fields: Sequence[Field], lines: Mapping[str, set[int]], files: Mapping[str, SourceFile]
) -> Iterator[bytes]:
    """Yield the text of the header, then of each row."""
    header: SourceRow | None = None
    if not lines:
        yield row_line([field.name.encode() for field in fields])
    for name, wanted in lines.items():
        rows = format_of(name).rejected(files[name], fields, wanted)
        own_header = next(rows)
        if header is None:
            header = own_header
            yield header.text
        for row in rows:
            if row.fields and own_header.fields != header.fields:
                values = dict(zip(own_header.fields, row.fields, strict=True))
                yield row_line([values.get(field, b"") for field in header.fields])
            else:
                yield row.text
