import time

from hypothesis import given
from hypothesis import strategies as st

from pipeline.requests.concurrency_limit import ConcurrencyLimit

FAST_S, SLOW_S = 0.010, 0.100


def busy(concurrency: ConcurrencyLimit, latency_s: float, *, answers: int) -> None:
    """Record that many answers while all permitted requests are in flight."""
    for _ in range(answers):
        concurrency.in_flight = int(concurrency.limit)
        concurrency.answered(latency_s)


def test_the_limit_grows_while_latency_holds() -> None:
    """While latency does not rise, answers increase the limit, step by step, up to its maximum."""
    concurrency = ConcurrencyLimit(200)
    first = concurrency.limit
    limits = [first]
    while concurrency.limit < 200:
        busy(concurrency, FAST_S, answers=200)
        assert concurrency.limit > limits[-1]
        limits.append(concurrency.limit)
    assert len(limits) > 10


def test_the_limit_shrinks_as_latency_rises() -> None:
    """If latency rises tenfold, the limit falls; afterwards it rises again."""
    concurrency = ConcurrencyLimit(200)
    busy(concurrency, FAST_S, answers=40_000)
    assert concurrency.limit == 200
    busy(concurrency, SLOW_S, answers=2000)
    assert concurrency.limit < 100
    busy(concurrency, FAST_S, answers=40_000)
    assert concurrency.limit == 200


def test_a_latency_that_stays_is_the_new_measure() -> None:
    """If a higher latency persists, it becomes the new baseline, and the limit rises again."""
    concurrency = ConcurrencyLimit(100)
    busy(concurrency, FAST_S, answers=40_000)
    busy(concurrency, SLOW_S, answers=2000)
    assert concurrency.limit < 100
    busy(concurrency, SLOW_S, answers=40_000)
    assert concurrency.limit == 100


def test_a_failure_halves_the_limit_once_a_flight() -> None:
    """However many requests of one flight fail, the limit is halved once; a later flight halves it again."""
    concurrency = ConcurrencyLimit(100)
    busy(concurrency, FAST_S, answers=40_000)
    together_s = time.monotonic()
    for _ in range(30):
        concurrency.failed(together_s)
    assert concurrency.limit == 50
    concurrency.failed(time.monotonic())
    assert concurrency.limit == 25


def test_rows_that_come_slowly_teach_nothing() -> None:
    """While few requests are in flight the limit stays: the node's capacity was not tested."""
    concurrency = ConcurrencyLimit(100)
    before = concurrency.limit
    concurrency.in_flight = 1
    for latency_s in [FAST_S] * 500 + [SLOW_S] * 500:
        concurrency.answered(latency_s)
    assert concurrency.limit == before


@given(
    most=st.integers(1, 1000),
    events=st.lists(
        st.tuples(st.booleans(), st.floats(0, 100, exclude_min=True), st.integers(1, 50)), max_size=60
    ),
)
def test_the_limit_stays_within_its_bounds(most: int, events: list[tuple[bool, float, int]]) -> None:
    """For any latencies and failures, the limit is at least 1 and at most the maximum."""
    concurrency = ConcurrencyLimit(most)
    for is_answer, latency_s, count in events:
        for _ in range(count):
            if is_answer:
                busy(concurrency, latency_s, answers=1)
            else:
                concurrency.failed(time.monotonic())
            assert 1 <= concurrency.limit <= most
    concurrency.in_flight = 0
    assert concurrency.room > 0
    concurrency.in_flight = most
    assert concurrency.room <= 0
