"""The outcome of a scenario: figures, and whether the scenario passed."""

from collections.abc import Sequence
from dataclasses import dataclass


class ScenarioError(Exception):
    """A load of a scenario did not behave as required."""


@dataclass(frozen=True, kw_only=True)
class TableDifference:
    """How a table differs from a file: how many rows are absent or have other values, how many are extra."""

    lost: int
    extra: int


@dataclass(frozen=True, kw_only=True)
class ScenarioOutcome:
    """The outcome of one scenario.

    `times` is the number of repeats, `retries` how many requests the loads sent again, `seen` other figures,
    `faults` every error other than lost and extra rows.
    """

    times: int
    lost: int = 0
    extra: int = 0
    retries: int = 0
    seen: str = ""
    faults: Sequence[str] = ()

    @property
    def holds(self) -> bool:
        """Whether no row was lost, no row is extra, and there was no other error."""
        return not (self.lost or self.extra or self.faults)


def require(condition: object, message: str) -> None:
    """Return if `condition` holds.

    Raises:
        ScenarioError: it does not hold; its text is `message`.
    """
    if not condition:
        raise ScenarioError(message)
