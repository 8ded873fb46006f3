"""What a scenario found: figures, and whether the promise held."""

from collections.abc import Sequence
from dataclasses import dataclass


class ScenarioError(Exception):
    """A scenario went another way than it must."""


@dataclass(frozen=True, kw_only=True)
class TableDifference:
    """How a table differs from the file that was loaded: rows that it lacks, rows that no file has."""

    lost: int
    extra: int


@dataclass(frozen=True, kw_only=True)
class ScenarioOutcome:
    """What one scenario found.

    `times` is how often the fault was made, `retries` how many requests the loads sent again, `seen` what
    else is worth a figure, `faults` what went wrong beside lost and extra rows.
    """

    times: int
    lost: int = 0
    extra: int = 0
    retries: int = 0
    seen: str = ""
    faults: Sequence[str] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, nothing is extra, and nothing else went wrong."""
        return not (self.lost or self.extra or self.faults)


def require(condition: object, what: str) -> None:
    """Return if `condition` holds.

    Raises:
        ScenarioError: it does not; `what` says what should have been.
    """
    if not condition:
        raise ScenarioError(what)
