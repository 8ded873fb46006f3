"""Which cell is timed next: rounds in random order, until every cell is known well enough or time is up."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import SettingError
from pipeline.measure.experiment.measurement import Repeat, Setup
from pipeline.measure.experiment.statistics import FEWEST_REPEATS, is_precise_enough


@dataclass(kw_only=True)
class Plan:
    """An iterator over the setups to time next; `note` is told of each repeat.

    A round is every setup once, in random order, so that contenders take turns and a slow minute of the
    machine falls on all. A setup that is known to within `precision`, half its interval as a share of its
    median, is left out of later rounds; so is one that would not end within the budget.

    Raises:
        SettingError: the budget does not suffice for a round.
    """

    setups: Sequence[Setup]
    rows_of: Callable[[Setup], int]
    time_budget_s: float
    precision: float
    repeats: dict[Setup, list[Repeat]] = field(init=False)

    def __post_init__(self) -> None:
        self.repeats = {setup: [] for setup in self.setups}
        self._began_s = time.monotonic()
        self._asked_at_s = self._began_s
        self._took_s = {setup: expected_s(setup, self.rows_of(setup)) for setup in self.setups}
        if self.round_s > self.time_budget_s:
            raise SettingError(
                f"time_budget_s is {self.time_budget_s:g}; one round of {len(self.setups)} cells takes about "
                f"{self.round_s:.0f} s, and {FEWEST_REPEATS} are wanted; raise it, or name fewer latencies"
            )

    @property
    def round_s(self) -> float:
        """How long a round of all cells takes, as far as is known."""
        return sum(self._took_s.values())

    @property
    def elapsed_s(self) -> float:
        """How much of the budget is gone."""
        return time.monotonic() - self._began_s

    def note(self, repeat: Repeat) -> None:
        """Take the repeat of the setup that was given last."""
        self.repeats[repeat.setup].append(repeat)
        self._took_s[repeat.setup] = time.monotonic() - self._asked_at_s

    def __iter__(self) -> Iterator[Setup]:
        order = random.Random()  # noqa: S311 - an order, nothing secret
        while round_ := [setup for setup in self.setups if self._is_open(setup)]:
            order.shuffle(round_)
            for setup in round_:
                if self._fits(setup):
                    self._asked_at_s = time.monotonic()
                    yield setup

    def _is_open(self, setup: Setup) -> bool:
        return self._fits(setup) and not is_precise_enough(self.repeats[setup], self.precision)

    def _fits(self, setup: Setup) -> bool:
        return self.elapsed_s + self._took_s[setup] <= self.time_budget_s


def expected_s(setup: Setup, rows: int) -> float:
    """Return what a repeat may take, its process and checks included: a guess until one was timed."""
    return (
        _BESIDES_S + _PER_LATENCY * setup.latency_s + rows * (setup.latency_s + _REQUEST_S) / setup.in_flight
    )


def rows_within(setup: Setup, rows: int, repeat_s: float) -> int:
    """Return how many of `rows` a repeat of about `repeat_s` seconds writes, one each in flight at least."""
    most = int(repeat_s * setup.in_flight / (setup.latency_s + _REQUEST_S))
    return min(rows, max(most, setup.in_flight, _FEWEST_ROWS))


_BESIDES_S = 2.0
_PER_LATENCY = 30
"""Round trips of connecting, preparing and the warm-up."""
_REQUEST_S = 0.001
_FEWEST_ROWS = 20
