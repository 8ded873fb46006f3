"""Hostile CSV in many encodings: good, cut within a letter, without a mark, or with what no letter has."""

import random
from collections.abc import Mapping
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from tests.harness.hostiledialects import dialect_rows, text_of_rows
from tests.harness.hostilefile import BAD, GOOD, REFUSED, Hostile, Kind, Row, with_pieces

ENCODINGS = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-8-sig",
    "cp1252",
    "latin-1",
    "shift_jis",
    "gb18030",
    "iso2022_jp",
    "cp037",
    "utf-7",
)


def _encodable(rng: random.Random, dialect: Dialect) -> tuple[str, list[Row]]:
    """Return good rows of letters that an encoding has, as text and as they are."""
    rows = [row for row in dialect_rows(rng, dialect, 60) if _has_all(dialect.encoding, row)]
    rows = rows or [("0" * 32, "Ada", "Ada")]
    return text_of_rows(rng, dialect, rows), rows


def _has_all(encoding: str, row: Row) -> bool:
    try:
        "".join(value or "" for value in row).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _good(encoding: str, rng: random.Random) -> Hostile:
    dialect = Dialect(encoding=encoding, nulls=rng.choice([("",), ("NA",)]))
    text, rows = _encodable(rng, dialect)
    return Hostile(content=text.encode(encoding), dialect=dialect, rows=rows, outcomes=frozenset({GOOD}))


def _broken(encoding: str, rng: random.Random) -> Hostile:
    """Return text that is cut, perhaps within a letter, or has bytes that the encoding has not."""
    dialect = Dialect(encoding=encoding)
    text, _ = _encodable(rng, dialect)
    content = (text + "\u674e\u00e9,x\n").encode(encoding, "ignore")
    pieces = [b"\xff", b"\x81", b"\x8d", b"\xd8", b"\x00\xd8", b"\xd8\x00", b"\x80", b"\x1b$B", b"+2AA-"]
    content = rng.choice([content, with_pieces(rng, content, [*pieces, b"\xed\xa0\x80"], 3)])
    return Hostile(content=content[: len(content) - rng.choice([0, 0, 1, 1, 2, 3])], dialect=dialect)


def _cut_letter(rng: random.Random) -> Hostile:
    """Return Shift JIS that ends in the middle of a letter: its last row is bad, and no other."""
    dialect = Dialect(encoding="shift_jis")
    text, rows = _encodable(rng, dialect)
    content = (text + "0,x,\u674e").encode("shift_jis")[:-1]
    return Hostile(content=content, dialect=dialect, rows=rows, outcomes=frozenset({BAD}))


def _half_letters(rng: random.Random) -> Hostile:
    """Return UTF-8 with halves of surrogate pairs, each in a row of its own: these are bad rows."""
    text, rows = _encodable(rng, Dialect())
    bad = b"".join(b"0,%b,\n" % rng.choice([b"\xed\xa0\x80", b"\xed\xbf\xbf"]) for _ in range(5))
    return Hostile(content=text.encode() + bad, rows=rows, outcomes=frozenset({BAD}))


def _undefined(rng: random.Random) -> Hostile:
    """Return bytes that cp1252 leaves undefined, each in a row of its own: these are bad rows."""
    dialect = Dialect(encoding="cp1252")
    text, rows = _encodable(rng, dialect)
    bad = b"".join(b"0,%b,\n" % bytes([rng.choice(b"\x81\x8d\x8f\x90\x9d")]) for _ in range(5))
    outcomes = frozenset({BAD})
    return Hostile(content=text.encode("cp1252") + bad, dialect=dialect, rows=rows, outcomes=outcomes)


def _without_mark(rng: random.Random) -> Hostile:
    """Return UTF-16 or UTF-32 without the byte-order mark that says which of two it is."""
    bits = rng.choice([16, 32])
    dialect = Dialect(encoding=f"utf-{bits}")
    text, _ = _encodable(rng, dialect)
    content = text.encode(f"utf-{bits}-{rng.choice(['le', 'be'])}")
    return Hostile(content=content, dialect=dialect, outcomes=frozenset({REFUSED}))


def _with_mark(rng: random.Random) -> Hostile:
    """Return UTF-16 of one order with a byte-order mark, or in the wrong order."""
    given, real = rng.choices(["le", "be"], k=2)
    dialect = Dialect(encoding=f"utf-16-{given}")
    text, rows = _encodable(rng, dialect)
    return Hostile(
        content=f"\ufeff{text}".encode(f"utf-16-{real}"),
        dialect=dialect,
        rows=rows,
        outcomes=frozenset({GOOD} if given == real else {REFUSED}),
    )


ENCODING_KINDS: Mapping[str, Kind] = {
    **{f"{encoding} good": partial(_good, encoding) for encoding in ENCODINGS},
    **{f"{encoding} broken": partial(_broken, encoding) for encoding in (*ENCODINGS, "utf-8")},
    "shift_jis cut": _cut_letter,
    "utf-8 halves": _half_letters,
    "cp1252 undefined": _undefined,
    "without a mark": _without_mark,
    "with a mark": _with_mark,
}
