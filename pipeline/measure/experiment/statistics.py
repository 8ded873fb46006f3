"""Statistics of a cell's repeats: medians with their uncertainty, and the prediction of Little's law."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, median_low

from pipeline.errors import ResultsError
from pipeline.measure.experiment.measurement import Cell, Repeat
from pipeline.requests.latencies import Latencies

FEWEST_REPEATS = 3
"""With fewer, resampling can only give back the values themselves."""

NOISE_BOUND = 0.20
"""The half width of an interval, as a share of its median, above which a cell is too noisy to read.

Two cells at the bound still differ for sure when one takes 1.5 times as long as the other (1.2 / 0.8). The
effects that the experiment is about are multiples, so at this bound it stays plain who is faster, though
not by how much. Versions of the code, which differ by less, are compared by a test: see `comparison`.
"""

_RESAMPLES = 1999
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A median and its 95 % interval, in the unit of the n values; None if they are fewer than 3."""

    median: float
    low: float | None
    high: float | None
    n: int

    @property
    def relative_half_width(self) -> float:
        """Half of the interval as a share of the median; infinite without an interval."""
        if self.low is None or self.high is None:
            return math.inf
        return (self.high - self.low) / 2 / self.median


def median_interval(values: Sequence[float]) -> Interval:
    """Return the median of at least one value and its bootstrapped 95 % interval, the same at every call.

    The method is the percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13). Its ends are always among what was measured. BCa has no correction for a median of values
    that repeat themselves (its jackknife then divides by 0), and the basic method covers less often and can
    end below 0. With so few values no method holds 95 %: drawn from a t distribution of 4 degrees, the
    median lay within in 73 % of the cases for n = 3, 94 % for 5, 85 % for 7, 91 % for 10.
    """
    middle, n = median(values), len(values)
    if n < FEWEST_REPEATS:
        return Interval(median=middle, low=None, high=None, n=n)
    import numpy as np  # noqa: PLC0415 - a second that only a summary needs
    from scipy.stats import bootstrap  # noqa: PLC0415 - likewise

    interval = bootstrap(
        (values,), np.median, method="percentile", n_resamples=_RESAMPLES, rng=_SEED
    ).confidence_interval
    return Interval(median=middle, low=float(interval.low), high=float(interval.high), n=n)


@dataclass(frozen=True, kw_only=True)
class CellSummary:
    """The repeats of one cell: medians over them, and the histogram of all their requests.

    `rows` and `requests` are those of one repeat. `p50_s`, `p99_s`, `p999_s` and `latency_mean_s` are of a
    request. `server_cpu_us_a_row` is None if no repeat could measure the server's processes.
    """

    cell: Cell
    reactor: str
    patched: bool
    rows: int
    requests: int
    elapsed: Interval
    p50_s: float
    p99_s: float
    p999_s: float
    latency_mean_s: float
    client_cpu_us_a_row: float
    server_cpu_us_a_row: float | None
    is_too_noisy: bool
    """The median is known less well than to `NOISE_BOUND`; see `uncertainty`."""

    @property
    def n(self) -> int:
        """How many repeats there are."""
        return self.elapsed.n

    @property
    def rows_per_s(self) -> float:
        """Rows by the median of the elapsed seconds."""
        return self.rows / self.elapsed.median

    @property
    def floor_s(self) -> float:
        """The least time that the added latency allows: requests x latency / in flight.

        With fewer requests than may be in flight, it is one latency.
        """
        return _floor_s(self.cell, self.requests)

    @property
    def predicted_s(self) -> float:
        """The time by Little's law, L = lambda x W (Little, Operations Research 9, 1961).

        It is requests x mean latency / in flight: the time of a pass that always has the full number of
        requests in flight.
        """
        return self.requests * self.latency_mean_s / min(self.cell.in_flight, self.requests)

    @property
    def prediction_error(self) -> float:
        """How far the prediction is from the median, as a share of the median.

        Below 0, fewer requests than allowed were in flight: at the ends of a pass, between requests, or
        because the contender did not use its limit.
        """
        return self.predicted_s / self.elapsed.median - 1


def summarise(repeats: Sequence[Repeat]) -> list[CellSummary]:
    """Return a summary a cell, in the order in which the cells first appear.

    Raises:
        ResultsError: repeats of a cell differ in rows, reactor or patching, or a histogram is damaged.
    """
    return [_summary(cell, of_cell) for cell, of_cell in by_cell(repeats).items()]


def by_cell(repeats: Iterable[Repeat]) -> dict[Cell, list[Repeat]]:
    """Return the repeats of each cell; cells and repeats keep their order."""
    cells: dict[Cell, list[Repeat]] = {}
    for repeat in repeats:
        cells.setdefault(repeat.cell, []).append(repeat)
    return cells


def is_precise_enough(repeats: Sequence[Repeat], relative_half_width: float) -> bool:
    """Return whether the repeats of one cell give its median with this precision; see `uncertainty`."""
    return bool(repeats) and uncertainty(repeats) <= relative_half_width


def uncertainty(repeats: Sequence[Repeat]) -> float:
    """Return the uncertainty of the median of one cell's elapsed seconds, as a share of the median.

    It is half of the interval. With fewer than 3 repeats there is no interval; then it is the share of the
    median above the floor. No repeat can be faster than the floor, and a repeat is slower by that much only
    if all time beside the latency doubles. So a loop of 1000 rows at 0.1 s is known from one repeat, and a
    cell without latency is unknown.
    """
    elapsed = median_interval([repeat.elapsed_s for repeat in repeats])
    if elapsed.n >= FEWEST_REPEATS:
        return elapsed.relative_half_width
    floor_s = _floor_s(repeats[0].cell, _requests(repeats))
    return (elapsed.median - floor_s) / elapsed.median


def _summary(cell: Cell, repeats: Sequence[Repeat]) -> CellSummary:
    kinds = {(repeat.rows, repeat.reactor, repeat.patched) for repeat in repeats}
    if len(kinds) > 1:
        raise ResultsError(
            f"repeats of {cell} differ in rows, reactor or patching: {sorted(kinds)}; "
            "they are not of one run, summarise each run by itself"
        )
    [(rows, reactor, patched)] = kinds
    latencies = Latencies.merged(repeat.latencies for repeat in repeats)
    servers_s = [repeat.server_cpu_s for repeat in repeats if repeat.server_cpu_s is not None]
    return CellSummary(
        cell=cell,
        reactor=reactor,
        patched=patched,
        rows=rows,
        requests=_requests(repeats),
        elapsed=median_interval([repeat.elapsed_s for repeat in repeats]),
        p50_s=latencies.quantile_s(0.5),
        p99_s=latencies.quantile_s(0.99),
        p999_s=latencies.quantile_s(0.999),
        latency_mean_s=latencies.mean_s,
        client_cpu_us_a_row=1e6 * median(repeat.client_cpu_s for repeat in repeats) / rows,
        server_cpu_us_a_row=1e6 * median(servers_s) / rows if servers_s else None,
        is_too_noisy=not is_precise_enough(repeats, NOISE_BOUND),
    )


def _requests(repeats: Sequence[Repeat]) -> int:
    # It differs between repeats: requests that were retried count.
    return median_low(repeat.requests for repeat in repeats)


def _floor_s(cell: Cell, requests: int) -> float:
    return requests * cell.latency_s / min(cell.in_flight, requests)
