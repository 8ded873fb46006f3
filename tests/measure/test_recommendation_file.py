"""The file of recommendations."""

from pathlib import Path

import pytest

from pipeline.errors import OutputError, SettingError
from pipeline.measure.experiment.recommendation import (
    read_recommendations,
    sentences,
    write_recommendations,
)
from tests.harness.experiments import recommended


def test_recommendation_reads_back(tmp_path: Path) -> None:
    """A file reads back as it was written, in order; each entry has its sentences as the reason."""
    recommendations = [recommended(0.1, 400), recommended(0, 20), recommended(0, 30, method="prepared")]
    path = tmp_path / "folder" / "recommendation.toml"
    write_recommendations(path, recommendations)
    assert read_recommendations(path) == recommendations
    text = path.read_text(encoding="utf-8")
    for each in recommendations:
        assert f'reason = "{" ".join(sentences(each))}"' in text


VALID = """
[[recommendation]]
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
            "recommendation 1: method is 'batch'; it must be one of create, prepared",
        ),
        ('method = "create"', "method = 3", "recommendation 1: method is 3, not a text"),
        ("pool_size = 50", "pool_size = 50.5", "recommendation 1: pool_size is 50.5, not a whole number"),
        ("pool_size = 50", "pool_size = true", "recommendation 1: pool_size is True, not a whole number"),
        ("pool_size = 50", "pool_sise = 50", "recommendation 1: pool_size is absent"),
        ("pool_size = 50", "pool_size = 500", "they must not fall"),
        ("low = 25", "low = 0", "they must not fall"),
        ("latency_s = 0", "latency_s = -1", "recommendation 1: latency_s is -1; it must be at least 0"),
        ("latency_s = 0", "latency_s = nan", "recommendation 1: latency_s is nan"),
        ("rows_per_s = 2000", "rows_per_s = inf", "recommendation 1: rows_per_s is inf"),
        ("rows_per_s = 2000", 'rows_per_s = "2000"', "recommendation 1: rows_per_s is '2000', not a number"),
        ("[[recommendation]]", "[[recommend]]", "has no [[recommendation]]"),
        ("[[recommendation]]", "[recommendation]", "has no [[recommendation]]"),
        (VALID, "recommendation = [1]", "recommendation 1: it is 1, not a table"),
        (VALID, "recommendation = []", "has no [[recommendation]]"),
        (VALID, 2 * VALID, "more than one recommendation for a method and latency"),
        (VALID, "recommendation =", "cannot read"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, before: str, after: str, wrong: str) -> None:
    """The error names the file, the entry, the mistake, and says what to do."""
    path = tmp_path / "recommendation.toml"
    path.write_text(VALID.replace(before, after), encoding="utf-8")
    with pytest.raises(SettingError) as refused:
        read_recommendations(path)
    message = str(refused.value)
    assert str(path) in message
    assert wrong in message
    assert message.endswith("; measure again, or restore the file")


def test_a_file_by_hand_is_read(tmp_path: Path) -> None:
    """Whole numbers are valid for seconds and rows/s, and a reason is optional."""
    path = tmp_path / "recommendation.toml"
    path.write_text(VALID, encoding="utf-8")
    [recommendations] = read_recommendations(path)
    assert (
        recommendations.method,
        recommendations.latency_s,
        recommendations.pool_size,
        recommendations.rows_per_s,
    ) == ("create", 0, 50, 2000)


def test_a_file_that_cannot_be_read_or_written_says_so(tmp_path: Path) -> None:
    """An absent file, a file that is not text, and an impossible folder are errors with the path."""
    absent = tmp_path / "absent.toml"
    with pytest.raises(SettingError, match=r"cannot read .*absent.toml: No such file"):
        read_recommendations(absent)
    absent.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match=r"cannot read .*absent.toml"):
        read_recommendations(absent)
    with pytest.raises(OutputError, match=r"absent.toml"):
        write_recommendations(absent / "recommendation.toml", [recommended(0, 1)])
