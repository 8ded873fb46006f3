import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from pipeline.errors import ResultsError
from pipeline.measure.experiment import comparison
from pipeline.measure.experiment.comparison import ALPHA, RUN_DRIFT, Difference, compare
from pipeline.measure.experiment.measurement import Cell, Repeat

VARIATIONS = (0.02, 0.02, 0.03, 0.03, 0.04, 0.04, 0.05, 0.05)
"""The coefficient of variation of repeats within a run, one for each cell."""


def timed(contender: str, elapsed_s: float, rows: int = 1000) -> Repeat:
    """Return a repeat of a contender; fields that a comparison does not read are empty."""
    return Repeat(
        cell=Cell(contender=contender, latency_kind="network", latency_s=0.0, in_flight=10),
        repeat=0,
        reactor="",
        patched=True,
        rows=rows,
        requests=rows,
        elapsed_s=elapsed_s,
        client_cpu_s=1.0,
        server_cpu_s=None,
        latencies="",
        began_at_s=0.0,
    )


def cell(contender: str, times_s: Sequence[float]) -> list[Repeat]:
    """Return a cell's repeats."""
    return [timed(contender, elapsed_s) for elapsed_s in times_s]


def run(
    chance: np.random.Generator, variations: Sequence[float], *, repeats: int, slower: float = 1.0
) -> list[Repeat]:
    """Return a run; each cell drifts by 2 % from other runs; `slower` multiplies every time."""
    return [
        timed(str(number), slower * math.exp(drift + chance.normal(0, variation)))
        for number, variation in enumerate(variations)
        for drift in [chance.normal(0, 0.02)]
        for _ in range(repeats)
    ]


def only(base: Sequence[Repeat], new: Sequence[Repeat]) -> Difference:
    """Return the difference of the only cell that two runs have in common."""
    [difference] = compare(base, new)
    return difference


@pytest.mark.parametrize(
    ("variations", "repeats"), [(VARIATIONS, 5), (VARIATIONS, 7), ((0.02,) * 8, 7), ((0.05,) * 8, 5)]
)
def test_runs_of_equal_code_compare_equal(variations: Sequence[float], repeats: int) -> None:
    """Of all pairs of 20 runs that only drift, at least 95 % show no difference in any of 8 cells."""
    chance = np.random.default_rng(20)
    runs = [run(chance, variations, repeats=repeats) for _ in range(20)]
    pairs = list(combinations(runs, 2))
    equal = sum(
        all(each.verdict == "no difference found" for each in compare(base, new)) for base, new in pairs
    )
    assert len(pairs) == 190
    assert equal >= 0.95 * len(pairs)


@pytest.mark.parametrize("repeats", [5, 7])
def test_a_slowdown_of_15_percent_is_found(repeats: int) -> None:
    """Of 100 pairs with drift 95 show it, and 4 of 5 cells that vary by up to 3 %; none is faster."""
    chance = np.random.default_rng(15)
    found = [
        compare(
            run(chance, VARIATIONS, repeats=repeats), run(chance, VARIATIONS, repeats=repeats, slower=1.15)
        )
        for _ in range(100)
    ]
    verdicts = [[each.verdict for each in differences] for differences in found]
    assert sum("slower" in cells for cells in verdicts) >= 95
    assert sum("faster" in cells for cells in verdicts) == 0
    steady = [verdict for cells in verdicts for verdict in cells[:4]]
    assert steady.count("slower") >= 0.8 * len(steady)


def test_the_other_way_round_is_the_inverse() -> None:
    """With base and new exchanged: the same p, the inverse ratio and interval, `faster` for `slower`."""
    base, new = cell("pool", [1.00, 1.02, 0.98, 1.01]), cell("pool", [1.30, 1.33, 1.31])
    there, back = only(base, new), only(new, base)
    assert (there.verdict, back.verdict) == ("slower", "faster")
    assert (there.base_n, there.new_n) == (back.new_n, back.base_n) == (4, 3)
    assert back.p == pytest.approx(there.p)
    assert (back.ratio, back.low, back.high) == pytest.approx(
        (1 / there.ratio, 1 / there.high, 1 / there.low)
    )
    assert back.hedges_g == pytest.approx(-there.hedges_g)


def test_without_drift_it_is_welch_s_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a drift of 0, p and interval are those of Welch's t-test on the logarithms, as in SciPy."""
    monkeypatch.setattr(comparison, "RUN_DRIFT", 0.0)
    base, new = [1.00, 1.10, 0.95, 1.02, 1.04], [1.15, 1.30, 1.21]
    difference = only(cell("pool", base), cell("pool", new))
    welch = stats.ttest_ind(
        [math.log(each) for each in new], [math.log(each) for each in base], equal_var=False
    )
    interval = welch.confidence_interval(0.99)
    assert difference.p == pytest.approx(welch.pvalue)
    assert (difference.low, difference.high) == pytest.approx(
        (math.exp(interval.low), math.exp(interval.high))
    )


def test_the_numbers_of_a_cell_follow_their_definitions() -> None:
    """Medians in µs a row, ratio of geometric means and Hedges' g agree with numbers calculated by hand."""
    difference = only(cell("pool", [1.0, 2.0, 4.0]), cell("pool", [2.0, 4.0, 16.0]))
    assert (difference.base_us_a_row, difference.new_us_a_row) == pytest.approx((2000, 4000))
    assert difference.ratio == pytest.approx(2 ** (4 / 3))
    # In powers of 2: means 1 and 7/3, variances 1 and 7/3, pooled 5/3, four degrees of freedom.
    assert difference.hedges_g == pytest.approx((1 - 3 / 15) * (4 / 3) / math.sqrt(5 / 3))


def test_rows_need_not_be_as_many() -> None:
    """A run of a tenth of the rows in a tenth of the time is equal: seconds per row are compared."""
    base = cell("pool", [1.00, 1.02, 0.98])
    difference = only(base, [timed("pool", each.elapsed_s / 10, rows=100) for each in base])
    assert difference.ratio == pytest.approx(1)
    assert difference.verdict == "no difference found"


@pytest.mark.parametrize(("ratio", "verdict"), [(1.07, "no difference found"), (1.08, "slower")])
def test_what_drift_explains_is_no_difference(ratio: float, verdict: str) -> None:
    """However many and steady the repeats are, a ratio below 1.075 is never called a difference."""
    assert RUN_DRIFT == 0.02
    difference = only(cell("pool", [1.0] * 50), cell("pool", [ratio] * 50))
    assert difference.verdict == verdict
    assert difference.ratio == pytest.approx(ratio)


def test_equal_repeats_are_equal() -> None:
    """Repeats without any variance compare without an error: p 1, ratio 1, no effect."""
    difference = only(cell("pool", [3.0] * 3), cell("pool", [3.0] * 3))
    assert (difference.p, difference.ratio, difference.hedges_g) == pytest.approx((1, 1, 0))
    assert difference.low < 1 < difference.high


def test_p_is_corrected_for_the_number_of_cells() -> None:
    """Holm's correction: the least p times the number of cells, the next times one less, rising, up to 1."""
    ratios = {"a": 1.12, "b": 1.0, "c": 1.11, "d": 1.5, "e": 1.001}
    base = [each for name in ratios for each in cell(name, [0.99, 1.0, 1.01])]
    new = [each for name, ratio in ratios.items() for each in cell(name, [0.99 * ratio, ratio, 1.01 * ratio])]
    found = {each.cell.contender: each for each in compare(base, new)}
    assert list(found) == list(ratios)
    assert found["d"].adjusted_p == pytest.approx(5 * found["d"].p)
    assert found["a"].adjusted_p == pytest.approx(4 * found["a"].p)
    assert found["c"].adjusted_p == pytest.approx(3 * found["c"].p)
    assert (found["e"].adjusted_p, found["b"].adjusted_p) == (1, 1)
    alike = compare(base, [timed(each.cell.contender, 1.1 * each.elapsed_s) for each in base])
    assert {each.adjusted_p for each in alike} == {alike[0].adjusted_p}


def test_the_corrected_p_decides() -> None:
    """A difference that is significant in a run of one cell can be insignificant among many cells."""
    base, new = cell("a", [0.99, 1.0, 1.01]), cell("a", [1.09, 1.10, 1.11])
    assert only(base, new).p < ALPHA
    assert only(base, new).verdict == "slower"
    others = [each for name in range(30) for each in cell(str(name), [1.0, 1.01])]
    first, *rest = compare(base + others, new + others)
    assert first.p < ALPHA < first.adjusted_p
    assert {each.verdict for each in (first, *rest)} == {"no difference found"}


def test_a_single_repeat_proves_nothing() -> None:
    """One repeat on a side is never a difference, and does not change the results of other cells."""
    base, new = cell("a", [0.99, 1.0, 1.01]), cell("a", [1.29, 1.30, 1.31])
    alone = only(base, new)
    first, once = compare(base + cell("b", [1.0]), new + cell("b", [7.0, 7.1]))
    assert first == alone
    assert (once.ratio, once.p, once.adjusted_p) == pytest.approx((math.sqrt(49.7), 1, 1))
    assert (once.low, once.high) == (0, math.inf)
    assert math.isnan(once.hedges_g)
    assert once.verdict == "no difference found"


def test_only_cells_of_both_runs_are_compared() -> None:
    """Cells of one run alone are left out; the others are in the order of base."""
    base = cell("a", [1, 1]) + cell("b", [1, 1]) + cell("c", [1, 1])
    new = cell("d", [1, 1]) + cell("c", [1, 1]) + cell("a", [1, 1])
    assert [each.cell.contender for each in compare(base, new)] == ["a", "c"]


def test_runs_without_a_common_cell_are_an_error() -> None:
    """The error names some cells of each run and says what to do."""
    with pytest.raises(ResultsError, match=r"base has a, network 0 s, .*; …; new has none; measure both"):
        compare([timed(name, 1.0) for name in "abcd"], [])
