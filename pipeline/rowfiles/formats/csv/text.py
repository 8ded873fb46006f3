"""Parses CSV text as a whole: where it can be cut between rows, and its columns.

Each function gives the same result as `rows` does row by row, or gives up on the text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from pipeline.rowfiles.formats.csv.grammar import Grammar
from pipeline.rowfiles.texts import BYTE_ORDER_MARK

Octets = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]


class Cut(NamedTuple):
    """The whole rows at the beginning of a text: how many bytes, lines and rows they are."""

    size_bytes: int
    line_count: int
    row_count: int


def find_cut(text: bytes, grammar: Grammar, width: int, most_rows: int) -> Cut | None:
    """Return the whole rows of `text`, which begins with a row, up to a number of them.

    They are none where the text is all part of one row.

    None where quotes, escapes, comments, line ends or, in rows of more than one line, the number of fields
    are in doubt.
    """
    if _is_in_doubt(text, grammar):
        return None
    octets = np.frombuffer(text, np.uint8)
    cut: Cut | None
    if grammar.quote and grammar.quote in text:
        cut = _find_cut_by_quotes(octets, grammar, width, most_rows)
    else:
        size_bytes = text.rfind(b"\n") + 1
        count = int(np.count_nonzero(octets[:size_bytes] == _LINE_FEED))
        if count > most_rows:
            size_bytes = int(np.flatnonzero(octets == _LINE_FEED)[most_rows - 1]) + 1
            count = most_rows
        cut = Cut(size_bytes, count, count)
    if cut is not None and b"\r" in text:
        # The very last carriage return may be half of a CRLF.
        end = cut.size_bytes or len(text) - 1
        returns = np.flatnonzero(octets[:end] == _RETURN)
        if (octets[returns + 1] != _LINE_FEED).any():
            return None
    return cut


def parse_columns(
    text: bytes, grammar: Grammar, row_count: int, width: int, wanted: Sequence[int]
) -> list[pa.Array] | None:
    """Return the columns at the positions `wanted`, as text, null where the field is one of the nulls.

    `text` is a whole number of rows, cut without doubt. None where Arrow does not read as many rows from
    it, of that many fields, in UTF-8.
    """
    if text.startswith(BYTE_ORDER_MARK):
        # Here it is an ordinary character, but Arrow would remove it from the beginning of each split.
        return None
    dialect = grammar.dialect
    names = [str(at) for at in wanted]
    changes_values = dialect.trim or (bool(grammar.escape) and grammar.escape in text)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=len(text) + 1,
                column_names=[str(at) for at in range(width)],
            ),
            pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                double_quote=not dialect.escape,
                newlines_in_values=bool(grammar.quote) and grammar.quote in text,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names,
                null_values=[] if changes_values else dialect.nulls,
                strings_can_be_null=not changes_values,
                quoted_strings_can_be_null=dialect.quoted_nulls,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # Arrow ignores empty lines.
    if table.num_rows != row_count:
        return None
    columns = [column.combine_chunks() for column in table.columns]
    return [_changed(column, grammar) for column in columns] if changes_values else columns


def find_row_lines(text: bytes, grammar: Grammar) -> Positions:
    """Return the line, from 0, that each row of a text without doubt begins on."""
    octets = np.frombuffer(text, np.uint8)
    line_ends = np.flatnonzero(octets == _LINE_FEED)
    row_ends = np.flatnonzero(_outside(line_ends, np.flatnonzero(octets == ord(grammar.quote))))
    return np.concatenate([[0], row_ends[:-1] + 1])


def _is_in_doubt(text: bytes, grammar: Grammar) -> bool:
    """Return whether a text has what only `rows` can tell: some of it is certain, some may be."""
    comment, quote = grammar.comment, grammar.quote
    has_quotes = bool(quote) and quote in text
    return (
        len(grammar.delimiter) > 1
        or (
            bool(comment) and (text.startswith(comment) or b"\n" + comment in text or b"\r" + comment in text)
        )
        or (bool(grammar.escape) and grammar.escape in text and _escapes_matter(text, grammar))
        or (bool(grammar.blanks) and has_quotes and _blanks_matter(text, grammar))
    )


def _escapes_matter(text: bytes, grammar: Grammar) -> bool:
    """Return whether escapes may change where fields end, or do not do the same in all fields."""
    dialect = grammar.dialect
    has_quotes = bool(grammar.quote) and grammar.quote in text
    if dialect.escapes == "quotes" or (has_quotes and not dialect.quoted_nulls):
        return True
    marks = [grammar.quote, grammar.delimiter, b"\n", b"\r", *(bytes([blank]) for blank in grammar.blanks)]
    return any(grammar.escape + mark in text for mark in marks if mark)


def _blanks_matter(text: bytes, grammar: Grammar) -> bool:
    """Return whether blanks may be inside of quotes, or before them."""
    pairs = [pair for blank in (b" ", b"\t") for pair in (blank + grammar.quote, grammar.quote + blank)]
    return not grammar.dialect.quoted_nulls or any(pair in text for pair in pairs)


def _changed(column: pa.Array, grammar: Grammar) -> pa.Array:
    """Return a column of texts as they stand trimmed, without escapes, the nulls as null."""
    nulls = pa.array(grammar.dialect.nulls, pa.string())
    if grammar.blanks:
        column = pc.utf8_trim(column, characters=grammar.blanks.decode())
    if grammar.escape:
        # A null word is one before its escapes are taken away: MySQL writes \N.
        absent = pc.is_in(column, value_set=nulls)
        at = np.flatnonzero(pc.match_substring(column, grammar.dialect.escape).to_numpy(zero_copy_only=False))
        if len(at):
            texts = [
                grammar.unescaped(text.encode(), in_quotes=False).decode()
                for text in column.take(pa.array(at)).to_pylist()
            ]
            mask = np.zeros(len(column), dtype=bool)
            mask[at] = True
            column = pc.replace_with_mask(column, pa.array(mask), pa.array(texts, pa.string()))
        return pc.if_else(absent, pa.scalar(None, pa.string()), column)
    return pc.if_else(pc.is_in(column, value_set=nulls), pa.scalar(None, pa.string()), column)


def _find_cut_by_quotes(octets: Octets, grammar: Grammar, width: int, most_rows: int) -> Cut | None:
    if len(octets) > _QUOTED_MAX_BYTES:
        return None
    quotes = np.flatnonzero(octets == ord(grammar.quote))
    doubled = b"" if grammar.escape else grammar.quote
    before = octets[quotes[0::2] - 1]
    if quotes[0] == 0:
        before[0] = _LINE_FEED
    closing = quotes[1::2]
    after = octets[closing[closing < len(octets) - 1] + 1]
    opens = _among(grammar.delimiter + b"\n" + doubled)[before].all()
    closes = _among(grammar.delimiter + b"\n\r" + doubled)[after].all()
    if not (opens and closes):
        return None
    line_ends = np.flatnonzero(octets == _LINE_FEED)
    row_ends = line_ends[_outside(line_ends, quotes)][:most_rows]
    if not len(row_ends):
        return Cut(0, 0, 0)
    size_bytes = int(row_ends[-1]) + 1
    line_count = int(np.searchsorted(line_ends, size_bytes))
    if line_count != len(row_ends):
        # Of a row of many lines with another number of fields only the first line is lost: the next row
        # begins inside its quotes.
        delimiters = np.flatnonzero(octets[:size_bytes] == ord(grammar.delimiter))
        widths = np.diff(np.searchsorted(delimiters[_outside(delimiters, quotes)], row_ends), prepend=0) + 1
        if (widths != width).any():
            return None
    return Cut(size_bytes, line_count, len(row_ends))


def _outside(positions: Positions, quotes: Positions) -> npt.NDArray[np.bool_]:
    """Return which positions are outside of quotes: after an even number of them."""
    outside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _among(letters: bytes) -> npt.NDArray[np.bool_]:
    return np.isin(np.arange(256), list(letters))


_LINE_FEED, _RETURN = b"\n\r"
# More than the text of a split. Positions take eight times the bytes, and a larger text is a few large rows:
# quick enough one by one.
_QUOTED_MAX_BYTES = 8 << 20
