"""The runs of a ledger, put together as nights: what became of one day's batch for one table."""

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.history.standingout import Spread, spread_of, stands_out
from pipeline.runs.summary import FAILED, LOADED, MISSING, VERIFIED, RunSummary

ABSENT = "absent"
"""The state of a scheduled day that no run was for."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """One day's batch for one table.

    `state` is the worst of its inputs' states after their last runs: `failed`, `missing`, `absent` for a
    scheduled day without a run, else `loaded` or `verified`. `attempts` counts runs, `failures` those that
    failed. Rows, bad rows and seconds are sums over the inputs that are loaded, each by its last successful
    load; None if there is none. The scores say how far rows and seconds lie from those of the table's other
    nights.
    """

    table: str
    date: dt.date
    state: str
    attempts: int = 0
    failures: int = 0
    rows: int | None = None
    bad: int | None = None
    seconds: float | None = None
    rows_per_s: float | None = None
    rows_score: float | None = None
    seconds_score: float | None = None
    error: str = ""

    @property
    def is_troubled(self) -> bool:
        """Whether its rows are not in the table as they should be."""
        return self.state in {FAILED, MISSING, ABSENT}

    @property
    def stands_out(self) -> bool:
        """Whether its rows or its seconds are unlike those of other nights."""
        return stands_out(self.rows_score) or stands_out(self.seconds_score)


@dataclass(frozen=True, kw_only=True)
class TableHistory:
    """The nights of a table, the oldest first, and the spread of what they have; None for too few nights."""

    table: str
    nights: Sequence[Night]
    rows: Spread | None
    seconds: Spread | None
    rows_per_s: Spread | None


def histories(
    runs: Iterable[RunSummary], *, scheduled: Collection[str], today: dt.date
) -> list[TableHistory]:
    """Return the history of each table that has runs, by the tables' names.

    `scheduled` are names of tables, `keyspace.table`, that are loaded each day: from the first day with a run
    to yesterday, a day without one is absent.
    """
    by_table = sorted(runs, key=lambda run: (run.table_name, run.date, run.input, run.run_id))
    return [
        _history(table, list(of_table), is_scheduled=table in scheduled, today=today)
        for table, of_table in itertools.groupby(by_table, key=lambda run: run.table_name)
    ]


def _history(table: str, runs: Sequence[RunSummary], *, is_scheduled: bool, today: dt.date) -> TableHistory:
    nights = [
        _night(table, date, list(of_date))
        for date, of_date in itertools.groupby(runs, key=lambda run: run.date)
    ]
    if is_scheduled:
        nights = sorted([*nights, *_absent(nights, today)], key=lambda night: night.date)
    whole = [night for night in nights if not night.is_troubled]
    rows = spread_of([night.rows for night in whole if night.rows is not None])
    seconds = spread_of([night.seconds for night in whole if night.seconds is not None])
    rates = spread_of([night.rows_per_s for night in whole if night.rows_per_s is not None])
    return TableHistory(
        table=table,
        nights=[night if night.is_troubled else _scored(night, rows, seconds) for night in nights],
        rows=rows,
        seconds=seconds,
        rows_per_s=rates,
    )


def _absent(nights: Sequence[Night], today: dt.date) -> Iterator[Night]:
    known = {night.date for night in nights}
    for days in range((today - min(known)).days):
        date = min(known) + dt.timedelta(days=days)
        if date not in known:
            yield Night(table=nights[0].table, date=date, state=ABSENT, error="no run was for this day")


def _scored(night: Night, rows: Spread | None, seconds: Spread | None) -> Night:
    return replace(
        night,
        rows_score=rows.score(night.rows) if rows and night.rows is not None else None,
        seconds_score=seconds.score(night.seconds) if seconds and night.seconds is not None else None,
    )


def _night(table: str, date: dt.date, runs: Sequence[RunSummary]) -> Night:
    by_input = [list(of_input) for _, of_input in itertools.groupby(runs, key=lambda run: run.input)]
    last = [run for of_input in by_input for run in _last_of_each_kind(of_input)]
    troubled = [run for state in (FAILED, MISSING) for run in last if run.outcome == state]
    states = {run.outcome for run in last}
    loads = [run for of_input in by_input if (run := _last_load(of_input))]
    rates_s = [run.rows_read / run.rows_per_s for run in loads if run.rows_read and run.rows_per_s]
    rows = sum(run.rows_read or 0 for run in loads) if loads else None
    return Night(
        table=table,
        date=date,
        state=troubled[0].outcome if troubled else VERIFIED if VERIFIED in states else LOADED,
        attempts=len(runs),
        failures=sum(run.outcome == FAILED for run in runs),
        rows=rows,
        bad=sum(run.rows_bad or 0 for run in loads) if loads else None,
        seconds=sum(run.seconds for run in loads) if loads else None,
        rows_per_s=rows / sum(rates_s) if rows and rates_s else None,
        error=next((run.error for run in [*troubled, *reversed(runs)] if run.error), ""),
    )


def _last_of_each_kind(runs: Sequence[RunSummary]) -> Iterator[RunSummary]:
    """Yield the last load of an input and its last verification, if it is of that load."""
    load = next((run for run in reversed(runs) if not run.is_verification), None)
    verification = next((run for run in reversed(runs) if run.is_verification), None)
    if load:
        yield load
    if verification and (not load or verification.started_at_s >= load.started_at_s):
        yield verification


def _last_load(runs: Sequence[RunSummary]) -> RunSummary | None:
    return next((run for run in reversed(runs) if run.outcome == LOADED), None)
