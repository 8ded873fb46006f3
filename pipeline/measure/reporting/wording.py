"""Numbers and names in the form of the page and the plots: three significant digits, with the unit."""

import math
from datetime import UTC, datetime

from pipeline.measure.experiment.measurement import LatencyKind
from pipeline.measure.experiment.statistics import CellSummary, Interval

ROWS = 1000
"""Where times are compared they are those of so many rows, as in the article, however many were written."""

DASH = "-"
"""What stands where there is nothing to say, such as the floor without latency."""

KINDS: dict[LatencyKind, str] = {
    "sleep": "slept before each request",
    "network": "added to the network",
}

_WHOLE_FROM = 0.0995
"""What would be rounded to 10.0 % is 10 %."""


def number(value: float, *, like: float | None = None) -> str:
    """Return a number with three significant digits, thousands apart; or with the decimals of `like`."""
    scale = abs(value if like is None else like)
    decimals = 0 if scale == 0 else max(0, 2 - math.floor(math.log10(scale)))
    return f"{value:,.{decimals}f}"


def exact(value: float) -> str:
    """Return an exact number with all its digits; nothing for 0."""
    return f"{value:,.6g}" if value else DASH


def percent(share: float) -> str:
    """Return a share in percent, with its sign; with one decimal below ten."""
    decimals = 0 if abs(share) >= _WHOLE_FROM else 1
    # Plus 0.0: a number that is rounded to 0 has no minus sign.
    return f"{round(100 * share, decimals) + 0.0:+.{decimals}f} %"


def interval(times: Interval, factor: float = 1.0) -> str:
    """Return the bounds of an interval, times a factor, with the decimals of its median."""
    if times.low is None or times.high is None:
        return DASH
    low, high = (number(factor * end, like=factor * times.median) for end in (times.low, times.high))
    return f"{low} to {high}"


def doubt(summary: CellSummary) -> str:
    """Return the text that replaces the numbers of a cell that is too noisy."""
    if summary.elapsed.low is None:
        return f"too few repeats: {summary.n}"
    return f"too noisy: ±{100 * summary.elapsed.relative_half_width:.0f} %"


def milliseconds(seconds: float) -> str:
    """Return an injected latency in milliseconds."""
    return f"{1e3 * seconds:g} ms"


def moment(unix_s: float) -> str:
    """Return a time to the minute, in UTC."""
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M}"
