from pathlib import Path

import pytest

from pipeline.runs.lastruns import LastRuns, read_last_runs, write_last_runs
from pipeline.runs.summary import FAILED, MISSING
from tests.harness.runs import STARTED_AT_S, loaded, verified

NONE = LastRuns(keyspace="shop", table="orders")


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    """The last load and the last verification come back whole, with how long requests took."""
    last = NONE.with_run(loaded()).with_run(verified())
    write_last_runs(tmp_path, last)
    assert read_last_runs(tmp_path, "shop", "orders") == last
    assert read_last_runs(tmp_path, "shop", "others") == LastRuns(keyspace="shop", table="others")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"load": {"a": 1}}', "\x00"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: str) -> None:
    """The metrics of a table begin anew where its file is damaged; the run does not fail."""
    write_last_runs(tmp_path, NONE)
    [file] = (tmp_path / "runs").iterdir()
    file.write_text(content, encoding="utf-8")
    assert read_last_runs(tmp_path, "shop", "orders") == NONE


def test_a_missing_input_is_known_until_something_else_happens() -> None:
    """It is known for its day and its name; after another run it is news again."""
    missing = loaded(outcome=MISSING)
    last = NONE.with_run(missing)
    assert last.says(missing)
    assert not NONE.says(missing)
    assert not last.says(loaded(outcome=MISSING, input="other"))
    assert not last.says(loaded(outcome=FAILED))
    assert not last.with_run(loaded(outcome=FAILED)).says(missing)
    assert last.with_run(verified()).says(missing)


def test_each_kind_has_its_own_success() -> None:
    """A failed verification leaves the success of the load, and the other way round."""
    last = NONE.with_run(loaded()).with_run(verified(outcome=FAILED))
    assert last.succeeded_at_s == {"load": STARTED_AT_S + 6.5}
    assert last.of_kind(verified()) == verified(outcome=FAILED)
    assert last.of_kind(loaded()) == loaded()
