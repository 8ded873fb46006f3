import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.history.nights import ABSENT as ABSENT_STATE
from pipeline.history.nights import Night, histories
from pipeline.history.standingout import LEAST_VALUES, spread_of, stands_out
from pipeline.history.writing import HISTORY_CSV, HISTORY_PAGE, write_history
from pipeline.runs.summary import FAILED, LOADED, MISSING, VERIFIED, RunSummary
from tests.harness.nights import ABSENT, BROKEN, FIRST, LATE, NEVER, SHORT, SLOW, TODAY, nights
from tests.harness.runs import loaded, verified

DAY = dt.timedelta(days=1)


def by_date(runs: list[RunSummary], *scheduled: str, today: dt.date = TODAY) -> dict[dt.date, Night]:
    """Return the nights of one table by their days."""
    [history] = histories(runs, scheduled=scheduled, today=today)
    return {night.date: night for night in history.nights}


def test_each_unlike_night_is_found_and_no_other() -> None:
    """Of 88 nights those that failed, lack their input, lack a run or stand out are the five that do."""
    found = by_date(nights(), "shop.orders")
    assert len(found) == (TODAY - FIRST).days == 88
    states = {date: night.state for date, night in found.items() if night.is_troubled}
    assert states == {BROKEN: FAILED, NEVER: MISSING, ABSENT: ABSENT_STATE}
    assert {date for date, night in found.items() if night.stands_out} == {SHORT, SLOW}
    assert stands_out(found[SHORT].rows_score)
    assert not stands_out(found[SLOW].rows_score)
    assert stands_out(found[SLOW].seconds_score)
    assert (found[LATE].state, found[LATE].attempts, found[LATE].failures) == (VERIFIED, 3, 0)
    assert (found[BROKEN].attempts, found[BROKEN].failures) == (2, 2)
    assert "10.0.0.7" in found[BROKEN].error


def test_only_a_scheduled_table_has_absent_days() -> None:
    """A day without a run is absent where the table is scheduled, from its first run to yesterday."""
    runs = [loaded(run_id=f"{days}", date=FIRST + days * DAY) for days in (0, 2)]
    assert list(by_date(runs, today=FIRST + 4 * DAY)) == [FIRST, FIRST + 2 * DAY]
    found = by_date(runs, "shop.orders", today=FIRST + 4 * DAY)
    states = [LOADED, ABSENT_STATE, LOADED, ABSENT_STATE]
    assert [night.state for night in found.values()] == states
    assert list(found) == [FIRST + days * DAY for days in range(4)]


@pytest.mark.parametrize(
    ("runs", "state", "rows"),
    [
        ([loaded(outcome=FAILED, rows_read=None), loaded()], LOADED, 1000),
        ([loaded(), loaded(outcome=FAILED, rows_read=None)], FAILED, 1000),
        ([loaded(), verified()], VERIFIED, 1000),
        ([loaded(), verified(outcome=FAILED)], FAILED, 1000),
        ([verified(outcome=FAILED, started_at_s=1.0), loaded()], LOADED, 1000),
        ([loaded(outcome=MISSING, rows_read=None), loaded(), loaded(input="b", rows_read=5)], LOADED, 1005),
        ([loaded(), loaded(input="b", outcome=MISSING, rows_read=None)], MISSING, 1000),
        ([loaded(), loaded(rows_read=7)], LOADED, 7),
    ],
)
def test_a_night_is_what_its_last_runs_are(runs: list[RunSummary], state: str, rows: int) -> None:
    """The last run of each input counts; a verification counts for the load before it."""
    [night] = by_date([replace(run, run_id=f"{at}") for at, run in enumerate(runs)]).values()
    assert (night.state, night.rows) == (state, rows)
    assert night.attempts == len(runs)


def test_scores_are_those_of_the_definition() -> None:
    """Z = 0.6745 (value - median) / MAD; one far value does not hide itself, as it would from a mean."""
    values = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 1000.0]
    spread = spread_of(values)
    assert spread is not None
    assert spread.middle == 13.5
    assert spread.score(1000.0) == pytest.approx(0.6745 * (1000 - 13.5) / 2.0)
    assert [value for value in values if stands_out(spread.score(value))] == [1000.0]
    assert spread.low == pytest.approx(max(0.0, 13.5 - 3.5 * 2.0 / 0.6745))


def test_equal_values_have_a_spread_too() -> None:
    """If most values are equal, the mean deviation judges the other; if all are, none stands out."""
    one = spread_of([1000.0] * 20 + [990.0])
    assert one is not None
    assert stands_out(one.score(990.0))
    none = spread_of([1000.0] * 20)
    assert none is not None
    assert none.score(1000.0) == 0


def test_few_nights_have_no_scores() -> None:
    """Below the least number of values, nothing is said to stand out."""
    assert spread_of([1.0] * (LEAST_VALUES - 1)) is None
    assert spread_of([1.0] * LEAST_VALUES) is not None
    assert not stands_out(None)


def test_the_same_nights_give_the_same_files(tmp_path: Path) -> None:
    """Both files have the same bytes again, and the CSV file has a line for each night."""
    found = histories(nights(), scheduled={"shop.orders"}, today=TODAY)
    texts = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        write_history(folder, found, first=FIRST, last=TODAY, source="From here.")
        texts.append([(folder / name).read_bytes() for name in (HISTORY_CSV, HISTORY_PAGE)])
    assert texts[0] == texts[1]
    with (tmp_path / "a" / HISTORY_CSV).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 88
    assert {row["date"] for row in rows if row["stands_out"] == "true"} == {f"{SHORT}", f"{SLOW}"}


def test_what_a_table_or_an_error_is_called_is_escaped(tmp_path: Path) -> None:
    """Nothing that a run brings along is taken for HTML."""
    run = loaded(outcome=FAILED, rows_read=None, error="<script>alert(1)</script>", keyspace="<b>")
    found = histories([run], scheduled=(), today=TODAY)
    write_history(tmp_path, found, first=FIRST, last=TODAY, source="From here.")
    page = (tmp_path / HISTORY_PAGE).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)" in page
