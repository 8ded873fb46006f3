"""Rows as CSV of every dialect, by another writer than the pipeline's."""

import random
from collections.abc import Mapping, Sequence

from pipeline.rowfiles.dialect import PRESETS, Dialect
from tests.harness.hostilefile import Row
from tests.harness.hostilerows import HALF, NAMES, key_of

DIALECTS: Mapping[str, Dialect] = {
    **PRESETS,
    "two bytes": Dialect(delimiter="\u00a6"),
    "two bytes, escapes": Dialect(delimiter="\u00a6", escape="\\", quoted_nulls=False),
    "three bytes": Dialect(delimiter="\u2192", trim=True),
    "four bytes, no quote": Dialect(delimiter="\U0001d11e", quote="", escape="\\"),
    "no quote": Dialect(delimiter="|", quote=""),
    "no quote, escapes": Dialect(delimiter="|", quote="", escape="\\", nulls=("\\N",)),
    "escapes": Dialect(escape="\\"),
    "caret": Dialect(escape="^", quote="'", nulls=("", "NA")),
    "letters": Dialect(escape="\\", escapes="letters", nulls=("\\N",)),
    "escaped quotes": Dialect(escape="\\", escapes="quotes", trim=True),
    "twice": Dialect(escape="\\", escapes="twice", delimiter="\t", quoted_nulls=False),
    "comments": Dialect(comment="#"),
    "comments and all": Dialect(comment="%", trim=True, skipped_lines=2, escape="\\", delimiter=";"),
    "skipped": Dialect(skipped_lines=3),
    "trim": Dialect(trim=True),
    "trim, tabs": Dialect(delimiter="\t", trim=True, nulls=("-",)),
    "trim, escapes": Dialect(delimiter="|", quote="", escape="\\", trim=True),
    "null words": Dialect(nulls=("", "NA", "\\N")),
    "null words, not in quotes": Dialect(nulls=("", "NA", "\\N"), quoted_nulls=False),
    "empty is text": Dialect(nulls=("NA",)),
    "no null": Dialect(nulls=()),
    "short rows": Dialect(fills_short_rows=True),
    "short rows, text": Dialect(fills_short_rows=True, nulls=("NA",), delimiter=";"),
    "no header": Dialect(has_header=False),
    "no header, comments": Dialect(has_header=False, comment="#", skipped_lines=1),
    "own quote": Dialect(quote="'", delimiter="|", quoted_nulls=False),
    "final newline": Dialect(requires_final_newline=True),
}


def dialect_rows(rng: random.Random, dialect: Dialect, most: int = 25) -> list[Row]:
    """Return rows that can be written in a dialect."""
    values = [
        "Ada",
        "J\u00f6rg",
        "\u674e",
        "O'Neil",
        "a b",
        "NA",
        "\\N",
        " a ",
        'the "one"',
        "#1",
        "^",
        "nil\0",
    ]
    values += [dialect.delimiter, f"a{dialect.delimiter}b", "a\nb", "c\r\nd", "\\", "\\n", "\t", ""]
    usable: list[str | None] = [value for value in values if _can_be_written(value, dialect)]
    if dialect.nulls:
        usable += [None, None]
    rows: list[Row] = []
    for _ in range(rng.randint(1, most)):
        row: Row = (key_of(rng), rng.choice(usable), rng.choice(usable))
        if dialect.fills_short_rows:
            row = (*row[: rng.randint(1, 3)], None, None)[:3]
        rows.append(row)
    return rows


def text_of_rows(rng: random.Random, dialect: Dialect, rows: Sequence[Row]) -> str:
    """Return rows as text, with what is passed over before and among them."""
    lines = [f'passed over, "{at}' for at in range(dialect.skipped_lines)]
    if dialect.has_header:
        lines.append(dialect.delimiter.join(NAMES))
    for row in rows:
        if dialect.comment and rng.random() < HALF:
            lines.append(f'{dialect.comment}a comment, "{dialect.quote}{dialect.delimiter}{dialect.escape}')
        lines.append(_line(rng, dialect, row))
    if dialect.comment:
        lines += [dialect.comment] * rng.randint(0, 3)
    return "".join(f"{line}{rng.choice(_LINE_ENDS)}" for line in lines)


def _can_be_written(value: str, dialect: Dialect) -> bool:
    if value in dialect.nulls and (dialect.quoted_nulls or not dialect.quote):
        return False
    if dialect.quote:
        return True
    breaks = dialect.delimiter in value or "\n" in value or "\r" in value
    padded = dialect.trim and value != value.strip(" \t")
    return not padded and (bool(dialect.escape) or not breaks)


def _line(rng: random.Random, dialect: Dialect, row: Row) -> str:
    fields = [_field(rng, dialect, value) for value in row]
    if dialect.fills_short_rows:
        while len(fields) > 1 and row[len(fields) - 1] is None and rng.random() < HALF:
            fields.pop()
    return dialect.delimiter.join(fields)


def _field(rng: random.Random, dialect: Dialect, value: str | None) -> str:
    """Return a field; where the dialect trims it, with blanks around it."""
    blanks = [each for each in ("", "", " ", "\t", "  ") if dialect.trim and dialect.delimiter not in each]
    around = rng.choice(blanks or [""])
    return f"{around}{_bare_field(rng, dialect, value)}{around}"


def _bare_field(rng: random.Random, dialect: Dialect, value: str | None) -> str:
    quote, escape = dialect.quote, dialect.escape
    if value is None:
        word = rng.choice(dialect.nulls)
        is_quoted = bool(quote) and dialect.quoted_nulls and word.isalnum() and rng.random() < HALF
        return f"{quote}{word}{quote}" if is_quoted else word
    if dialect.escapes == "twice":
        value = value.replace("\\", "\\\\")
    marks = [mark for mark in (dialect.delimiter, quote, escape, dialect.comment, "\r", "\n") if mark]
    if not quote:
        if not escape:
            return value
        return "".join(f"{escape}{letter}" if letter in marks else letter for letter in value)
    is_plain = not any(mark in value for mark in marks) and value == value.strip(" \t")
    if is_plain and value not in dialect.nulls and rng.random() < HALF:
        return value
    if escape:
        value = value.replace(escape, escape * 2)
    return f"{quote}{value.replace(quote, (escape or quote) + quote)}{quote}"


_LINE_ENDS = ["\n", "\n", "\n", "\r\n", "\r"]
