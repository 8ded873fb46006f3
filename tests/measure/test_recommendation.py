from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pytest

from pipeline.errors import SettingError
from pipeline.measure.experiment.recommendation import (
    Recommendation,
    SweptPoolSize,
    find_pool_size,
    pool_size_at,
    recommend,
    sentences,
)
from tests.harness.experiments import LATENCIES_S, experiment, recommended


def swept(
    rows_per_s: Mapping[int, float], *, repeats: int = 5, variation: float = 0.0
) -> dict[int, Sequence[float]]:
    """Return a sweep with these rows/s; `variation` is the relative standard deviation of the repeats."""
    chance = np.random.default_rng(3)
    return {
        size: [mean * (1 + chance.normal(0, variation)) for _ in range(repeats)]
        for size, mean in rows_per_s.items()
    }


def test_the_pool_size_is_the_smallest_size_close_to_the_best() -> None:
    """The pool size is the smallest of the sizes within 5 % of the best, in whatever order they are given."""
    recommended = find_pool_size(swept({200: 2000, 10: 500, 100: 1990, 50: 1900, 25: 1899}))
    assert recommended == SweptPoolSize(pool_size=50, low=50, high=50, largest=200, rows_per_s=1900)


def test_a_pool_size_is_one_of_medians() -> None:
    """One outlier among the repeats does not change the size."""
    recommended = find_pool_size({10: [500, 510, 9000], 50: [1990, 2000, 2010], 100: [2000, 2001, 2002]})
    assert (recommended.pool_size, recommended.rows_per_s) == (50, 2000)


def test_throughput_that_falls_again_does_not_matter() -> None:
    """If too many greenlets reduce the throughput, the size is still the smallest one close to the best."""
    assert find_pool_size(swept({10: 1000, 25: 1600, 50: 2000, 100: 2050, 400: 1500})).pool_size == 50


def test_the_interval_shows_what_the_repeats_leave_open() -> None:
    """Steady repeats leave one size; sizes that noise cannot distinguish are all in the interval."""
    rows_per_s = {10: 500.0, 50: 1880.0, 100: 1960.0, 200: 2000.0, 400: 2000.0}
    steady = find_pool_size(swept(rows_per_s, variation=0.001))
    assert (steady.low, steady.pool_size, steady.high) == (100, 100, 100)
    noisy = find_pool_size(swept(rows_per_s, variation=0.05))
    assert noisy.low <= 50
    assert noisy.high >= 100
    assert noisy.low > 10


def test_the_interval_leaves_out_what_is_rare() -> None:
    """A size found in 1 of 100 resamples, if one repeat is drawn 4 times of 7, is not in the interval."""
    recommended = find_pool_size({10: [1000] * 6 + [2000], 50: [2000] * 7, 100: [2000] * 7})
    assert (recommended.low, recommended.high) == (50, 50)


def test_the_interval_is_the_same_every_time() -> None:
    """The same sweep always gives the same size and interval."""
    sweeps = [
        {size: np.random.default_rng(seed + size).normal(9, 1, 20).tolist() for size in range(1, 30)}
        for seed in range(0, 1000, 100)
    ]
    assert [find_pool_size(sweep) for sweep in sweeps] == [find_pool_size(sweep) for sweep in sweeps]


@pytest.mark.parametrize(
    ("end", "others", "pool_size"),
    [(1, [900] * 3 + [1000] + [1100] * 3, 1), (99, [100] * 4 + [1100] * 3, 99)],
)
def test_the_pool_size_is_within_its_interval(end: int, others: list[float], pool_size: int) -> None:
    """If the resamples are all below or all above the size found, the interval still includes it."""
    sweep: dict[int, Sequence[float]] = dict.fromkeys(range(40, 60), others)
    recommended = find_pool_size({**sweep, end: [950] * 7})
    assert recommended.pool_size == pool_size
    assert recommended.low < recommended.high
    assert pool_size in {recommended.low, recommended.high}


def test_the_interval_holds_the_true_size() -> None:
    """If the true size of a curve is 100, the interval holds 100 in at least 9 of 10 sweeps."""
    held = 0
    for seed in range(100):
        chance = np.random.default_rng(seed)
        sweep = {
            size: [mean * (1 + chance.normal(0, 0.03)) for _ in range(5)]
            for size, mean in {25: 500, 50: 1000, 100: 1940, 200: 2000, 400: 2000}.items()
        }
        recommended = find_pool_size(sweep)
        held += recommended.low <= 100 <= recommended.high
    assert held >= 90


@pytest.mark.parametrize("repeats", [1, 2])
def test_few_repeats_leave_everything_open(repeats: int) -> None:
    """With fewer than 3 repeats of any size the interval is the whole sweep."""
    sweep = {**swept({10: 500, 50: 2000, 100: 2000}), 25: [1000.0] * repeats}
    recommended = find_pool_size(sweep)
    assert (recommended.low, recommended.pool_size, recommended.high) == (10, 50, 100)


def test_of_one_size_it_is_that() -> None:
    """A sweep of one size gives this size."""
    assert find_pool_size(swept({30: 700})) == SweptPoolSize(
        pool_size=30, low=30, high=30, largest=30, rows_per_s=700
    )


def test_recommendation_is_of_sweeps_over_the_network() -> None:
    """From a whole experiment only sweeps are used, and only where the latency is the network's."""
    repeats = experiment()
    swept_alone = [
        repeat
        for repeat in repeats
        if (repeat.cell.contender, repeat.cell.latency_kind) == ("create, Pool", "network")
    ]
    recommendations = recommend(repeats, {"create, Pool": "create"})
    assert recommendations == recommend(swept_alone, {"create, Pool": "create"})
    assert [(each.method, each.latency_s) for each in recommendations] == [
        ("create", each) for each in LATENCIES_S
    ]


def test_swept_latencies_give_what_was_recommended() -> None:
    """At each swept latency, 0 included, the pool size is the recommended one for the method."""
    recommendations = [
        recommended(0.1, 400),
        recommended(0, 20),
        recommended(0.01, 90),
        recommended(0.01, 70, method="prepared"),
    ]
    assert [pool_size_at(recommendations, "create", latency_s) for latency_s in (0, 0.01, 0.1)] == [
        20,
        90,
        400,
    ]
    assert pool_size_at(recommendations, "prepared", 0.01) == 70


def test_between_latencies_the_pool_size_is_interpolated() -> None:
    """Between latencies the interpolation is linear in logarithms, from 0 on linear; it never falls."""
    recommendations = [recommended(0, 20), recommended(0.001, 40), recommended(0.1, 1000)]
    assert pool_size_at(recommendations, "create", 0.01) == 200
    assert pool_size_at(recommendations, "create", 0.0005) == 30
    sizes = [pool_size_at(recommendations, "create", step / 10_000) for step in range(1000)]
    assert sizes == sorted(sizes)
    assert set(range(20, 60)) <= {
        pool_size_at(recommendations, "create", step / 1_000_000) for step in range(3000)
    }


def test_outside_of_the_sweep_the_nearest_stands() -> None:
    """Below the least and above the largest latency the size is constant; so it is with one latency only."""
    recommendations = [recommended(0.01, 90), recommended(0.1, 400)]
    assert [pool_size_at(recommendations, "create", latency_s) for latency_s in (0, 0.001, 5)] == [
        90,
        90,
        400,
    ]
    assert [pool_size_at([recommended(0, 7)], "create", latency_s) for latency_s in (0, 1)] == [7, 7]


def test_a_pool_has_a_greenlet_at_least() -> None:
    """The pool size is never below 1."""
    recommendations = [recommended(0, 1), recommended(1e-9, 1), recommended(1, 2)]
    assert {pool_size_at(recommendations, "create", latency_s) for latency_s in (0, 1e-12, 1e-9, 1e-6)} == {1}


@pytest.mark.parametrize("latency_s", [-0.001, float("nan"), float("inf")])
def test_a_latency_that_cannot_be_is_refused(latency_s: float) -> None:
    """A latency that is negative, infinite or not a number is refused; the error names it."""
    with pytest.raises(SettingError, match=f"latency_s is {latency_s}"):
        pool_size_at([recommended(0, 1)], "create", latency_s)


def test_a_method_without_recommendation_is_refused() -> None:
    """The error names the methods that have a recommendation."""
    with pytest.raises(SettingError, match="no recommendation for 'prepared', only for: create"):
        pool_size_at([recommended(0, 1)], "prepared", 0.01)
    with pytest.raises(SettingError, match="only for: none"):
        pool_size_at([], "create", 0.01)


def test_the_sentences_say_what_to_do_and_how_sure_it_is() -> None:
    """The first has method, latency, size and rows/s; the second the interval, or that the sweep ended."""
    what, how_sure = sentences(recommended(0.01, 90))
    for part in ("`create`", "0.01 s", "90 greenlets", "1,234 rows/s", "within 5 %", "up to 1000"):
        assert part in what
    assert "45 to 180" in how_sure
    _, at_the_end = sentences(recommended(0.01, 90, largest=90))
    assert "None larger was tried" in at_the_end


def test_recommendation_that_cannot_be_is_never_built() -> None:
    """Sizes that are not ascending are refused, whoever builds the recommendation."""
    with pytest.raises(SettingError, match="must not fall"):
        Recommendation(**{**asdict(recommended(0, 10)), "high": 5})
