"""Finds the elements of JSON text all at once: the same as `elements` finds one by one, or gives up on it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Octets = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]


class Elements(NamedTuple):
    """Where the elements that are whole in a text begin and end, in bytes."""

    starts: Positions
    ends: Positions


def find_elements(text: bytes, *, in_array: bool) -> Elements | None:
    """Return the elements of a text, which begins with one.

    None where one has no brackets, where something else is between two of them than there should be, where a
    backslash is in no string, or where the text is too large.
    """
    if len(text) > _MOST_BYTES or not text.startswith((b"{", b"[")):
        return None
    octets = np.frombuffer(text, np.uint8)
    slashes = np.flatnonzero(octets == _SLASH) if b"\\" in text else np.empty(0, np.int64)
    in_string = _in_string(octets, slashes)
    if (in_string[slashes] == 0).any():
        return None
    # { and [ differ from each other in one bit, and } and ] in the same.
    folded = octets & _CASELESS
    brackets = np.flatnonzero((folded == _OPENING) | (folded == _CLOSING))
    brackets = brackets[in_string[brackets] == 0]
    steps = np.where(folded[brackets] == _OPENING, 1, -1)
    depths = np.cumsum(steps)
    if len(below := np.flatnonzero(depths < 0)):
        # It closes the array that the elements are in.
        brackets, steps, depths = (each[: below[0]] for each in (brackets, steps, depths))
    ends = brackets[depths == 0] + 1
    starts = brackets[(depths == 1) & (steps == 1)][: len(ends)]
    return Elements(starts, ends) if _are_in_order(octets, starts, ends, in_array=in_array) else None


def _in_string(octets: Octets, slashes: Positions) -> Octets:
    """Return 1 for each octet of a string but its closing quote, 0 for any other."""
    is_quote = octets == _QUOTE
    if len(slashes):
        first_slashes = slashes[np.diff(slashes, prepend=-2) > 1]
        after = np.flatnonzero(is_quote[1:] & (octets[:-1] == _SLASH)) + 1
        slash_counts = after - first_slashes[np.searchsorted(first_slashes, after) - 1]
        is_quote[after[slash_counts % 2 == 1]] = False
    # The number of quotes may be larger than an octet, but that it is odd is seen in its last bit.
    counts: Octets = np.cumsum(is_quote, dtype=np.uint8)
    return counts & np.uint8(1)


def _are_in_order(octets: Octets, starts: Positions, ends: Positions, *, in_array: bool) -> bool:
    """Return whether between two elements are nothing but blanks and, in an array, one comma."""
    sizes = starts[1:] - ends[:-1]
    before = np.cumsum(sizes) - sizes
    between = octets[np.arange(sizes.sum()) + np.repeat(ends[:-1] - before, sizes)]
    commas = np.flatnonzero(between == _COMMA)
    if not (_IS_BLANK[between] | (between == _COMMA)).all():
        return False
    if not in_array:
        return not len(commas)
    # Each gap begins at or before its comma, and the next one begins behind it.
    return len(commas) == len(sizes) and bool(((before <= commas) & (commas < before + sizes)).all())


_QUOTE, _SLASH, _COMMA = b'"\\,'
_OPENING, _CLOSING, _CASELESS = ord("["), ord("]"), 0xDF
_IS_BLANK = np.isin(np.arange(256), list(b" \t\r\n"))
# More than the text of a split. Positions take eight times the bytes, and a larger text is a few large rows:
# quick enough one by one.
_MOST_BYTES = 8 << 20
