import time

from hypothesis import given
from hypothesis import strategies as st

from pipeline.requests.concurrency_limit import Window

FAST_S, SLOW_S = 0.010, 0.100


def busy(window: Window, latency_s: float, *, answers: int) -> None:
    """Record that many answers while all permitted requests are in flight."""
    for _ in range(answers):
        window.in_flight = int(window.limit)
        window.answered(latency_s)


def test_the_limit_grows_while_latency_holds() -> None:
    """While latency does not rise, answers increase the limit, step by step, up to its maximum."""
    window = Window(200)
    first = window.limit
    limits = [first]
    while window.limit < 200:
        busy(window, FAST_S, answers=200)
        assert window.limit > limits[-1]
        limits.append(window.limit)
    assert len(limits) > 10


def test_the_limit_shrinks_as_latency_rises() -> None:
    """If latency rises tenfold, the limit falls; afterwards it rises again."""
    window = Window(200)
    busy(window, FAST_S, answers=40_000)
    assert window.limit == 200
    busy(window, SLOW_S, answers=2000)
    assert window.limit < 100
    busy(window, FAST_S, answers=40_000)
    assert window.limit == 200


def test_a_latency_that_stays_is_the_new_measure() -> None:
    """If a higher latency persists, it becomes the new baseline, and the limit rises again."""
    window = Window(100)
    busy(window, FAST_S, answers=40_000)
    busy(window, SLOW_S, answers=2000)
    assert window.limit < 100
    busy(window, SLOW_S, answers=40_000)
    assert window.limit == 100


def test_a_failure_halves_the_limit_once_a_flight() -> None:
    """However many requests of one flight fail, the limit is halved once; a later flight halves it again."""
    window = Window(100)
    busy(window, FAST_S, answers=40_000)
    together_s = time.monotonic()
    for _ in range(30):
        window.failed(together_s)
    assert window.limit == 50
    window.failed(time.monotonic())
    assert window.limit == 25


def test_rows_that_come_slowly_teach_nothing() -> None:
    """While few requests are in flight the limit stays: the node's capacity was not tested."""
    window = Window(100)
    before = window.limit
    window.in_flight = 1
    for latency_s in [FAST_S] * 500 + [SLOW_S] * 500:
        window.answered(latency_s)
    assert window.limit == before


@given(
    most=st.integers(1, 1000),
    events=st.lists(
        st.tuples(st.booleans(), st.floats(0, 100, exclude_min=True), st.integers(1, 50)), max_size=60
    ),
)
def test_the_limit_stays_within_its_bounds(most: int, events: list[tuple[bool, float, int]]) -> None:
    """For any latencies and failures, the limit is at least 1 and at most the maximum."""
    window = Window(most)
    for is_answer, latency_s, count in events:
        for _ in range(count):
            if is_answer:
                busy(window, latency_s, answers=1)
            else:
                window.failed(time.monotonic())
            assert 1 <= window.limit <= most
    window.in_flight = 0
    assert window.is_open
    window.in_flight = most
    assert not window.is_open
