"""How long requests took: HDR histograms of microseconds, and their text form.

A histogram rather than a few percentiles: histograms of parts can be added, percentiles cannot. The format is
that of https://hdrhistogram.org, which tools in other languages can read.
"""

import math
import zlib
from array import array
from collections.abc import Iterable
from typing import Self

import numpy as np
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from pipeline.errors import ResultsError, abbreviated

LEAST_US, MOST_US = 1, 3_600_000_000
SIGNIFICANT_DIGITS = 3


class Latencies:
    """The seconds of requests, kept to 3 significant digits from 1 µs to 1 hour.

    A shorter time counts as 1 µs, a longer one as 1 hour.
    """

    def __init__(self) -> None:
        self._histogram = HdrHistogram(LEAST_US, MOST_US, SIGNIFICANT_DIGITS)
        # The library counts in Python, 0.9 µs a value. Appending to an array takes 0.06 µs, so values wait
        # there until there are many (most of them equal), or until a result is needed.
        self._waiting_s = array("d")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the histogram that `encoded` gave as `text`.

        Raises:
            ResultsError: the text is damaged, or its histogram has another range or precision.
        """
        return cls.merged([text])

    @classmethod
    def merged(cls, texts: Iterable[str]) -> Self:
        """Return the sum of encoded histograms; of none, an empty one.

        Raises:
            ResultsError: a text is damaged, or its histogram has another range or precision.
        """
        merged = cls()
        for text in texts:
            merged._histogram.add(histogram_of(text))
        return merged

    def record(self, seconds: float) -> None:
        """Count one request; cheap enough for the measured code."""
        self._waiting_s.append(seconds)
        if len(self._waiting_s) == _MOST_WAITING:
            self._settled()

    @property
    def encoded(self) -> str:
        """The histogram in base64: the V2 encoding, compressed."""
        return str(self._settled().encode(), "ascii")

    @property
    def count(self) -> int:
        """How many requests there are."""
        return int(self._settled().get_total_count())

    @property
    def mean_s(self) -> float:
        """Their mean, each taken as the middle of its bucket; nan if there are none."""
        return float(self._settled().get_mean_value()) / 1e6 if self.count else math.nan

    def quantile_s(self, share: float) -> float:
        """Return the seconds that a share (0 to 1) of the requests did not exceed; nan if there are none.

        It is the highest value of its bucket, so at most 0.1 % too long and never too short.
        """
        return float(self._settled().get_value_at_percentile(100 * share)) / 1e6 if self.count else math.nan

    def _settled(self) -> HdrHistogram:
        values_us = np.clip(np.rint(1e6 * np.array(self._waiting_s)), LEAST_US, MOST_US).astype(np.int64)
        for value_us, count in zip(*np.unique(values_us, return_counts=True), strict=True):
            self._histogram.record_value(int(value_us), int(count))
        del self._waiting_s[:]
        return self._histogram


def histogram_of(text: str) -> HdrHistogram:
    """Return the library's histogram that an encoded text holds.

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
