"""The grammar of CSV rows in a dialect, as regular expressions of bytes."""

import functools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.rowfiles.dialect import Dialect

LETTERS: Mapping[bytes, bytes] = {
    b"0": b"\0",
    b"b": b"\b",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"Z": b"\x1a",
}
"""What MySQL's LOAD DATA takes an escaped letter for."""


@dataclass(frozen=True, eq=False)
class Grammar:
    """The rows of a dialect.

    `field` matches a field and what ends it, with the groups `quoted`, `plain` and `end`; `quoted` a field in
    quotes; `raw_field` is the source of a field for `whole_row`. `blanks` are trimmed; there may be none.
    """

    dialect: Dialect
    delimiter: bytes
    quote: bytes
    escape: bytes
    comment: bytes
    blanks: bytes
    nulls: frozenset[bytes]
    field: re.Pattern[bytes]
    quoted: re.Pattern[bytes]
    raw_field: bytes

    @functools.lru_cache  # noqa: B019 - a grammar is one of a few, and stays
    def whole_row(self, width: int) -> re.Pattern[bytes] | None:
        """Return the pattern of a row without fault; where it does not match, fields are judged one by one.

        It is of one row: a possessive run of groups that begin alike, or look ahead, matches too much in
        Python 3.11.0 to 3.11.4 (gh-106052).
        """
        if not 0 < width <= _MATCHED_MOST_FIELDS:
            return None
        fields = [rb"(" + self.raw_field + rb")"] * width
        return re.compile(_ROW_BEGIN + re.escape(self.delimiter).join(fields) + _ROW_END, re.DOTALL)

    def is_quoted(self, raw: bytes) -> bool:
        """Return whether a field stands in quotes."""
        text = raw.lstrip(self.blanks) if self.blanks else raw
        return bool(self.quote) and text[:1] == self.quote

    def value(self, raw: bytes | None) -> bytes | None:
        r"""Return what a field as it stands in the file means; None is null, and a field that is not there.

        A word is null as it stands, before its escapes are taken away: MySQL writes \N.
        """
        if raw is None:
            return None
        is_quoted = self.is_quoted(raw)
        text = self._trimmed(raw) if self.blanks else raw
        if is_quoted:
            text = text[1:-1]
            if not self.escape:
                text = text.replace(self.quote * 2, self.quote)
        if text in self.nulls and (self.dialect.quoted_nulls or not is_quoted):
            return None
        return self.unescaped(text, in_quotes=is_quoted)

    def text(self, raw: bytes) -> bytes:
        """Return what a field means where nothing is null, such as in a header."""
        value = self.value(raw)
        return (
            (raw.strip(self.blanks + self.quote) if self.blanks or self.quote else raw)
            if value is None
            else value
        )

    def _trimmed(self, raw: bytes) -> bytes:
        """Return a field without the blanks around it. A blank that is escaped is a part of it."""
        text = raw.strip(self.blanks)
        if self.escape and self.dialect.escapes != "quotes":
            escapes = len(text) - len(text.rstrip(self.escape))
            if escapes % 2:
                return raw.lstrip(self.blanks)[: len(text) + 1]
        return text

    def unescaped(self, text: bytes, *, in_quotes: bool) -> bytes:
        """Return a field, without its quotes, in which escapes have done what they do."""
        style = self.dialect.escapes
        if not self.escape or self.escape not in text or (style == "quotes" and not in_quotes):
            return text
        if style == "quotes":
            pair = re.escape(self.escape) + rb"([" + re.escape(self.quote + self.escape) + rb"])"
            return re.sub(pair, rb"\1", text)
        letters = LETTERS if style == "letters" else {}
        pair = re.escape(self.escape) + rb"(.)"
        taken = re.sub(pair, lambda found: letters.get(found[1], found[1]), text, flags=re.DOTALL)
        return _SHOWN.sub(_meaning, taken) if style == "twice" else taken


@functools.lru_cache
def grammar_of(dialect: Dialect) -> Grammar:
    """Return the grammar of a dialect."""
    delimiter, quote, escape = (each.encode() for each in (dialect.delimiter, dialect.quote, dialect.escape))
    blanks = bytes(each for each in b" \t" if each != delimiter[0]) if dialect.trim else b""
    around = rb"[" + re.escape(blanks) + rb"]*+" if blanks else b""
    in_quotes = _in_quotes(dialect, quote, escape)
    plain = _plain(dialect, delimiter, escape)
    not_quoted = rb"(?!" + around + re.escape(quote) + rb")" if quote else b""
    quoted = re.escape(quote) + in_quotes + re.escape(quote) if quote else rb"(?!)"
    end = re.escape(delimiter) + rb"|\r\n|\n|\r"
    return Grammar(
        dialect=dialect,
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        comment=dialect.comment.encode(),
        blanks=blanks,
        nulls=frozenset(word.encode() for word in dialect.nulls),
        field=re.compile(
            rb"(?:(?P<quoted>" + around + quoted + around + rb")|(?P<plain>" + not_quoted + plain + rb"))"
            rb"(?P<end>" + end + rb")",
            re.DOTALL,
        ),
        quoted=re.compile(around + quoted + around, re.DOTALL),
        raw_field=around + quoted + around + rb"|" + not_quoted + plain if quote else plain,
    )


def _meaning(found: re.Match[bytes]) -> bytes:
    """Return the character that Python shows so."""
    shown = found[0].decode("ascii")
    return shown.encode().decode("unicode_escape").encode()


def _in_quotes(dialect: Dialect, quote: bytes, escape: bytes) -> bytes:
    letter = rb"[^" + re.escape(quote + escape) + rb"]*+"
    if not escape:
        pair = re.escape(quote) * 2
    elif dialect.escapes == "quotes":
        # Any other character after an escape is one like others, and so is the escape.
        pair = re.escape(escape) + rb"[" + re.escape(quote + escape) + rb"]?+"
    else:
        pair = re.escape(escape) + rb"."
    return letter + rb"(?:" + pair + letter + rb")*+"


def _plain(dialect: Dialect, delimiter: bytes, escape: bytes) -> bytes:
    escapes = escape if dialect.escapes != "quotes" else b""
    if len(delimiter) == 1:
        letters = rb"[^" + re.escape(delimiter + escapes) + rb"\r\n]*+"
    else:
        # Only the first byte of a delimiter is looked at closely.
        first, rest = re.escape(delimiter[:1]), re.escape(delimiter[1:])
        others = rb"[^" + first + re.escape(escapes) + rb"\r\n]*+"
        letters = others + rb"(?:" + first + rb"(?!" + rest + rb")" + others + rb")*" + _POSSESSIVE
    if not escapes:
        return letters
    return letters + rb"(?:" + re.escape(escapes) + rb"." + letters + rb")*+"


# See `whole_row`. Without it, a field takes up to 60 times its bytes to match.
_POSSESSIVE = b"+" if sys.version_info >= (3, 11, 5) else b""
_SHOWN = re.compile(rb"\\(?:[\\nrt]|x[0-9a-f]{2})")
_ROW_BEGIN = rb"(?![\r\n])"
# The last field of the window's last row may go on, or its carriage return may be half of a CRLF.
_ROW_END = rb"(?:\r\n|\n|\r(?!\Z))"
# Compiling a pattern takes 0.2 ms a field: more of them would take longer than they save.
_MATCHED_MOST_FIELDS = 200
