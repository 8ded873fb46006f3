"""Rejected rows: what of row files was not loaded, as a row file of its own, to mend and load again."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pipeline.files import atomic_path, write_text
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect, differences, path_beside
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.csv.grammar import Grammar, grammar_of
from pipeline.rowfiles.formats.csv.writer import line_in
from pipeline.rowfiles.formats.protocol import SourceRow  # noqa: TC001
from pipeline.rowfiles.sources import with_splits
from pipeline.rowfiles.splits import SourceFile


def write_rejected(
    target: Path, fields: Sequence[Field], bad: Iterable[BadRow], files: Iterable[SourceFile]
) -> dict[Path, int]:
    """Write each bad row once to the CSV file `target`, or beside it to a file of its own format.

    Each file is written whole or not at all. Return how many rows each has.

    Files follow in the order in which `bad` first names them, and rows in the order of their file. The
    header and the dialect are those of the first file, in UTF-8 and not packed, and rows of a CSV file with
    the same are the very text of their source. Of any other file the row is written anew under that header,
    fields that the header does not name left out; one that could not be taken apart is copied all the same,
    for a person to mend. A dialect other than the default's is written beside, for `dialect_beside`.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
        RowFileError: a source can no longer be read.
    """
    by_format: dict[str, dict[str, set[int]]] = {}
    by_path = {each.path: each for each in files}
    bad = list(bad)
    for path in {row.file for row in bad}:
        by_path[path] = with_splits(by_path[path])
    for row in bad:
        of_format = by_format.setdefault(by_path[row.file].format.rejected_as, {})
        of_format.setdefault(row.file, set()).add(row.place)
    if not by_format:
        by_format["csv"] = {}
    return {
        target.with_suffix(f".{name}"): _write(target.with_suffix(f".{name}"), fields, places, by_path)
        for name, places in by_format.items()
    }


def _write(
    target: Path, fields: Sequence[Field], places: Mapping[str, set[int]], files: Mapping[str, SourceFile]
) -> int:
    """Write one file; return how many rows it has."""
    dialect = _dialect_of(files[next(iter(places))]) if places else Dialect()
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        file.writelines(_rejected(fields, places, files, grammar_of(dialect)))
    beside = path_beside(target)
    if differences(dialect) or any(files[name].dialect != dialect for name in places):
        write_text(beside, json.dumps(asdict(dialect), indent=2) + "\n")
    elif target.suffix == ".csv":
        # Rows of another format have no dialect, and what is beside them is that of the CSV file.
        beside.unlink(missing_ok=True)
    return sum(map(len, places.values()))


def _dialect_of(file: SourceFile) -> Dialect:
    """Return the dialect of rejected rows of a file: in UTF-8, not packed, without what is passed over."""
    if not file.format.has_lines or not file.format.has_header:
        return Dialect()
    plain = Dialect()
    return replace(
        file.dialect,
        format=plain.format,
        encoding=plain.encoding,
        compression=plain.compression,
        skipped_lines=0,
        requires_final_newline=False,
    )


def _rejected(
    fields: Sequence[Field], places: Mapping[str, set[int]], files: Mapping[str, SourceFile], grammar: Grammar
) -> Iterator[bytes]:
    """Yield the text of the header, then of each row."""
    header: SourceRow | None = None
    if not places:
        yield line_in(grammar, [field.name.encode() for field in fields])
    for name, wanted in places.items():
        file = files[name]
        rows = file.format.rejected(file, fields, wanted)
        own_header = next(rows)
        if header is None:
            header = own_header
            yield header.text
        is_alike = own_header.fields == header.fields and _dialect_of(file) == grammar.dialect
        for row in rows:
            if row.fields and not is_alike:
                values = dict(zip(own_header.fields, row.fields, strict=True))
                yield line_in(grammar, [values.get(field) for field in header.fields])
            else:
                yield row.text
