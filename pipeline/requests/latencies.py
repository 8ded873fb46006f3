"""Latencies of requests: HDR histograms in microseconds, and their text form.

A histogram instead of a few percentiles, because the histograms of parts add up to that of the whole, and
percentiles do not. The text form is that of https://hdrhistogram.org, which tools in other languages read.
"""

import math
import zlib
from array import array
from collections.abc import Iterable
from typing import Self

from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from pipeline.errors import ResultsError, abbreviated
from pipeline.runs.summary import BOUNDS_S

LEAST_US, MOST_US = 1, 3_600_000_000
SIGNIFICANT_DIGITS = 3


class Latencies:
    """The latencies of requests, kept with 3 significant digits from 1 µs to 1 hour.

    A shorter latency counts as 1 µs, a longer one as 1 hour.
    """

    def __init__(self) -> None:
        self._histogram = HdrHistogram(LEAST_US, MOST_US, SIGNIFICANT_DIGITS)
        # The library counts in Python, 0.9 µs a value. Appending to an array takes 0.06 µs. Values wait in
        # the array until there are many (most of them are equal then), or until a result is needed.
        self._waiting_s = array("d")
        self._sum_s = 0.0
        self._counts = [0] * (len(BOUNDS_S) + 1)

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the histogram that is encoded in `text`, as by `encoded`.

        Raises:
            ResultsError: the text is damaged, or its histogram has another range or precision.
        """
        return cls.merged([text])

    @classmethod
    def merged(cls, texts: Iterable[str]) -> Self:
        """Return the sum of encoded histograms; an empty histogram if there are none.

        Raises:
            ResultsError: a text is damaged, or its histogram has another range or precision.
        """
        merged = cls()
        for text in texts:
            merged._histogram.add(histogram_of(text))
        return merged

    def record(self, seconds: float, count: int = 1) -> None:
        """Count `count` requests of one latency; this is fast enough for the measured path."""
        self._waiting_s.extend((seconds,) * count)
        if len(self._waiting_s) >= _MOST_WAITING:
            self._counted()

    @property
    def encoded(self) -> str:
        """The histogram in the compressed V2 encoding, as base64."""
        return str(self._counted().encode(), "ascii")

    @property
    def count(self) -> int:
        """The number of requests."""
        return int(self._counted().get_total_count())

    @property
    def mean_s(self) -> float:
        """The mean latency, each value taken as the middle of its bucket; nan if there are none."""
        return float(self._counted().get_mean_value()) / 1e6 if self.count else math.nan

    @property
    def sum_s(self) -> float:
        """The sum of the latencies that were recorded here."""
        self._counted()
        return self._sum_s

    @property
    def counts(self) -> tuple[int, ...]:
        """How many requests recorded here took at most each of `BOUNDS_S`, and more than the one before.

        One more count is of the requests that took longer than the last.
        """
        self._counted()
        return tuple(self._counts)

    def quantile_s(self, share: float) -> float:
        """Return the latency that a share of the requests, 0 to 1, did not exceed; nan if there are none.

        It is the highest value of its bucket, so at most 0.1 % too long and never too short.
        """
        return float(self._counted().get_value_at_percentile(100 * share)) / 1e6 if self.count else math.nan

    def _counted(self) -> HdrHistogram:
        import numpy as np  # noqa: PLC0415 - a tenth of a second that only requests need

        if not self._waiting_s:
            return self._histogram
        values_s = np.array(self._waiting_s)
        self._sum_s += float(values_s.sum())
        for at, count in enumerate(np.bincount(np.searchsorted(BOUNDS_S, values_s))):
            self._counts[at] += int(count)
        values_us = np.clip(np.rint(1e6 * values_s), LEAST_US, MOST_US).astype(np.int64)
        for value_us, count in zip(*np.unique(values_us, return_counts=True), strict=True):
            self._histogram.record_value(int(value_us), int(count))
        del self._waiting_s[:]
        return self._histogram


def histogram_of(text: str) -> HdrHistogram:
    """Return the library's histogram that is encoded in a text.

    Raises:
        ResultsError: the text is damaged, or its histogram has another range or precision.
    """
    try:
        found = HdrHistogram.decode(text)
    except (ValueError, IndexError, HdrCookieException, HdrLengthException, zlib.error) as error:
        raise ResultsError(
            f"cannot read the latency histogram {abbreviated(text, 40)!r}: {error!r}; measure again"
        ) from error
    range_and_digits = (
        found.lowest_trackable_value,
        found.highest_trackable_value,
        found.significant_figures,
    )
    if range_and_digits != (LEAST_US, MOST_US, SIGNIFICANT_DIGITS):
        raise ResultsError(
            f"a latency histogram has range and digits {range_and_digits}; "
            f"those of this version have {(LEAST_US, MOST_US, SIGNIFICANT_DIGITS)}, measure again"
        )
    return found


_MOST_WAITING = 1 << 16
