"""The types that a column of texts may have, each with the forms in which its values may be written."""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column
from pipeline.rowfiles.forms import rewritten
from pipeline.settings.values import ValuesConfig


@dataclass(frozen=True)
class Candidate:
    """A type, and the settings of [values] with which its values are read.

    `shape` is what every value looks like. `needs_all` are words of which each must occur. `doubt` is what is
    not certain of it.
    """

    type_name: str
    shape: str
    values: ValuesConfig = field(default_factory=ValuesConfig)
    needs_all: tuple[str, ...] = ()
    doubt: str = ""

    def matches(self, texts: pa.Array) -> pa.Array:
        """Return for each text whether it looks like such a value."""
        return pc.match_substring_regex(texts, f"^(?:{self.shape})$")

    def fits(self, texts: pa.Array) -> bool:
        """Return whether each of some distinct texts, none of them null, is such a value."""
        if not pc.all(self.matches(texts)).as_py():
            return False
        if self.needs_all and not set(self.needs_all) <= set(texts.to_pylist()):
            return False
        return is_read(self.type_name, texts[:_FIRST], self.values) and is_read(
            self.type_name, texts, self.values
        )


def is_read(type_name: str, texts: pa.Array, values: ValuesConfig) -> bool:
    """Return whether a load reads each text as a value of a type."""
    column = Column("value", type_name, is_key=False)
    found, wrong = rewritten(column, texts, values)
    if wrong:
        return False
    _, wrong = encode_column(column, found)
    return not wrong


@functools.cache
def candidates() -> Sequence[Candidate]:
    """Return the candidates; the first that fits is the column's."""
    return [
        *_booleans(),
        Candidate("uuid", r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"),
        Candidate("date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        Candidate("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*"),
        *_patterns(),
        *_numbers(),
        Candidate("time", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"),
        Candidate("inet", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F:]*::?[0-9a-fA-F:]+"),
        Candidate("blob", r"0x(?:[0-9a-fA-F]{2})+"),
        *(Candidate(f"frozen<list<{kind}>>", r"(?s)\[.*\]") for kind in _INSIDE),
        *(Candidate(f"frozen<map<text, {kind}>>", r"(?s)\{.*\}") for kind in _INSIDE),
    ]


def _booleans() -> Iterator[Candidate]:
    yield Candidate("boolean", r"true|false")
    for true, false in (("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("Yes", "No"), ("YES", "NO")):
        yield Candidate("boolean", f"{true}|{false}", _words(true, false))
    for true, false in (("t", "f"), ("T", "F"), ("y", "n"), ("Y", "N")):
        doubt = f"{true} and {false} are taken for true and false"
        yield Candidate("boolean", f"{true}|{false}", _words(true, false), (true, false), doubt)


def _words(true: str, false: str) -> ValuesConfig:
    return ValuesConfig(true_words=(true,), false_words=(false,))


def _numbers() -> Iterator[Candidate]:
    for kind in ("int", "bigint", "varint"):
        yield Candidate(kind, _WHOLE)
    for kind in ("int", "bigint"):
        yield Candidate(kind, rf"{_WHOLE}\.0", ValuesConfig(whole_floats=True))
    # A number that begins with 0 or + is a code, such as of a telephone.
    fraction = r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?i:nan|inf|infinity)"
    yield Candidate("double", fraction)
    for mark, thousands, kinds in (
        (".", ",", ("int", "bigint", "double")),
        (",", "", ("double",)),
        (",", ".", ("double",)),
        (",", " ", ("double",)),
    ):
        digits = "0|[1-9][0-9]*"
        values = ValuesConfig(decimal_mark=mark, thousands_mark=thousands)
        group = rf"[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+|{digits}" if thousands else digits
        for kind in kinds:
            decimals = rf"(?:{re.escape(mark)}[0-9]+)?" if kind == "double" else ""
            doubt = (
                f"{mark!r} is taken for the decimal mark"
                if mark == ","
                else f"{thousands!r} is between groups"
            )
            yield Candidate(kind, rf"-?(?:{group}){decimals}", values, doubt=doubt)


def _patterns() -> Iterator[Candidate]:
    """Yield dates and timestamps in other forms than ISO 8601."""
    for pattern, shape in _DAYS:
        yield Candidate("date", shape, ValuesConfig(date_formats=pattern), doubt=_doubt_of(pattern))
        for clock, clock_shape in _CLOCKS:
            yield Candidate(
                "timestamp",
                f"{shape} {clock_shape}",
                ValuesConfig(timestamp_formats=f"{pattern} {clock}"),
                doubt=_doubt_of(pattern),
            )


def _doubt_of(pattern: str) -> str:
    """Return what is doubtful of a pattern whose day and month are both numbers."""
    for other in (("%m/%d/", "%d/%m/"), ("%d/%m/", "%m/%d/"), ("%m-%d-", "%d-%m-"), ("%d-%m-", "%m-%d-")):
        if pattern.startswith(other[0]):
            return pattern.replace(*other)
    return ""


_FIRST = 500
_INSIDE = ("int", "bigint", "double", "text")
_WHOLE = r"-?(?:0|[1-9][0-9]*)"
_MONTH, _MONTH_NAME = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", "[A-Za-z]{3,9}"
_DAYS = (
    ("%Y/%m/%d", "[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"),
    ("%d.%m.%Y", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}"),
    ("%m/%d/%Y", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"),
    ("%d/%m/%Y", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"),
    ("%m-%d-%Y", "[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"),
    ("%d-%m-%Y", "[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"),
    ("%Y-%m-%d", "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"),
    ("%m/%d/%y", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}"),
    ("%d/%m/%y", "[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}"),
    ("%d.%m.%y", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}"),
    ("%b %d %Y", f"{_MONTH} [0-9]{{1,2}} [0-9]{{4}}"),
    ("%b %d, %Y", f"{_MONTH} [0-9]{{1,2}}, [0-9]{{4}}"),
    ("%B %d, %Y", f"{_MONTH_NAME} [0-9]{{1,2}}, [0-9]{{4}}"),
    ("%B %d %Y", f"{_MONTH_NAME} [0-9]{{1,2}} [0-9]{{4}}"),
    ("%d %b %Y", f"[0-9]{{1,2}} {_MONTH} [0-9]{{4}}"),
    ("%d %B %Y", f"[0-9]{{1,2}} {_MONTH_NAME} [0-9]{{4}}"),
    ("%d-%b-%Y", f"[0-9]{{1,2}}-{_MONTH}-[0-9]{{4}}"),
    ("%d-%b-%y", f"[0-9]{{1,2}}-{_MONTH}-[0-9]{{2}}"),
    ("%d%b%Y", f"[0-9]{{1,2}}{_MONTH}[0-9]{{4}}"),
)
_CLOCKS = (
    ("%H:%M", "[0-9]{1,2}:[0-9]{2}"),
    ("%H:%M:%S", "[0-9]{1,2}:[0-9]{2}:[0-9]{2}"),
    ("%H:%M:%S.%f", r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}\.[0-9]+"),
    ("%I:%M %p", "[0-9]{1,2}:[0-9]{2} (?i:am|pm)"),
    ("%I:%M:%S %p", "[0-9]{1,2}:[0-9]{2}:[0-9]{2} (?i:am|pm)"),
    ("%H:%M:%S %z", r"[0-9]{1,2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"),
)
