"""Chooses the next cell: rounds in random order, until every cell is precise enough or time is up."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import SettingError
from pipeline.measure.experiment.measurement import Cell, Repeat
from pipeline.measure.experiment.statistics import FEWEST_REPEATS, is_precise_enough


@dataclass(kw_only=True)
class Plan:
    """An iterator over the cells to time; call `note` with each repeat.

    A round is every cell once, in random order, so that a slow minute of the machine affects all contenders.
    A cell is left out of later rounds when half its interval is at most `precision`, as a share of its
    median, or when it would not end within the budget.

    Raises:
        SettingError: the budget is too short for a round.
    """

    cells: Sequence[Cell]
    rows_of: Callable[[Cell], int]
    time_budget_s: float
    precision: float
    repeats: dict[Cell, list[Repeat]] = field(init=False)

    def __post_init__(self) -> None:
        self.repeats = {cell: [] for cell in self.cells}
        self._began_s = time.monotonic()
        self._asked_at_s = self._began_s
        self._took_s = {cell: expected_s(cell, self.rows_of(cell)) for cell in self.cells}
        if self.round_s > self.time_budget_s:
            raise SettingError(
                f"time_budget_s is {self.time_budget_s:g}; one round of {len(self.cells)} cells takes about "
                f"{self.round_s:.0f} s, and {FEWEST_REPEATS} are wanted; raise it, or name fewer latencies"
            )

    @property
    def round_s(self) -> float:
        """The expected time of a round of all cells."""
        return sum(self._took_s.values())

    @property
    def elapsed_s(self) -> float:
        """The seconds of the budget that are used."""
        return time.monotonic() - self._began_s

    def note(self, repeat: Repeat) -> None:
        """Record the repeat of the last cell."""
        self.repeats[repeat.cell].append(repeat)
        self._took_s[repeat.cell] = time.monotonic() - self._asked_at_s

    def __iter__(self) -> Iterator[Cell]:
        order = random.Random()  # noqa: S311 - an order, nothing secret
        while round_ := [cell for cell in self.cells if self._is_open(cell)]:
            order.shuffle(round_)
            for cell in round_:
                if self._fits(cell):
                    self._asked_at_s = time.monotonic()
                    yield cell

    def _is_open(self, cell: Cell) -> bool:
        return self._fits(cell) and not is_precise_enough(self.repeats[cell], self.precision)

    def _fits(self, cell: Cell) -> bool:
        return self.elapsed_s + self._took_s[cell] <= self.time_budget_s


def expected_s(cell: Cell, rows: int) -> float:
    """Return the expected time of a repeat with its process and checks; a guess until one was timed."""
    return _BESIDES_S + _PER_LATENCY * cell.latency_s + rows * (cell.latency_s + _REQUEST_S) / cell.in_flight


def rows_within(cell: Cell, rows: int, repeat_s: float) -> int:
    """Return how many of `rows` a repeat of about `repeat_s` seconds writes, one each in flight at least."""
    most = int(repeat_s * cell.in_flight / (cell.latency_s + _REQUEST_S))
    return min(rows, max(most, cell.in_flight, _FEWEST_ROWS))


_BESIDES_S = 2.0
_PER_LATENCY = 30
"""Round trips of connecting, preparing and the warm-up."""
_REQUEST_S = 0.001
_FEWEST_ROWS = 20
