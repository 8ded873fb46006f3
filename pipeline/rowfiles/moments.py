"""Moments in patterns of strftime, as epochs, and without a zone: columns of text to ISO 8601.

A pattern becomes one regular expression, whose groups are put together as ISO 8601. What is no day or no
time, such as 31 February, is left to the type, which refuses it.
"""

import functools
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cassandra.util import Date

from pipeline.cql.types.temporal.texts import format_date

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_GROUPS = {
    "%Y": r"(?P<Y>[0-9]{4})",
    "%y": r"(?P<y>[0-9]{2})",
    "%m": r"(?P<m>[0-9]{1,2})",
    "%b": "(?P<b>(?i:" + "|".join(month[:3] for month in _MONTHS) + "))",
    "%B": "(?P<B>(?i:" + "|".join(_MONTHS) + "))",
    "%d": r"(?P<d>[0-9]{1,2})",
    "%H": r"(?P<H>[0-9]{1,2})",
    "%I": r"(?P<I>0?[1-9]|1[0-2])",
    "%p": r"(?P<p>(?i:am|pm))",
    "%M": r"(?P<M>[0-9]{2})",
    "%S": r"(?P<S>[0-9]{2})",
    "%f": r"(?P<f>[0-9]{1,9})",
    "%z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "%%": "%",
}


@dataclass(frozen=True)
class Pattern:
    """A pattern of dates or timestamps: its regular expression, in the syntax of RE2."""

    expression: str

    def dates(self, texts: pa.Array) -> pa.Array:
        """Return days such as 2026-11-01; null where a text does not fit."""
        return _day(_parts(self.expression, texts))

    def timestamps(self, texts: pa.Array) -> pa.Array:
        """Return moments such as 2026-11-01T12:30:00.250Z, the zone only where the pattern has one."""
        parts = _parts(self.expression, texts)
        clock = [_hour(parts), _or_zeros(parts, "M"), _or_zeros(parts, "S")]
        time = pc.binary_join_element_wise(*clock, ":")
        pieces = [_day(parts), pa.scalar("T"), time]
        if "f" in parts:
            pieces += [pa.scalar("."), parts["f"]]
        if "z" in parts:
            pieces.append(parts["z"])
        return pc.binary_join_element_wise(*pieces, "")


@functools.lru_cache
def pattern_of(text: str) -> Pattern:
    """Return a pattern such as `%d.%m.%Y %H:%M`."""
    pieces = re.split(r"(%.)", text)
    return Pattern("^" + "".join(_GROUPS.get(piece) or re.escape(piece) for piece in pieces) + "$")


def from_epoch(texts: pa.Array, unit: str) -> pa.Array:
    """Return whole numbers of units since 1970 as ISO 8601 in UTC; null where a text is none."""
    is_number = pc.match_substring_regex(texts, r"^-?(?:[0-9]{1,18}|[1-8][0-9]{18})$")
    numbers = pc.if_else(is_number, texts, pa.scalar(None, pa.string())).cast(pa.int64())
    first, last = (max(-(2**63), min(second * _A_SECOND[unit], 2**63 - 1)) for second in (_FIRST_S, _END_S))
    within = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, last))
    numbers = pc.if_else(within, numbers, pa.scalar(None, pa.int64()))
    moments = numbers.cast(pa.timestamp(unit)).cast(pa.string())
    return pc.binary_join_element_wise(moments, pa.scalar("Z"), "")


def from_epoch_days(texts: pa.Array) -> pa.Array:
    """Return whole numbers of days since 1970 as dates; null where a text is none."""
    is_number = pc.match_substring_regex(texts, r"^-?[0-9]{1,10}$")
    numbers = pc.if_else(is_number, texts, pa.scalar(None, pa.string())).cast(pa.int64()).to_pylist()
    return pa.array([None if days is None else format_date(Date(days)) for days in numbers], pa.string())


def with_zone(texts: pa.Array, zone: str) -> pa.Array:
    """Return ISO 8601 in UTC; what has no zone is local time in `zone`.

    Null where the clocks of the zone show the time twice or never, and where a text is no moment.
    """
    has_zone = pc.match_substring_regex(texts, _ZONE)
    is_moment = pc.match_substring_regex(texts, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]")
    is_local = pc.and_(is_moment, pc.invert(has_zone))
    at = np.flatnonzero(pc.fill_null(is_local, fill_value=False).to_numpy(zero_copy_only=False))
    days = pc.match_substring_regex(texts, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    at = np.union1d(at, np.flatnonzero(pc.fill_null(days, fill_value=False).to_numpy(zero_copy_only=False)))
    if not len(at):
        return texts
    local = texts.take(pa.array(at))
    moments = _parsed(local, pa.timestamp("us"))
    early, late = (
        pc.assume_timezone(moments, zone, ambiguous=which, nonexistent=which)
        for which in ("earliest", "latest")
    )
    once = pc.equal(early.cast(pa.int64()), late.cast(pa.int64()))
    in_utc = early.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).cast(pa.string())
    meant = pc.binary_join_element_wise(pc.if_else(once, in_utc, pa.scalar(None, pa.string())), "Z", "")
    mask = np.zeros(len(texts), dtype=bool)
    mask[at] = True
    return pc.replace_with_mask(texts, pa.array(mask), meant)


def microseconds_of(texts: pa.Array) -> pa.Array:
    """Return moments in ISO 8601, in UTC where they name no zone, as µs since 1970; null where it is none."""
    with_clock = pc.replace_substring_regex(texts, r"^([+-]?[0-9]{4,7}-[0-9]{2}-[0-9]{2})$", r"\1T00:00:00")
    has_zone = pc.match_substring_regex(with_clock, _ZONE)
    in_utc = pc.binary_join_element_wise(with_clock, pa.scalar("Z"), "")
    return _parsed(pc.if_else(has_zone, with_clock, in_utc), pa.timestamp("us", "UTC")).cast(pa.int64())


def _parsed(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return moments in microseconds, of a type with a zone or without; null where a text is none."""
    cut = pc.replace_substring_regex(texts, r"(\.[0-9]{6})[0-9]+", r"\1")
    try:
        return cut.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([_one(text, kind) for text in cut], kind)


def _one(text: pa.Scalar, kind: pa.DataType) -> object:
    try:
        return text.cast(kind).value
    except pa.ArrowInvalid:
        return None


def _parts(expression: str, texts: pa.Array) -> dict[str, pa.Array]:
    found = pc.extract_regex(texts, expression)
    names = [field.name for field in found.type]
    # A row that does not fit is null as a whole.
    return dict(zip(names, found.flatten(), strict=True))


def _day(parts: dict[str, pa.Array]) -> pa.Array:
    if "Y" in parts:
        year = parts["Y"]
    else:
        # As POSIX has it: 69 to 99 are 1969 to 1999.
        century = pc.if_else(pc.greater_equal(parts["y"], "69"), "19", "20")
        year = pc.binary_join_element_wise(century, parts["y"], "")
    if "m" in parts:
        month = _padded(parts["m"])
    else:
        names = pc.ascii_lower(parts["b"] if "b" in parts else pc.utf8_slice_codeunits(parts["B"], 0, 3))
        numbers = pc.index_in(names, value_set=pa.array([month[:3] for month in _MONTHS]))
        month = pa.array([f"{number:02}" for number in range(1, 13)]).take(numbers)
    return pc.binary_join_element_wise(year, month, _padded(parts["d"]), "-")


def _hour(parts: dict[str, pa.Array]) -> pa.Array:
    if "I" not in parts:
        return _padded(parts["H"]) if "H" in parts else _or_zeros(parts, "H")
    hours = pc.add(
        pc.if_else(pc.equal(parts["I"].cast(pa.int32()), 12), 0, parts["I"].cast(pa.int32())),
        pc.if_else(pc.equal(pc.ascii_lower(parts["p"]), "pm"), 12, 0),
    )
    return _padded(hours.cast(pa.string()))


def _or_zeros(parts: dict[str, pa.Array], name: str) -> pa.Array:
    return parts[name] if name in parts else pa.repeat("00", len(next(iter(parts.values()))))


def _padded(texts: pa.Array) -> pa.Array:
    return pc.utf8_lpad(texts, 2, "0")


_ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_S, _END_S = -62_135_596_800, 253_402_300_800
