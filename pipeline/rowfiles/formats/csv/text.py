"""Parses CSV text as a whole: where it can be cut between rows, and its columns.

Each function gives the same result as `rows` does row by row, or gives up on the text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from pipeline.rowfiles.formats.csv.rows import BYTE_ORDER_MARK

Octets = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]


class Cut(NamedTuple):
    """The whole rows at the beginning of a text: how many bytes, lines and rows they are."""

    size_bytes: int
    line_count: int
    row_count: int


def find_cut(text: bytes, width: int) -> Cut | None:
    """Return the whole rows of `text`, which begins with a row: none where it is all part of one row.

    None where quotes, line ends or, in rows of more than one line, the number of fields are in doubt.
    """
    octets = np.frombuffer(text, np.uint8)
    cut: Cut | None
    if b'"' in text:
        cut = _find_cut_by_quotes(octets, width)
    else:
        size_bytes = text.rfind(b"\n") + 1
        count = int(np.count_nonzero(octets[:size_bytes] == _LINE_FEED))
        cut = Cut(size_bytes, count, count)
    if cut is not None and b"\r" in text:
        # The very last carriage return may be half of a CRLF.
        end = cut.size_bytes or len(text) - 1
        returns = np.flatnonzero(octets[:end] == _RETURN)
        if (octets[returns + 1] != _LINE_FEED).any():
            return None
    return cut


def parse_columns(text: bytes, row_count: int, width: int, wanted: Sequence[int]) -> list[pa.Array] | None:
    """Return the columns at the positions `wanted`, as text, null where the field is empty.

    `text` is a whole number of rows, cut without doubt. None where Arrow does not read as many rows from
    it, of that many fields, in UTF-8.
    """
    if text.startswith(BYTE_ORDER_MARK):
        # Here it is an ordinary character, but Arrow would remove it from the beginning of each split.
        return None
    names = [str(at) for at in wanted]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=len(text) + 1,
                column_names=[str(at) for at in range(width)],
            ),
            pa_csv.ParseOptions(newlines_in_values=b'"' in text),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # Arrow ignores empty lines.
    if table.num_rows != row_count:
        return None
    return [column.combine_chunks() for column in table.columns]


def find_row_lines(text: bytes) -> Positions:
    """Return the line, from 0, that each row of a text without doubt begins on."""
    octets = np.frombuffer(text, np.uint8)
    line_ends = np.flatnonzero(octets == _LINE_FEED)
    row_ends = np.flatnonzero(_outside(line_ends, np.flatnonzero(octets == _QUOTE)))
    return np.concatenate([[0], row_ends[:-1] + 1])


def _find_cut_by_quotes(octets: Octets, width: int) -> Cut | None:
    if len(octets) > _QUOTED_MAX_BYTES:
        return None
    quotes = np.flatnonzero(octets == _QUOTE)
    before = octets[quotes[0::2] - 1]
    if quotes[0] == 0:
        before[0] = _LINE_FEED
    closing = quotes[1::2]
    after = octets[closing[closing < len(octets) - 1] + 1]
    if not (_BEFORE_OPENING[before].all() and _AFTER_CLOSING[after].all()):
        return None
    line_ends = np.flatnonzero(octets == _LINE_FEED)
    row_ends = line_ends[_outside(line_ends, quotes)]
    if not len(row_ends):
        return Cut(0, 0, 0)
    size_bytes = int(row_ends[-1]) + 1
    line_count = int(np.searchsorted(line_ends, size_bytes))
    if line_count != len(row_ends):
        # Of a row of many lines with another number of fields only the first line is lost: the next row
        # begins inside its quotes.
        commas = np.flatnonzero(octets[:size_bytes] == _COMMA)
        widths = np.diff(np.searchsorted(commas[_outside(commas, quotes)], row_ends), prepend=0) + 1
        if (widths != width).any():
            return None
    return Cut(size_bytes, line_count, len(row_ends))


def _outside(positions: Positions, quotes: Positions) -> npt.NDArray[np.bool_]:
    """Return which positions are outside of quotes: after an even number of them."""
    outside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _among(letters: bytes) -> npt.NDArray[np.bool_]:
    return np.isin(np.arange(256), list(letters))


_LINE_FEED, _RETURN, _QUOTE, _COMMA = b'\n\r",'
_BEFORE_OPENING = _among(b',\n"')
_AFTER_CLOSING = _among(b',\n\r"')
# Positions take eight times the bytes, and a larger text is a few large rows: quick enough one by one.
_QUOTED_MAX_BYTES = 4 << 20
