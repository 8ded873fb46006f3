"""Rows as lines of CSV, one by one or by column.

A field is in quotes where it has a comma, a quote, or a line break in it, and each quote in it is doubled.
Rejected rows may be in another dialect.
"""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rowfiles.formats.csv.grammar import Grammar


def row_line(values: Sequence[bytes]) -> bytes:
    """Return a row's line. An empty line is not a row, so a row of one empty field is two quotes."""
    quoted = [
        b'"' + value.replace(b'"', b'""') + b'"' if _NEEDS_QUOTES.search(value) else value for value in values
    ]
    return (b",".join(quoted) or b'""') + b"\n"


def line_in(grammar: Grammar, values: Sequence[bytes | None]) -> bytes:
    """Return a row's line in a dialect, None for null. What the dialect has no form for stays as it is."""
    null = b"" if b"" in grammar.nulls else min(grammar.nulls, default=b"")
    fields = [null if value is None else _field(grammar, value) for value in values]
    return (grammar.delimiter.join(fields) or grammar.quote * 2) + b"\n"


def _field(grammar: Grammar, value: bytes) -> bytes:
    quote, escape = grammar.quote, grammar.escape
    if grammar.dialect.escapes == "twice":
        value = value.replace(b"\\", b"\\\\")
    marks = (grammar.delimiter, quote, escape, grammar.comment, b"\r", b"\n")
    is_plain = not any(mark and mark in value for mark in marks)
    if quote:
        is_plain = is_plain and not (grammar.blanks and value != value.strip(grammar.blanks))
        if is_plain and (grammar.dialect.quoted_nulls or value not in grammar.nulls):
            return value
        if escape:
            value = value.replace(escape, escape * 2)
        return quote + value.replace(quote, (escape or quote) + quote) + quote
    if is_plain or not escape:
        return value
    special = rb"[" + re.escape(escape + grammar.delimiter) + rb"\r\n]"
    return re.sub(special, lambda found: escape + found[0], value)


def lines_of(columns: Sequence[pa.Array]) -> pa.Buffer:
    """Return the lines of rows whose fields are given by column, as text without nulls."""
    fields = [column if _is_plain(column) else _quoted(column) for column in columns]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*fields, ","), "", "\n")
    _, offsets, text = lines.buffers()
    return text[: np.frombuffer(offsets, np.int32)[len(lines)]]


def _is_plain(column: pa.Array) -> bool:
    """Return whether no field needs quotes. All are searched at once, which takes almost no time."""
    buffer = column.buffers()[2]
    text = buffer.to_pybytes() if buffer else b""
    return not any(mark in text for mark in (b'"', b",", b"\n", b"\r"))


def _quoted(column: pa.Array) -> pa.Array:
    return pc.if_else(
        pc.match_substring_regex(column, '[",\r\n]'),
        pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', ""),
        column,
    )


_NEEDS_QUOTES = re.compile(rb'[",\r\n]')
