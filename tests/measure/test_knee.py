from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import OutputError, SettingError
from pipeline.measure.experiment.knee import (
    Advice,
    Knee,
    Method,
    advise,
    find_knee,
    pool_size_at,
    read_advice,
    sentences,
    write_advice,
)
from tests.harness.experiments import LATENCIES_S, experiment


def swept(
    rows_per_s: Mapping[int, float], *, repeats: int = 5, variation: float = 0.0
) -> dict[int, Sequence[float]]:
    """Return a sweep whose repeats vary so much around these rows/s."""
    chance = np.random.default_rng(3)
    return {
        size: [mean * (1 + chance.normal(0, variation)) for _ in range(repeats)]
        for size, mean in rows_per_s.items()
    }


def advised(latency_s: float, pool_size: int, *, method: Method = "create", largest: int = 1000) -> Advice:
    """Return advice of that pool size, sure to a factor of 2."""
    return Advice(
        method=method,
        latency_s=latency_s,
        pool_size=pool_size,
        low=max(1, pool_size // 2),
        high=min(2 * pool_size, largest),
        largest=largest,
        rows_per_s=1234.5,
    )


def test_the_knee_is_the_smallest_size_close_to_the_best() -> None:
    """Of all sizes within 5 % of the best it is the smallest, whatever order they come in."""
    knee = find_knee(swept({200: 2000, 10: 500, 100: 1990, 50: 1900, 25: 1899}))
    assert knee == Knee(pool_size=50, low=50, high=50, largest=200, rows_per_s=1900)


def test_a_knee_is_one_of_medians() -> None:
    """One repeat out of line moves no knee."""
    knee = find_knee({10: [500, 510, 9000], 50: [1990, 2000, 2010], 100: [2000, 2001, 2002]})
    assert (knee.pool_size, knee.rows_per_s) == (50, 2000)


def test_throughput_that_falls_again_does_not_matter() -> None:
    """Where too many greenlets get slower, the knee still is the smallest size close to the best."""
    assert find_knee(swept({10: 1000, 25: 1600, 50: 2000, 100: 2050, 400: 1500})).pool_size == 50


def test_the_interval_shows_what_the_repeats_leave_open() -> None:
    """Steady repeats leave one size; sizes that noise cannot tell apart are all within."""
    rows_per_s = {10: 500.0, 50: 1880.0, 100: 1960.0, 200: 2000.0, 400: 2000.0}
    steady = find_knee(swept(rows_per_s, variation=0.001))
    assert (steady.low, steady.pool_size, steady.high) == (100, 100, 100)
    noisy = find_knee(swept(rows_per_s, variation=0.05))
    assert noisy.low <= 50
    assert noisy.high >= 100
    assert noisy.low > 10


def test_the_interval_leaves_out_what_is_rare() -> None:
    """A size that is the knee in 1 of 100 resamples, by drawing one repeat 4 times of 7, is not within."""
    knee = find_knee({10: [1000] * 6 + [2000], 50: [2000] * 7, 100: [2000] * 7})
    assert (knee.low, knee.high) == (50, 50)


def test_the_interval_is_the_same_every_time() -> None:
    """The same sweep gives the same knee and interval."""
    sweeps = [
        {size: np.random.default_rng(seed + size).normal(9, 1, 20).tolist() for size in range(1, 30)}
        for seed in range(0, 1000, 100)
    ]
    assert [find_knee(sweep) for sweep in sweeps] == [find_knee(sweep) for sweep in sweeps]


@pytest.mark.parametrize(
    ("end", "others", "pool_size"),
    [(1, [900] * 3 + [1000] + [1100] * 3, 1), (99, [100] * 4 + [1100] * 3, 99)],
)
def test_the_knee_is_within_its_interval(end: int, others: list[float], pool_size: int) -> None:
    """Where chance takes the resamples elsewhere, below or above, the interval still reaches to the knee."""
    sweep: dict[int, Sequence[float]] = dict.fromkeys(range(40, 60), others)
    knee = find_knee({**sweep, end: [950] * 7})
    assert knee.pool_size == pool_size
    assert knee.low < knee.high
    assert pool_size in {knee.low, knee.high}


def test_the_interval_holds_the_true_knee() -> None:
    """The interval of a curve whose knee is 100 holds 100 in at least 9 of 10 sweeps."""
    held = 0
    for seed in range(100):
        chance = np.random.default_rng(seed)
        sweep = {
            size: [mean * (1 + chance.normal(0, 0.03)) for _ in range(5)]
            for size, mean in {25: 500, 50: 1000, 100: 1940, 200: 2000, 400: 2000}.items()
        }
        knee = find_knee(sweep)
        held += knee.low <= 100 <= knee.high
    assert held >= 90


@pytest.mark.parametrize("repeats", [1, 2])
def test_few_repeats_leave_everything_open(repeats: int) -> None:
    """With fewer than 3 repeats of any size the interval is the whole sweep."""
    sweep = {**swept({10: 500, 50: 2000, 100: 2000}), 25: [1000.0] * repeats}
    knee = find_knee(sweep)
    assert (knee.low, knee.pool_size, knee.high) == (10, 50, 100)


def test_one_size_is_its_own_knee() -> None:
    """A sweep of one size has that knee."""
    assert find_knee(swept({30: 700})) == Knee(pool_size=30, low=30, high=30, largest=30, rows_per_s=700)


def test_advice_is_of_sweeps_over_the_network() -> None:
    """Of a whole experiment only what was swept counts, and only where the latency is the network's."""
    repeats = experiment()
    swept_alone = [
        repeat
        for repeat in repeats
        if (repeat.setup.contender, repeat.setup.latency_kind) == ("create, Pool", "network")
    ]
    advice = advise(repeats, {"create, Pool": "create"})
    assert advice == advise(swept_alone, {"create, Pool": "create"})
    assert [(each.method, each.latency_s) for each in advice] == [("create", each) for each in LATENCIES_S]


def test_swept_latencies_give_what_was_advised() -> None:
    """At each latency swept, 0 too, the pool size is that of the advice for its method."""
    advice = [
        advised(0.1, 400),
        advised(0, 20),
        advised(0.01, 90),
        advised(0.01, 70, method="prepared"),
    ]
    assert [pool_size_at(advice, "create", latency_s) for latency_s in (0, 0.01, 0.1)] == [20, 90, 400]
    assert pool_size_at(advice, "prepared", 0.01) == 70


def test_between_latencies_the_pool_size_is_interpolated() -> None:
    """Half way in logarithms is half way in logarithms; from 0 on, half way is half way; never a fall."""
    advice = [advised(0, 20), advised(0.001, 40), advised(0.1, 1000)]
    assert pool_size_at(advice, "create", 0.01) == 200
    assert pool_size_at(advice, "create", 0.0005) == 30
    sizes = [pool_size_at(advice, "create", step / 10_000) for step in range(1000)]
    assert sizes == sorted(sizes)
    assert set(range(20, 60)) <= {pool_size_at(advice, "create", step / 1_000_000) for step in range(3000)}


def test_outside_of_the_sweep_the_nearest_stands() -> None:
    """Below the least latency and above the largest the size stays; one latency is advice for all."""
    advice = [advised(0.01, 90), advised(0.1, 400)]
    assert [pool_size_at(advice, "create", latency_s) for latency_s in (0, 0.001, 5)] == [90, 90, 400]
    assert [pool_size_at([advised(0, 7)], "create", latency_s) for latency_s in (0, 1)] == [7, 7]


def test_a_pool_has_a_greenlet_at_least() -> None:
    """The pool size is never below 1."""
    advice = [advised(0, 1), advised(1e-9, 1), advised(1, 2)]
    assert {pool_size_at(advice, "create", latency_s) for latency_s in (0, 1e-12, 1e-9, 1e-6)} == {1}


@pytest.mark.parametrize("latency_s", [-0.001, float("nan"), float("inf")])
def test_a_latency_that_cannot_be_is_refused(latency_s: float) -> None:
    """A latency that is negative, infinite or no number is an error that names it."""
    with pytest.raises(SettingError, match=f"latency_s is {latency_s}"):
        pool_size_at([advised(0, 1)], "create", latency_s)


def test_a_way_without_advice_is_refused() -> None:
    """The error names the methods that there is advice for."""
    with pytest.raises(SettingError, match="no advice for 'prepared', only for: create"):
        pool_size_at([advised(0, 1)], "prepared", 0.01)
    with pytest.raises(SettingError, match="only for: none"):
        pool_size_at([], "create", 0.01)


def test_the_sentences_say_what_to_do_and_how_sure_it_is() -> None:
    """The first has method, latency, size and rows/s; the second the interval, or that the sweep ended."""
    what, how_sure = sentences(advised(0.01, 90))
    for part in ("`create`", "0.01 s", "90 greenlets", "1,234 rows/s", "within 5 %", "up to 1000"):
        assert part in what
    assert "45 to 180" in how_sure
    _, at_the_end = sentences(advised(0.01, 90, largest=90))
    assert "None larger was tried" in at_the_end


def test_advice_reads_back(tmp_path: Path) -> None:
    """What is read is what was written, in order; each entry of the file has its sentences as the reason."""
    advice = [advised(0.1, 400), advised(0, 20), advised(0, 30, method="prepared")]
    path = tmp_path / "folder" / "advice.toml"
    write_advice(path, advice)
    assert read_advice(path) == advice
    text = path.read_text(encoding="utf-8")
    for each in advice:
        assert f'reason = "{" ".join(sentences(each))}"' in text


VALID = """
[[advice]]
method = "create"
latency_s = 0
pool_size = 50
low = 25
high = 100
largest = 400
rows_per_s = 2000
"""


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        (
            'method = "create"',
            'method = "batch"',
            "advice 1: method is 'batch'; it must be one of create, prepared",
        ),
        ('method = "create"', "method = 3", "advice 1: method is 3, not a text"),
        ("pool_size = 50", "pool_size = 50.5", "advice 1: pool_size is 50.5, not a whole number"),
        ("pool_size = 50", "pool_size = true", "advice 1: pool_size is True, not a whole number"),
        ("pool_size = 50", "pool_sise = 50", "advice 1: pool_size is absent"),
        ("pool_size = 50", "pool_size = 500", "they must not fall"),
        ("low = 25", "low = 0", "they must not fall"),
        ("latency_s = 0", "latency_s = -1", "advice 1: latency_s is -1; it must be at least 0"),
        ("latency_s = 0", "latency_s = nan", "advice 1: latency_s is nan"),
        ("rows_per_s = 2000", "rows_per_s = inf", "advice 1: rows_per_s is inf"),
        ("rows_per_s = 2000", 'rows_per_s = "2000"', "advice 1: rows_per_s is '2000', not a number"),
        ("[[advice]]", "[[advise]]", "has no [[advice]]"),
        ("[[advice]]", "[advice]", "has no [[advice]]"),
        (VALID, "advice = [1]", "advice 1: it is 1, not a table"),
        (VALID, "advice = []", "has no [[advice]]"),
        (VALID, 2 * VALID, "more than one advice for a method and latency"),
        (VALID, "advice =", "cannot read"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, before: str, after: str, wrong: str) -> None:
    """The error names the file, the entry, what is wrong with it, and what to do."""
    path = tmp_path / "advice.toml"
    path.write_text(VALID.replace(before, after), encoding="utf-8")
    with pytest.raises(SettingError) as refused:
        read_advice(path)
    said = str(refused.value)
    assert str(path) in said
    assert wrong in said
    assert said.endswith("; measure again, or restore the file")


def test_a_file_by_hand_is_read(tmp_path: Path) -> None:
    """Whole numbers stand for seconds and rows/s, and a reason may be left out."""
    path = tmp_path / "advice.toml"
    path.write_text(VALID, encoding="utf-8")
    [advice] = read_advice(path)
    assert (advice.method, advice.latency_s, advice.pool_size, advice.rows_per_s) == ("create", 0, 50, 2000)


def test_a_file_that_cannot_be_read_or_written_says_so(tmp_path: Path) -> None:
    """An absent file, one that is no text, and a folder that cannot be are errors with the path."""
    absent = tmp_path / "absent.toml"
    with pytest.raises(SettingError, match=r"cannot read .*absent.toml: No such file"):
        read_advice(absent)
    absent.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match=r"cannot read .*absent.toml"):
        read_advice(absent)
    with pytest.raises(OutputError, match=r"absent.toml"):
        write_advice(absent / "advice.toml", [advised(0, 1)])


def test_advice_that_cannot_be_is_never_built() -> None:
    """Sizes out of order are refused wherever they come from."""
    with pytest.raises(SettingError, match="must not fall"):
        Advice(**{**asdict(advised(0, 10)), "high": 5})
