import pytest

from pipeline.checks.replication import needs_of

TWO = {"east": 3, "west": 5}


@pytest.mark.parametrize(
    ("level", "copies", "datacentre", "needs"),
    [
        ("ONE", {"": 3}, "", [("", 1)]),
        ("TWO", TWO, "east", [("", 2)]),
        ("QUORUM", {"": 3}, "", [("", 2)]),
        ("QUORUM", TWO, "east", [("", 5)]),
        ("ALL", TWO, "east", [("", 8)]),
        ("LOCAL_QUORUM", {"": 4}, "east", [("", 3)]),
        ("LOCAL_QUORUM", TWO, "west", [("west", 3)]),
        ("LOCAL_QUORUM", TWO, "", [("east", 2), ("west", 3)]),
        ("LOCAL_ONE", TWO, "east", [("east", 1)]),
        ("EACH_QUORUM", TWO, "east", [("east", 2), ("west", 3)]),
    ],
)
def test_a_level_needs_replicas(
    level: str, copies: dict[str, int], datacentre: str, needs: list[tuple[str, int]]
) -> None:
    """Each level needs as many replicas as Cassandra waits for; without a datacentre, those of each."""
    assert list(needs_of(level, copies, datacentre)) == needs
