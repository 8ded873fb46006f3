"""Values that stand out from others: the robust z-score of Iglewicz and Hoaglin.

The median and the median of the deviations from it (MAD) are not moved by the few values that stand out, as a
mean and a standard deviation are. See B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers", 1993.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

LEAST_VALUES = 8
"""Of fewer values none stands out: their spread is not known."""

MOST_Z = 3.5
"""The score beyond which a value stands out; of normal values, 1 in 2,000 does."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The middle of some values, and the deviation from it that has a score of 1.

    `unit` is 0 where the values do not differ at all.
    """

    middle: float
    unit: float

    def score(self, value: float) -> float:
        """Return how many units a value lies above the middle; negative below it."""
        return (value - self.middle) / self.unit if self.unit else 0.0

    @property
    def low(self) -> float:
        """The least value that does not stand out; not below 0, as no number of rows or seconds is."""
        return max(0.0, self.middle - MOST_Z * self.unit)

    @property
    def high(self) -> float:
        """The largest value that does not stand out."""
        return self.middle + MOST_Z * self.unit


def spread_of(values: Sequence[float]) -> Spread | None:
    """Return the spread of values, None if they are too few.

    If more than half of them are equal, their MAD is 0, and the mean of the deviations takes its place.
    """
    if len(values) < LEAST_VALUES:
        return None
    middle = median(values)
    deviations = [abs(value - middle) for value in values]
    return Spread(middle=middle, unit=median(deviations) / 0.6745 or 1.2533 * fmean(deviations))


def stands_out(score: float | None) -> bool:
    """Tell whether a value with this score stands out; False if there is no score."""
    return score is not None and abs(score) > MOST_Z
