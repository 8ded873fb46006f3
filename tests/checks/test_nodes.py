import pytest

from pipeline.checks.nodes import clock_of


@pytest.mark.parametrize(
    ("ahead_s", "uncertain_s", "status", "found"),
    [
        (0.4, 0.002, "ok", "0.400 s ahead of this machine, ± 0.002 s"),
        (-1.5, 0.002, "warning", "1.500 s behind this machine, ± 0.002 s"),
        (1.5, 0.600, "ok", "1.500 s ahead of this machine, ± 0.600 s"),
        (-61, 0.002, "failure", "61.000 s behind this machine, ± 0.002 s"),
    ],
)
def test_a_clock_is_judged_by_what_is_certain(
    ahead_s: float, uncertain_s: float, status: str, found: str
) -> None:
    """More than a second is a warning, more than a minute a failure, less what the round trip hides."""
    finding = clock_of("10.0.0.1", ahead_s, uncertain_s)
    assert (finding.status, finding.found) == (status, found)
