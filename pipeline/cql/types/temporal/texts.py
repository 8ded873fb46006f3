"""Dates, times and durations as text, ISO 8601, in Cassandra's ranges, which are wider than Python's.

A value is Python's own where Python can hold it; a date beyond the years 1 to 9999 and a time with
nanoseconds are the driver's `Date` and `Time`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta

from cassandra.util import Date, Duration, Time

from pipeline.cql.types.temporal import grammars


def parse_timestamp(text: str) -> datetime:
    """Return the moment, in UTC without a zone, cut to the server's milliseconds; no offset means UTC."""
    found = grammars.TIMESTAMP.match(text)
    millisecond = int((found["fraction"] or "")[:3].ljust(3, "0"))
    moment = datetime.combine(_day(int(found["year"]), found), _clock(found, 1000 * millisecond))
    offset = timedelta(hours=int(found["offset_hours"] or 0), minutes=int(found["offset_minutes"] or 0))
    try:
        return moment + offset if found["sign"] == "-" else moment - offset
    except OverflowError:
        raise ValueError("beyond the years 1 to 9999 in UTC") from None


def _day(year: int, found: re.Match[str]) -> date:
    try:
        return date(year, int(found["month"]), int(found["day"]))
    except ValueError:
        raise ValueError("there is no such day") from None


def _clock(found: re.Match[str], microsecond: int) -> time:
    try:
        return time(
            int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0), microsecond
        )
    except ValueError:
        raise ValueError("there is no such time of day") from None


def format_timestamp(moment: date | Date) -> str:
    """Return the moment, or a date's midnight, as 2026-11-22T01:02:03.456Z, cut to milliseconds.

    Raises:
        ValueError: the date is beyond the years 1 to 9999.
    """
    if isinstance(moment, Date):
        raise ValueError("beyond the years 1 to 9999 in UTC")  # noqa: TRY004 - the date is wrong, not a type
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def parse_date(text: str) -> date | Date:
    """Return the date; years before 0 and after 9999 have a sign, as in +12345-01-31 and -0044-03-15."""
    found = grammars.DATE.match(text)
    year = int(found["year"])
    if year and found["year"][0] not in "+-":
        return _day(year, found)
    # The Gregorian calendar repeats every 400 years.
    cycles, year_in_cycle = divmod(year - _EPOCH.year, 400)
    days = cycles * _DAYS_A_CYCLE + (_day(_EPOCH.year + year_in_cycle, found) - _EPOCH).days
    if not -(1 << 31) <= days < 1 << 31:
        raise ValueError("beyond the dates that Cassandra knows")
    return python_date(Date(days))


def python_date(value: Date) -> date | Date:
    """Return the driver's date as Python's, if that has its year."""
    return value.date() if _MIN_DAYS <= value.days_from_epoch <= _MAX_DAYS else value


def format_date(value: date | Date) -> str:
    """Return the date as YYYY-MM-DD; a moment is one only at midnight."""
    if isinstance(value, Date):
        value = python_date(value)
    if isinstance(value, Date):
        cycles, days = divmod(value.days_from_epoch, _DAYS_A_CYCLE)
        in_cycle = _EPOCH + timedelta(days=days)
        return f"{in_cycle.year + 400 * cycles:+05d}{in_cycle:-%m-%d}"
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    return value.isoformat()


def parse_time(text: str) -> time | Time:
    """Return the time of day, HH:MM, HH:MM:SS or HH:MM:SS.fffffffff."""
    found = grammars.TIME.match(text)
    nanosecond = int((found["fraction"] or "").ljust(9, "0"))
    whole = _clock(found, nanosecond // 1000)
    return whole if nanosecond % 1000 == 0 else Time(Time(whole).nanosecond_time + nanosecond % 1000)


def python_time(value: Time) -> time | Time:
    """Return the driver's time as Python's, if it is one of whole microseconds."""
    return value if value.nanosecond_time % Time.MICRO else value.time()


def format_time(value: time | Time) -> str:
    """Return the time of day with as much of a fraction as it needs."""
    return str(value) if isinstance(value, Time) else value.isoformat()


def parse_duration(text: str) -> Duration:
    """Return the duration written in ISO 8601, P1Y2M3DT4H5M6.789S, or as Cassandra does, 1y2mo3d4h5m6s789ms.

    One sign, in front, is for all of it: Cassandra keeps months, days and nanoseconds apart, and they must
    not differ in sign.
    """
    found = grammars.ISO_DURATION.pattern.fullmatch(text) or grammars.CQL_DURATION.match(text)
    numbers = found.groupdict()
    sums = dict.fromkeys(("months", "days", "nanoseconds"), 0)
    for unit, (part, size) in _UNITS.items():
        number = numbers.get(unit)
        if number:
            sums[part] += size * (int(number.ljust(9, "0")) if unit == "fraction" else int(number))
    if max(sums["months"], sums["days"]) >= 1 << 31 or sums["nanoseconds"] >= 1 << 63:
        raise ValueError("out of range: Cassandra has 32 bits for months and for days, 64 for nanoseconds")
    sign = -1 if found["sign"] else 1
    return Duration(**{part: sign * count for part, count in sums.items()})


def format_duration(value: Duration) -> str:
    """Return the duration in ISO 8601.

    Raises:
        ValueError: its months, days and nanoseconds differ in sign.
    """
    counts = (value.months, value.days, value.nanoseconds)
    negative = min(counts) < 0
    if negative and max(counts) > 0:
        raise ValueError("months, days and nanoseconds differ in sign")
    years, months = divmod(abs(value.months), 12)
    seconds, nanoseconds = divmod(abs(value.nanoseconds), Time.SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    second = f"{seconds}.{nanoseconds:09d}".rstrip("0") if nanoseconds else str(seconds or "")
    days = _parts((years or "", "Y"), (months or "", "M"), (abs(value.days) or "", "D"))
    clock = _parts((hours or "", "H"), (minutes or "", "M"), (second, "S"))
    return f"{'-' * negative}P{days}{'T' if clock or not days else ''}{clock or '0S' * (not days)}"


def _parts(*parts: tuple[object, str]) -> str:
    return "".join(f"{number}{unit}" for number, unit in parts if number)


_EPOCH = date(1970, 1, 1)
_MIN_DAYS, _MAX_DAYS = ((edge - _EPOCH).days for edge in (date.min, date.max))
_DAYS_A_CYCLE = 146_097
_UNITS = {
    "y": ("months", 12),
    "mo": ("months", 1),
    "w": ("days", 7),
    "d": ("days", 1),
    "h": ("nanoseconds", Time.HOUR),
    "m": ("nanoseconds", Time.MINUTE),
    "s": ("nanoseconds", Time.SECOND),
    "fraction": ("nanoseconds", 1),
    "ms": ("nanoseconds", Time.MILLI),
    "us": ("nanoseconds", Time.MICRO),
    "ns": ("nanoseconds", 1),
}
