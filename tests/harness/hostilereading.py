"""Hostile files as they are read: by splits, row by row, and by Python's own csv and json."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.cql.columns import Column
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.formats.csv.grammar import grammar_of
from pipeline.rowfiles.formats.csv.reader import Header
from pipeline.rowfiles.formats.csv.rows import take_rows
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.texts import LINE_END, Text, open_text
from pipeline.settings.columns import ColumnsConfig
from tests.harness.hostilefile import HostileFile, Row
from tests.harness.hostilerows import NAMES

COLUMNS = [Column(name, "uuid" if name == "user_id" else "text", is_key=name == "user_id") for name in NAMES]


@dataclass
class Reading:
    """The rows of a file, each with its line, and the lines of what is no row.

    A value is a text or None; of JSON that Python has read, any other too.
    """

    rows: list[tuple[int, tuple[object, ...]]] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)


def config_of(dialect: Dialect) -> ColumnsConfig:
    """Return which field feeds which column: by order where there is no header."""
    return ColumnsConfig(match="name" if dialect.has_header else "order")


def by_splits(file: HostileFile) -> tuple[Reading, SourceFile, list[Field], list[BadRow]]:
    """Read a file as a load does, and check its splits.

    Raises:
        RowFileError: the file is refused.
    """
    described = describe_file(file.path, file.dialect)
    fields = plan_fields([described], COLUMNS, config_of(file.dialect))
    names = [each.column.name for each in fields]
    assert sorted(names) == sorted(NAMES)
    reading = Reading()
    bad: list[BadRow] = []
    for number, split_rows in enumerate(read_splits(described, fields)):
        assert split_rows.number == number
        for column in split_rows.columns:
            column.validate(full=True)
        columns = dict(zip(names, (column.to_pylist() for column in split_rows.columns), strict=True))
        rows = zip(*(columns[name] for name in NAMES), strict=True)
        reading.rows += zip(split_rows.lines.tolist(), rows, strict=True)
        bad += split_rows.bad
    reading.bad = [row.line for row in bad]
    return reading, described, fields, bad


def by_rows(file: HostileFile) -> Reading:
    """Read a CSV file row by row, and check that each of its lines is a part of a row, or a comment.

    Raises:
        RowFileError: the file is refused.
    """
    grammar = grammar_of(file.dialect)
    reading = Reading()
    with open_text(file.path, file.dialect) as source:
        header = Header(source, file.dialect)
        order = [header.names.index(name) if file.dialect.has_header else at for at, name in enumerate(NAMES)]
        end, line = header.end, header.next_line
        for row in take_rows(source, grammar, end, line, len(header.names)):
            assert row.line == line + _comments(source, end, row.start, file.dialect)
            values = [] if row.fault else [grammar.value(row.raw_fields[place]) for place in order]
            try:
                texts = tuple(None if value is None else value.decode() for value in values)
            except UnicodeDecodeError:
                texts = ()
            if texts:
                reading.rows.append((row.line, texts))
            else:
                reading.bad.append(row.line)
            end, line = row.end, row.line + row.line_count
    with open_text(file.path, file.dialect) as source:
        while not source.is_end(end):
            after = source.next_line(end)
            _comments(source, end, after, file.dialect)
            end = after
    return reading


def _comments(source: Text, start: int, end: int, dialect: Dialect) -> int:
    """Return how many lines some text has, all of which are comments."""
    lines = LINE_END.split(source.window(start, end - start))[:-1]
    assert not lines or dialect.comment
    assert all(line.startswith(dialect.comment.encode()) for line in lines)
    return len(lines)


def text_of(file: HostileFile) -> bytes | None:
    """Return what Python unpacks and decodes of a file, in UTF-8; None where it does not."""
    unpack = _UNPACKERS.get(file.dialect.compression)
    if unpack is None:
        return None
    try:
        content = unpack(file.path.read_bytes())
        return content if file.dialect.encoding == "utf-8" else content.decode(file.dialect.encoding).encode()
    except (OSError, EOFError, lzma.LZMAError, UnicodeError):
        return None


def by_python_csv(content: bytes, dialect: Dialect) -> list[Row] | None:
    """Return the rows of a text that Python's csv accepts; None where it does not, or has another grammar."""
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        return None
    is_like = dialect.escapes == "any" and dialect.quoted_nulls and len(dialect.delimiter.encode()) == 1
    if not is_like or dialect.trim or dialect.comment or (dialect.escape and dialect.escape in text):
        return None
    for _ in range(dialect.skipped_lines):
        text = LINE_END.split(text.encode(), maxsplit=1)[1].decode()
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        rows = list(reader)
    except csv.Error:
        return None
    if dialect.has_header and (not rows or rows.pop(0) != NAMES):
        return None
    while rows and not rows[-1]:
        rows.pop()
    if any(len(row) != len(NAMES) for row in rows):
        return None
    return [tuple(None if value in dialect.nulls else value for value in row) for row in rows]


def by_python_json(text: bytes) -> Reading:
    """Return what Python's json reads in each line."""
    reading = Reading()
    lines = text.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n").split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            reading.rows.append((number, _object(line)))
        except (TypeError, ValueError, RecursionError):
            reading.bad.append(number)
    return reading


class _Members(list[tuple[str, object]]):
    """The members of an object."""


class _Number(str):
    """A number, as it stands in the file."""

    __slots__ = ()


def from_json(text: str) -> object:
    """Return what JSON holds: an object as its members, a number as its text.

    Raises:
        ValueError: it is not JSON, or has half a letter.
    """
    found: object = json.loads(
        text, object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_refuse
    )
    json.dumps(found, ensure_ascii=False).encode()
    return found


def _object(line: bytes) -> tuple[object, ...]:
    members = from_json(line.decode())
    if not isinstance(members, _Members):
        raise TypeError(line)
    values = dict(members)
    if len(values) < len(members) or not values.keys() <= set(NAMES):
        raise ValueError(line)
    return tuple(values.get(name) for name in NAMES)


def _refuse(name: str) -> object:
    raise ValueError(name)


_UNPACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.decompress,
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
}
