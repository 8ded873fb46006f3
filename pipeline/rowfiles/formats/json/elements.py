"""The elements of JSON text one by one: what defines where each begins and ends, in good text and in bad.

Nothing but brackets and strings is looked at, so that what is wrong inside of an element is wrong with it
alone. Whether it is JSON is for its row to say.
"""

import re
from collections.abc import Iterator


def take_elements(window: bytes, *, in_array: bool) -> Iterator[tuple[int, int]]:
    """Yield where each element begins and ends. The first one begins `window`.

    In an array there is a comma between two elements, else nothing but blanks. An element that is not whole
    in the window, or not followed so by another one, is the last.
    """
    between = _COMMA if in_array else _BLANKS
    start = 0
    while (end := _find_end(window, start)) is not None:
        yield start, end
        found = between.match(window, end)
        if found is None:
            return
        start = found.end()


def _find_end(window: bytes, start: int) -> int | None:
    """Return where an element ends: with its closing bracket, its closing quote, or its last character."""
    if window[start : start + 1] not in {b"{", b"["}:
        found = _VALUE.match(window, start)
        return found.end() if found else None
    depth = 0
    for token in _TOKEN.finditer(window, start):
        if token.lastgroup == "opens":
            depth += 1
        elif token.lastgroup == "closes":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


_COMMA = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(?=[^ \t\r\n,\]}])")
_BLANKS = re.compile(rb"[ \t\r\n]*+(?=[^ \t\r\n,\]}])")
# Without brackets: a string, or a number or word that another character ends.
_VALUE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^ \t\r\n,\[\]{}"]++(?=.)', re.DOTALL)
# A string without its closing quote is all that is left of the window.
_TOKEN = re.compile(rb'(?P<opens>[\[{])|(?P<closes>[\]}])|"(?:[^"\\]++|\\.)*+"?+', re.DOTALL)
