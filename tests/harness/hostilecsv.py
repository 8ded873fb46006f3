"""Hostile CSV of every dialect, good and damaged; one file in four is packed."""

import gzip
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from tests.harness.hostiledialects import DIALECTS, dialect_rows, text_of_rows
from tests.harness.hostilefile import GOOD, REFUSED, Hostile, Kind, with_pieces

Damage = Callable[[random.Random, Dialect, bytes], bytes]
"""Does something to the text of a dialect."""


def _pieces(rng: random.Random, dialect: Dialect, text: bytes) -> bytes:
    """Insert what means something in the dialect, and halves of it, at random bytes."""
    quote, escape, delimiter = dialect.quote or '"', dialect.escape or "\\", dialect.delimiter
    pieces = [quote, quote * 2, quote * 3, delimiter, escape, escape * 2, escape + quote, quote + delimiter]
    pieces += [delimiter + quote, f"{quote}\n{quote}", "\n", "\r", "\r\n", "\n\r", "\n\n", " ", "\t", "\0"]
    pieces += ["\ufeff", "\n\ufeff"]
    pieces += [f"\n{dialect.comment or '#'}", escape + "\n", escape + "N", escape + "0", *dialect.nulls]
    bits = [piece.encode() for piece in pieces]
    return with_pieces(rng, text, [*bits, delimiter.encode()[:1], b"\xff", b"\xed\xa0\x80", b"\xc3"])


def _cut(rng: random.Random, _: Dialect, text: bytes) -> bytes:
    return text[: rng.randrange(len(text))]


def _ends_badly(rng: random.Random, dialect: Dialect, text: bytes) -> bytes:
    """End with an escape, a quote, delimiters, a null word, or a comment without its line break."""
    quote, escape, delimiter = dialect.quote or '"', dialect.escape or "\\", dialect.delimiter
    ends = [escape, escape * 3, escape + "\n", escape + "\r\n", quote, f"{quote}\n", f"{quote}a", "\0"]
    ends += [delimiter, delimiter * 9, f"{delimiter}\n", f"a{delimiter}{quote}", "\ufeff", *dialect.nulls]
    ends += [f"{dialect.comment or '#'}x", "\r", "\n\n\r\n\r", " ", " \n"]
    return text.rstrip(rng.choice([b"", b"\r\n"])) + rng.choice(ends).encode()


def _endless(rng: random.Random, dialect: Dialect, text: bytes) -> bytes:
    """Insert a line of up to some 100 kB of one or two letters, among them those that mean something."""
    letters = ["x", " ", dialect.delimiter, dialect.quote, dialect.escape, dialect.comment, "\0"]
    letters += [f"x{dialect.delimiter}", f"{dialect.quote}{dialect.delimiter}", f" {dialect.quote}"]
    line = rng.choice([letter for letter in letters if letter]) * rng.randint(1, 1 << 17)
    at = rng.choice([len(text), text.find(b"\n") + 1])
    return text[:at] + line.encode() + rng.choice([b"", b"\n"]) + text[at:]


def _letters(rng: random.Random, dialect: Dialect, text: bytes) -> bytes:
    """Put random letters of those that mean something behind the header."""
    marks = [mark for mark in (dialect.delimiter, dialect.quote, dialect.escape, dialect.comment) if mark]
    letters = ["a", "\n", *marks, *([" ", "\r"] if dialect.trim else [])]
    begin = b"".join(text.splitlines(keepends=True)[: dialect.skipped_lines + dialect.has_header])
    return begin + "".join(rng.choices(letters, k=rng.randint(1, 2000))).encode() + b"\n"


_DAMAGES: Mapping[str, Damage] = {
    "pieces": _pieces,
    "cut": _cut,
    "end": _ends_badly,
    "endless": _endless,
    "letters": _letters,
}


def _good(dialect: Dialect, rng: random.Random) -> Hostile:
    rows = dialect_rows(rng, dialect)
    content = text_of_rows(rng, dialect, rows).encode()
    return _file(rng, Hostile(content=content, dialect=dialect, rows=rows, outcomes=frozenset({GOOD})))


def _damaged(dialect: Dialect, damage: Damage, rng: random.Random) -> Hostile:
    text = text_of_rows(rng, dialect, dialect_rows(rng, dialect)).encode()
    return _file(rng, Hostile(content=damage(rng, dialect, text), dialect=dialect))


def _skipped_beyond(rng: random.Random) -> Hostile:
    dialect = Dialect(skipped_lines=1000, has_header=rng.random() < 1 / 2)
    text = text_of_rows(rng, Dialect(), dialect_rows(rng, dialect))
    return _file(rng, Hostile(content=text.encode(), dialect=dialect, outcomes=frozenset({REFUSED})))


def _only_comments(rng: random.Random) -> Hostile:
    text = rng.choice(["#\n", "# a\r\n", '#"\n', "#"]) * rng.randint(1, 200)
    dialect = Dialect(comment="#", has_header=rng.random() < 1 / 2)
    return _file(rng, Hostile(content=text.encode(), dialect=dialect, outcomes=frozenset({REFUSED})))


def _file(rng: random.Random, hostile: Hostile) -> Hostile:
    """Return the same file, one in four packed."""
    if rng.randrange(4):
        return hostile
    dialect = replace(hostile.dialect, compression="gzip")
    return replace(hostile, content=gzip.compress(hostile.content, mtime=0), end="csv.gz", dialect=dialect)


CSV_KINDS: Mapping[str, Kind] = {
    **{f"{name} good": partial(_good, dialect) for name, dialect in DIALECTS.items()},
    **{
        f"{name} {damage}": partial(_damaged, dialect, _DAMAGES[damage])
        for damage in _DAMAGES
        for name, dialect in DIALECTS.items()
    },
    "skipped beyond the end": _skipped_beyond,
    "only comments": _only_comments,
}
