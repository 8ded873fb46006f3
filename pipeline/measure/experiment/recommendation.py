"""Recommends pool sizes from a sweep, and stores them for later loads."""

import math
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

import tomli_w

from pipeline.errors import SettingError, abbreviated
from pipeline.files import write_text
from pipeline.measure.experiment.measurement import Repeat
from pipeline.measure.experiment.statistics import FEWEST_REPEATS
from pipeline.settings import require_at_least, require_one_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal["create", "prepared"]

CLOSE_TO_BEST = 0.95
"""The share of the best throughput that a recommended pool size must have."""

_RESAMPLES = 1999
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class SweptPoolSize:
    """The smallest pool size of a sweep whose median throughput is within 5 % of the best median.

    `low` to `high` is its 95 % interval, in pool sizes of the sweep; `largest` is the sweep's largest, and
    `rows_per_s` its median.

    Raises:
        SettingError: not 1 <= low <= pool_size <= high <= largest, or a throughput below 0.
    """

    pool_size: int
    low: int
    high: int
    largest: int
    rows_per_s: float

    def __post_init__(self) -> None:
        sizes = (1, self.low, self.pool_size, self.high, self.largest)
        if any(smaller > larger for smaller, larger in pairwise(sizes)):
            raise SettingError(f"1, low, pool_size, high, largest are {sizes}; they must not fall")
        require_at_least("rows_per_s", self.rows_per_s, 0)


@dataclass(frozen=True, kw_only=True)
class Recommendation(SweptPoolSize):
    """The recommended pool size of one method at one added latency.

    Raises:
        SettingError: an unknown method, a latency out of range, or sizes out of order.
    """

    method: Method
    latency_s: float

    def __post_init__(self) -> None:
        require_one_of("method", self.method, get_args(Method))
        require_at_least("latency_s", self.latency_s, 0)
        super().__post_init__()


def find_pool_size(rows_per_s: Mapping[int, Sequence[float]]) -> SweptPoolSize:
    """Return the pool size to use after a sweep: the repeats' rows/s by pool size, at least one of them.

    The interval is from a percentile bootstrap over the repeats of each size. If a size has fewer than 3
    repeats, the interval is the whole sweep, because their variation is unknown. The result is deterministic.
    """
    import numpy as np  # noqa: PLC0415 - a tenth of a second that only a sweep needs

    sizes = sorted(rows_per_s)
    medians = np.array([[median(rows_per_s[size])] for size in sizes])
    [recommended] = _smallest_close_to_best(medians)
    low, high = 0, len(sizes) - 1
    if min(len(repeats) for repeats in rows_per_s.values()) >= FEWEST_REPEATS:
        chance = np.random.default_rng(_SEED)
        drawn = [
            np.median(chance.choice(rows_per_s[size], (_RESAMPLES, len(rows_per_s[size]))), axis=1)
            for size in sizes
        ]
        low, high = np.quantile(
            _smallest_close_to_best(np.array(drawn)), (0.025, 0.975), method="inverted_cdf"
        )
    return SweptPoolSize(
        pool_size=sizes[recommended],
        # The resamples may differ from the sample: make sure that the interval contains the size found.
        low=sizes[min(low, recommended)],
        high=sizes[max(high, recommended)],
        largest=sizes[-1],
        rows_per_s=float(medians[recommended, 0]),
    )


def recommend(repeats: Sequence[Repeat], methods: Mapping[str, str]) -> list[Recommendation]:
    """Return the pool size for each method at each latency of the network.

    `methods` has the method of each contender whose pool sizes were swept; the others do not count.
    """
    rates: dict[tuple[str, float], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for repeat in repeats:
        cell = repeat.cell
        if cell.contender in methods and cell.latency_kind == "network":
            sweep = rates[methods[cell.contender], cell.latency_s]
            sweep[cell.in_flight].append(repeat.rows / repeat.elapsed_s)
    return [
        Recommendation(method=method, latency_s=latency_s, **asdict(find_pool_size(sweep)))  # type: ignore[arg-type]
        for (method, latency_s), sweep in sorted(rates.items())
    ]


def pool_size_at(recommendations: Sequence[Recommendation], method: str, latency_s: float) -> int:
    """Return the pool size for a method at a latency, from those recommended for the latencies swept.

    Between two latencies it is interpolated, logarithm against logarithm; between 0, if it was swept, and the
    next latency linearly, because by Little's law the requests in flight grow with the latency. Outside of
    the sweep it is that of the nearest latency. Of two recommendations for one latency, the later counts.

    Raises:
        SettingError: there is no recommendation for the method, or the latency is negative.
    """
    require_at_least("latency_s", latency_s, 0)
    swept = sorted(
        {each.latency_s: each.pool_size for each in recommendations if each.method == method}.items()
    )
    if not swept:
        known = ", ".join(sorted({each.method for each in recommendations})) or "none"
        raise SettingError(
            f"there is no recommendation for {method!r}, only for: {known}; sweep its pool sizes first"
        )
    for (near_s, near), (far_s, far) in pairwise(swept):
        if near_s <= latency_s <= far_s:
            if near_s == 0:
                return round(near + (far - near) * latency_s / far_s)
            share = math.log(latency_s / near_s) / math.log(far_s / near_s)
            return round(near * math.pow(far / near, share))
    _, nearest = swept[0] if latency_s < swept[0][0] else swept[-1]
    return nearest


def sentences(recommendation: Recommendation) -> tuple[str, str]:
    """Return the recommendations and their uncertainty as sentences."""
    what = (
        f"To write with `{recommendation.method}` at a latency of {recommendation.latency_s:g} s, give the "
        f"Pool {recommendation.pool_size} greenlets: {recommendation.rows_per_s:,.0f} rows/s, within "
        f"{100 - 100 * CLOSE_TO_BEST:g} % of the best of all sizes up to {recommendation.largest}."
    )
    if recommendation.pool_size == recommendation.largest:
        return what, "None larger was tried, and one may be faster: sweep further before relying on it."
    again = (
        f"{recommendation.low} to {recommendation.high}"
        if recommendation.low < recommendation.high
        else f"{recommendation.low} again"
    )
    return what, f"Measured again it would most likely be {again}; more greenlets gain next to nothing."


def write_recommendations(path: Path, recommendations: Sequence[Recommendation]) -> None:
    """Write them as TOML, each with its sentences as its `reason`, atomically.

    Raises:
        OutputError: the file cannot be written.
    """
    entries = [
        {
            "method": each.method,
            "latency_s": each.latency_s,
            **asdict(each),
            "reason": " ".join(sentences(each)),
        }
        for each in recommendations
    ]
    write_text(path, _HEAD + tomli_w.dumps({"recommendation": entries}))


def read_recommendations(path: Path) -> list[Recommendation]:
    """Return the recommendations of a file, in its order; all values are checked.

    Raises:
        SettingError: the file is missing, is not TOML, or holds none, impossible or contradictory ones.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("recommendation")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingError(f"cannot read {path}: {reason}; {_REMEDY}") from error
    if not isinstance(entries, list) or not entries:
        raise SettingError(f"{path} has no [[recommendation]]; {_REMEDY}")
    recommendations = [
        _checked(entry, f"{path}, recommendation {number}") for number, entry in enumerate(entries, start=1)
    ]
    if len({(each.method, each.latency_s) for each in recommendations}) < len(recommendations):
        raise SettingError(f"{path} has more than one recommendation for a method and latency; {_REMEDY}")
    return recommendations


def _smallest_close_to_best(medians: "NDArray[np.float64]") -> "NDArray[np.intp]":
    """Return, for each column of medians by pool size, the row of the smallest close to the best."""
    rows: NDArray[np.intp] = (medians >= CLOSE_TO_BEST * medians.max(axis=0)).argmax(axis=0)
    return rows


def _checked(entry: object, at: str) -> Recommendation:
    if not isinstance(entry, dict):
        raise SettingError(f"{at}: it is {abbreviated(repr(entry))}, not a table; {_REMEDY}")
    for name, (kinds, words) in _KINDS.items():
        if name not in entry:
            raise SettingError(f"{at}: {name} is absent; {_REMEDY}")
        if type(entry[name]) not in kinds:
            raise SettingError(f"{at}: {name} is {abbreviated(repr(entry[name]))}, not {words}; {_REMEDY}")
    try:
        return Recommendation(**{name: entry[name] for name in _KINDS})
    except SettingError as error:
        raise SettingError(f"{at}: {error}; {_REMEDY}") from error


_TEXT, _WHOLE, _NUMBER = ((str,), "a text"), ((int,), "a whole number"), ((int, float), "a number")
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "method": _TEXT,
    "latency_s": _NUMBER,
    "pool_size": _WHOLE,
    "low": _WHOLE,
    "high": _WHOLE,
    "largest": _WHOLE,
    "rows_per_s": _NUMBER,
}
_HEAD = (
    "# How many greenlets a Pool needs, as the experiment measured it; low to high is a 95 % interval.\n"
    "# On another cluster or machine: measure again.\n\n"
)
_REMEDY = "measure again, or restore the file"
