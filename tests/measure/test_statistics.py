import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import ResultsError
from pipeline.measure.experiment.measurement import Cell, Repeat
from pipeline.measure.experiment.statistics import (
    NOISE_BOUND,
    CellSummary,
    is_precise_enough,
    median_interval,
    summarise,
    uncertainty,
)
from pipeline.requests.latencies import Latencies

POOL = Cell(contender="pool", latency_kind="network", latency_s=0.0, in_flight=10)
DELAYED = replace(POOL, latency_s=0.01)
LOOP = replace(POOL, contender="loop", in_flight=1)


def timed(elapsed_s: float = 2.0, *, cell: Cell = POOL) -> Repeat:
    """Return a repeat of 1000 rows, one request each."""
    return Repeat(
        cell=cell,
        repeat=0,
        reactor="GeventConnection",
        patched=True,
        rows=1000,
        requests=1000,
        elapsed_s=elapsed_s,
        client_cpu_s=0.5,
        server_cpu_s=1.0,
        latencies=encoded([0.02]),
        began_at_s=1_700_000_000.0,
    )


def encoded(latencies_s: Sequence[float]) -> str:
    """Return the histogram of these requests."""
    latencies = Latencies()
    for each in latencies_s:
        latencies.record(each)
    return latencies.encoded


def passes(elapsed_s: Sequence[float], *, cell: Cell = POOL) -> list[Repeat]:
    """Return repeats of one cell that took these seconds."""
    return [timed(each, cell=cell) for each in elapsed_s]


def summary(repeats: Sequence[Repeat]) -> CellSummary:
    """Return the summary of repeats of one cell."""
    [cell] = summarise(repeats)
    return cell


def test_an_interval_is_the_same_every_time() -> None:
    """The same values always give the same median and interval."""
    samples = [[float(each) for each in np.random.default_rng(n).normal(9, 1, n)] for n in range(5, 40)]
    intervals = [median_interval(values) for values in samples]
    assert [median_interval(values) for values in samples] == intervals
    assert [interval.n for interval in intervals] == [len(values) for values in samples]


@pytest.mark.parametrize("values", [[5.0], [5.0, 7.0]])
def test_one_or_two_values_have_no_interval(values: list[float]) -> None:
    """Their median has no interval, and its half width is infinite."""
    interval = median_interval(values)
    assert (interval.median, interval.n) == (sum(values) / len(values), len(values))
    assert (interval.low, interval.high) == (None, None)
    assert interval.relative_half_width == math.inf


def test_the_ends_of_an_interval_were_measured() -> None:
    """An interval ends at measured values: for three values it is their range, for equal ones it is 0."""
    interval = median_interval([1.0, 9.0, 2.0])
    assert (interval.low, interval.high) == (1.0, 9.0)
    assert interval.relative_half_width == pytest.approx(2.0)
    assert median_interval([4.0] * 5).relative_half_width == 0


def test_an_interval_holds_the_true_median() -> None:
    """For samples of five values, about 94 % of the intervals hold the true median."""
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        interval = median_interval([math.exp(chance.normal(0, 0.05)) for _ in range(5)])
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= 1 <= interval.high
    assert 0.89 < held / 300 < 0.98


def test_a_summary_follows_its_definitions() -> None:
    """Medians, rows/s, floor, Little's law and CPU a row agree with numbers calculated by hand."""
    cell = summary(
        [
            replace(
                timed(elapsed_s, cell=DELAYED),
                requests=500,
                client_cpu_s=cpu_s,
                server_cpu_s=2 * cpu_s,
                latencies=encoded([0.01] * 98 + [0.03, 0.07]),
            )
            for elapsed_s, cpu_s in ((0.8, 0.1), (0.7, 0.2), (2.0, 0.9))
        ]
    )
    assert (cell.n, cell.rows, cell.requests) == (3, 1000, 500)
    assert (cell.reactor, cell.patched) == ("GeventConnection", True)
    assert (cell.elapsed.median, cell.elapsed.low, cell.elapsed.high) == (0.8, 0.7, 2.0)
    assert cell.rows_per_s == pytest.approx(1250)
    assert cell.floor_s == pytest.approx(0.5)
    assert cell.latency_mean_s == pytest.approx(0.0108, rel=1e-3)
    assert cell.predicted_s == pytest.approx(0.54, rel=1e-3)
    assert cell.prediction_error == pytest.approx(0.54 / 0.8 - 1, rel=2e-3)
    assert (cell.client_cpu_us_a_row, cell.server_cpu_us_a_row) == pytest.approx((200, 400))


def test_percentiles_are_those_of_all_requests() -> None:
    """A rare slow repeat shows in the cell's p99 and p999; the mean of the repeats' percentiles hides it."""
    quick, slow = (replace(timed(), latencies=encoded([seconds] * 100)) for seconds in (0.001, 0.1))
    cell = summary([quick] * 9 + [slow])
    assert (cell.p50_s, cell.p99_s, cell.p999_s) == pytest.approx((0.001, 0.1, 0.1), rel=1e-3)
    mixed = replace(timed(), latencies=encoded([0.001] * 95 + [0.1] * 5))
    cell = summary([quick] * 9 + [mixed])
    assert (cell.p50_s, cell.p99_s, cell.p999_s) == pytest.approx((0.001, 0.001, 0.1), rel=1e-3)


def test_a_server_out_of_sight_has_no_cpu() -> None:
    """The server's CPU is None if no repeat measured it, else the median of the repeats that did."""
    unseen = replace(timed(), server_cpu_s=None)
    assert summary([unseen] * 3).server_cpu_us_a_row is None
    seen = summary([unseen, replace(timed(), server_cpu_s=3.0), unseen])
    assert seen.server_cpu_us_a_row == pytest.approx(3000)


def test_cells_come_in_the_order_of_their_first_repeat() -> None:
    """Repeats that alternate between cells are grouped by cell; the order is that of the first repeats."""
    cells = summarise(
        [
            timed(1.0),
            timed(5.0, cell=LOOP),
            timed(2.0),
            timed(9.0, cell=replace(POOL, latency_kind="sleep")),
            timed(7.0, cell=LOOP),
            timed(3.0, cell=replace(POOL, in_flight=20)),
        ]
    )
    assert [(cell.cell.contender, cell.n, cell.elapsed.median) for cell in cells] == [
        ("pool", 2, 1.5),
        ("loop", 2, 6.0),
        ("pool", 1, 9.0),
        ("pool", 1, 3.0),
    ]
    assert summarise([]) == []


@pytest.mark.parametrize(
    "other", [replace(timed(), rows=999), replace(timed(), reactor="AsyncoreConnection")]
)
def test_unlike_repeats_have_no_summary(other: Repeat) -> None:
    """Repeats of one cell with different rows or reactors raise an error; they are not averaged."""
    with pytest.raises(ResultsError, match="pool, network 0 s, 10 in flight differ"):
        summarise([timed(), other])


def test_requests_that_were_sent_again_do_not_matter() -> None:
    """If a repeat needed more requests, the cell has the median of the numbers, a whole number."""
    assert summary([replace(timed(), requests=requests) for requests in (1000, 1003)]).requests == 1000


def test_a_cell_is_too_noisy_beyond_the_bound() -> None:
    """Half an interval above 20 % of the median is too noisy to read; up to 20 % is not."""
    assert NOISE_BOUND == 0.20
    assert not summary(passes([0.82, 1.0, 1.18])).is_too_noisy
    assert summary(passes([0.78, 1.0, 1.22])).is_too_noisy


@pytest.mark.parametrize("n", [1, 2])
def test_few_repeats_are_known_by_their_floor_alone(n: int) -> None:
    """One or two repeats are too noisy, unless latency explains all but 20 % of them."""
    assert summary(passes([5.0] * n)).is_too_noisy
    assert summary(passes([1.3] * n, cell=DELAYED)).is_too_noisy
    assert not summary(passes([1.2] * n, cell=DELAYED)).is_too_noisy
    assert uncertainty(passes([1.25] * n, cell=DELAYED)) == pytest.approx(0.2)


def test_the_floor_does_not_hide_noise() -> None:
    """With three repeats their spread decides, however near to the floor they are."""
    assert uncertainty(passes([1.01, 1.02, 2.04], cell=DELAYED)) == pytest.approx(1.03 / 2 / 1.02)


def test_a_cell_is_repeated_until_it_is_precise() -> None:
    """Without repeats a cell is not precise; steady repeats soon are; otherwise more are needed."""
    assert not is_precise_enough([], 1.0)
    assert not is_precise_enough(passes([1.0, 1.0]), 0.5)
    assert is_precise_enough(passes([1.0, 1.02, 0.98]), 0.021)
    assert not is_precise_enough(passes([1.0, 1.02, 0.98]), 0.019)
    assert is_precise_enough(passes([101.0], cell=replace(LOOP, latency_s=0.1)), 0.01)
