"""The dialect of a CSV file, from its beginning: delimiter, quotes, comments, header.

Each form is tried with the reader of loads, and the one that it takes apart best is suggested.
"""

import csv
import itertools
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import dialect_of_file
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.sources import describe_file
from pipeline.settings.files import FilesConfig
from pipeline.suggest.notes import Notes

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class _Shape:
    """How a text falls into rows with one delimiter: the usual number of fields, and how usual it is."""

    quote: str
    delimiter: str
    width: int
    share: float
    rows: Rows
    lines_before: int
    """How many lines stand before the first row of the usual number of fields."""


def with_dialect(text: str, given: FilesConfig, notes: Notes) -> FilesConfig:
    """Return settings that read a CSV text, the beginning of a file; those that are given stay."""
    if not text.strip():
        return given
    shape = _shape_of(text, given)
    config = given
    if not given.dialect and not given.delimiter and shape.delimiter != ",":
        config = replace(config, delimiter=shape.delimiter.replace("\t", r"\t"))
        notes.reason(f"{shape.width} fields a row with the delimiter {config.delimiter!r}")
    config = _with_beginning(text, config, shape, notes)
    rows = [row for row in shape.rows if not (config.comment and row[0].startswith(config.comment))]
    config = _with_quotes(text, config, shape, notes)
    if not given.header and not given.dialect and not _has_header(rows):
        config = replace(config, header="false")
        first = ", ".join(rows[0][:4])
        notes.doubt(f"its first row ({first}, …) seems to be values: read without a header")
    return config


def _shape_of(text: str, given: FilesConfig) -> _Shape:
    wanted = [given.delimiter.replace(r"\t", "\t")] if given.delimiter else _DELIMITERS
    shapes = [found for delimiter in wanted if (found := _shape(text, delimiter))]
    return max(
        shapes,
        key=lambda shape: shape.share * (1 - 1 / shape.width) * (0.8 if shape.delimiter == " " else 1),
        default=_Shape(
            '"', given.delimiter or ",", 1, 1.0, [[line] for line in text.splitlines()[:_ROWS]], 0
        ),
    )


def _shape(text: str, delimiter: str) -> _Shape | None:
    rows, ends = [], []
    first = text.lstrip().partition("\n")[0].split(delimiter)
    quote = "'" if all(map(_SINGLE_QUOTED.fullmatch, map(str.strip, first))) else '"'
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, quotechar=quote)
    try:
        for row in itertools.islice(reader, _ROWS):
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error:
        return None
    widths = Counter(len(row) for row in rows if row)
    if not widths:
        return None
    width, count = widths.most_common(1)[0]
    if width < _LEAST_WIDTH:
        return None
    begin = next(at for at, row in enumerate(rows) if len(row) == width)
    usual = [row for row in rows[begin:] if len(row) == width]
    return _Shape(
        quote, delimiter, width, count / sum(widths.values()), usual, ends[begin - 1] if begin else 0
    )


def _with_beginning(text: str, config: FilesConfig, shape: _Shape, notes: Notes) -> FilesConfig:
    """Return the settings for what stands before the first row: comments, or lines to pass over."""
    if not shape.lines_before or config.skip_rows or config.comment:
        return config
    before = [line for line in text.splitlines()[: shape.lines_before] if line.strip()]
    begin = {line[0] for line in before}
    if len(begin) == 1 and begin <= set("#%"):
        [comment] = begin
        notes.reason(f"lines that begin with {comment} stand before its rows")
        return replace(config, comment=comment)
    notes.doubt(f"its first {shape.lines_before} lines have another number of fields: they are passed over")
    return replace(config, skip_rows=shape.lines_before)


def _with_quotes(text: str, config: FilesConfig, shape: _Shape, notes: Notes) -> FilesConfig:
    """Return the settings with which the reader of loads finds the fewest bad rows."""
    if config.quote or config.escape or config.dialect:
        return config
    if shape.quote != '"':
        notes.reason("the names in its header stand in single quotes")
        return replace(config, quote=shape.quote)
    forms = [config]
    if '\\"' in text:
        forms.append(replace(config, escape="\\"))
    if '"' in text:
        forms.append(replace(config, quote="none"))
    if len(forms) == 1:
        return config
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sample.csv"
        file.write_text(text, encoding="utf-8", newline="")
        # The first of those that are equally good.
        best = min(forms, key=lambda form: _bad_share(file, form))
    if best != config:
        changed = f"quote {best.quote}" if best.quote != config.quote else f"escape {best.escape}"
        notes.reason(f"its quotes are read best with {changed}")
    return best


def _bad_share(file: Path, config: FilesConfig) -> float:
    """Return the share of rows that the reader of loads cannot take apart."""
    plain = replace(config, encoding="", compression="", format="csv")
    try:
        described = describe_file(file, dialect_of_file(file, plain))
        good = bad = 0
        for rows in read_splits(described, list(_no_fields(described.content.header))):
            good += len(rows.columns[0])
            bad += len(rows.bad)
    except RowFileError:
        return 1.0
    return bad / max(1, good + bad)


def _no_fields(header: Sequence[str]) -> Iterator[Field]:
    yield Field(Column("first", "text", is_key=False), header[0], allows_others=True)


def _has_header(rows: Rows) -> bool:
    """Return whether the first row names the fields: it has words, and at most years beside them."""
    names = [name.strip() for name in rows[0] if name.strip()]
    values = [name for name in names if _VALUE.fullmatch(name)]
    are_years = all(map(_YEAR.fullmatch, values))
    return len(values) < len(names) and (not values or are_years)


_DELIMITERS = (",", "\t", ";", "|", "\x01", "^", "~", " ")
_ROWS = 2000
_LEAST_WIDTH = 2
_SINGLE_QUOTED = re.compile(r"'[^']+'")
_YEAR = re.compile(r"[12][0-9]{3}")
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:/eE+-]*(?: [0-9:]+)?|NA|NaN|\?")
