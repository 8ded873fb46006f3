"""Runs of many nights, as the tests of a history need them."""

import datetime as dt
import random
from dataclasses import replace

from pipeline.runs.summary import FAILED, MISSING, RunSummary
from tests.harness.runs import loaded, verified

FIRST, TODAY = dt.date(2026, 9, 1), dt.date(2026, 11, 28)
SHORT, SLOW, BROKEN, LATE, NEVER, ABSENT = (dt.date(2026, 10, day) for day in (5, 11, 17, 21, 25, 29))


def nights(table: str = "orders") -> list[RunSummary]:
    """Return the runs of a table's nights, each a load and its verification, six of them unlike others.

    SHORT has a tenth of the rows, SLOW takes ten times as long, BROKEN fails twice, LATE comes with the
    second run, NEVER's input is missing, and ABSENT has no run.
    """
    drawn = random.Random(table)  # noqa: S311 - no secret
    found: list[RunSummary] = []
    for days in range((TODAY - FIRST).days):
        date = FIRST + dt.timedelta(days=days)
        rows, rate = round(drawn.gauss(1_000_000, 20_000)), drawn.gauss(50_000, 1_500)
        rows = rows // 10 if date == SHORT else rows
        rate = rate / 10 if date == SLOW else rate
        at_s = dt.datetime.combine(date, dt.time(2), dt.UTC).timestamp()
        load = loaded(
            run_id=f"{date}-2-load",
            table=table,
            date=date,
            input=f"drop/{date}/*.csv",
            started_at_s=at_s + 600,
            rows_read=rows,
            rows_acknowledged=rows,
            rows_bad=0,
            rows_per_s=rate,
            seconds=rows / rate + 1.5,
        )
        nothing = replace(load, rows_read=None, rows_acknowledged=None, rows_bad=None, rows_per_s=None)
        first = replace(nothing, run_id=f"{date}-1", started_at_s=at_s, seconds=3.0)
        error = "cannot connect to 10.0.0.7:9042: <refused> & given up"
        if date == BROKEN:
            found += [replace(first, outcome=FAILED, error=error)]
            found += [replace(nothing, outcome=FAILED, error=error)]
        elif date == NEVER:
            found += [replace(first, outcome=MISSING, error="the input is not there")]
        elif date != ABSENT:
            if date == LATE:
                found += [replace(first, outcome=MISSING, error="the input is not there")]
            found += [load]
            found += [
                replace(
                    verified(),
                    run_id=f"{date}-3",
                    table=table,
                    date=date,
                    input=load.input,
                    started_at_s=load.started_at_s + 60,
                )
            ]
    return found
