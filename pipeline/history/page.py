"""The history as one page that needs no other file, no network and no script."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.history.nights import ABSENT, Night, TableHistory
from pipeline.history.plots import plot_nights
from pipeline.history.standingout import LEAST_VALUES, MOST_Z, stands_out
from pipeline.measure.reporting.page import inline, templates
from pipeline.measure.reporting.tables import Entry, PageTable, TableRow
from pipeline.measure.reporting.wording import DASH, number
from pipeline.runs.summary import FAILED, MISSING


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What the page has of one table."""

    id: str
    name: str
    sentence: str
    notable: PageTable | None
    plot: str
    nights: PageTable


def render(histories: Sequence[TableHistory], *, first: dt.date, last: dt.date, source: str) -> str:
    """Return the page as HTML, with all text escaped; the same nights give the same page.

    The nights are those from `first` to `last`; `source` says in a sentence where they are from.
    """
    parts = [_part(at, history) for at, history in enumerate(histories)]
    return (
        templates(Path(__file__).parent)
        .get_template("history.html")
        .render(
            title=f"Loads from {_day(first)} to {_day(last)}",
            summary=_summary(histories, source),
            sections={**{part.id: part.name for part in parts}, "method": "How to read it", "files": "Files"},
            parts=parts,
            most_z=MOST_Z,
            least_values=LEAST_VALUES,
        )
    )


def _summary(histories: Sequence[TableHistory], source: str) -> str:
    nights = [night for history in histories for night in history.nights]
    troubled = sum(night.is_troubled for night in nights)
    unusual = sum(night.stands_out for night in nights)
    tables = f"{len(histories)} table{'' if len(histories) == 1 else 's'}"
    return (
        f"{tables}, {_nights(len(nights))}: {_nights(troubled)} without rows as they should be, "
        f"{_nights(unusual)} that stand out. {source}"
    )


def _day(date: dt.date) -> str:
    """Return a day in words that stay on one line."""
    return f"{date:%-d %b %Y}".replace(" ", "\N{NO-BREAK SPACE}")


def _nights(count: int) -> str:
    return f"{count:,} night{'' if count == 1 else 's'}"


def _part(at: int, history: TableHistory) -> _Part:
    nights = list(reversed(history.nights))
    notable = [night for night in nights if night.is_troubled or night.stands_out or night.failures]
    id_ = f"t{at}-{re.sub(r'[^a-z0-9]+', '-', history.table.lower())}"
    title = f"{history.table}: rows, seconds and rows a second of each night"
    return _Part(
        id=id_,
        name=history.table,
        sentence=_sentence(history),
        notable=_notable_table(history.table, notable) if notable else None,
        plot=inline(plot_nights(history), name=id_, title=title),
        nights=_nights_table(history.table, nights),
    )


def _sentence(history: TableHistory) -> str:
    whole = [night for night in history.nights if not night.is_troubled]
    said = f"{len(whole)} of {_nights(len(history.nights))} ended well."
    if history.rows and history.seconds:
        said += (
            f" Half of them have at most {history.rows.middle:,.0f} rows, and take at most "
            f"{number(history.seconds.middle)} s."
        )
    return said


def _notable_table(table: str, nights: Sequence[Night]) -> PageTable:
    return PageTable(
        caption=f"{table}: nights to look at",
        columns=("day", "state", "what"),
        holds_words=True,
        bodies={
            "": [
                TableRow(name=f"{night.date}", entries=[Entry(night.state), Entry(_what(night))])
                for night in nights
            ]
        },
    )


def _what(night: Night) -> str:
    said = []
    if night.state == MISSING:
        said.append("the input did not come")
    if night.state == ABSENT:
        said.append("no run was for this day")
    if night.state == FAILED or night.failures:
        said.append(f"{night.failures} of {night.attempts} runs failed: {night.error}")
    if stands_out(night.rows_score):
        said.append(f"{night.rows:,} rows, {_apart(night.rows_score)}")
    if stands_out(night.seconds_score):
        said.append(f"{number(night.seconds or 0.0)} s, {_apart(night.seconds_score)}")
    return "; ".join(said)


def _apart(score: float | None) -> str:
    """Return where a value lies; one that stands out has a score."""
    known = score or 0.0
    return f"{'more' if known > 0 else 'less'} than usual (z = {known:+.1f})"


def _nights_table(table: str, nights: Sequence[Night]) -> PageTable:
    return PageTable(
        caption=f"{table}: every night, the newest first",
        columns=("day", "state", "runs", "failed", "rows", "z", "bad", "s", "z", "rows/s"),
        groups=(("outcome", 3), ("rows", 3), ("time", 3)),
        bodies={"": [TableRow(name=f"{night.date}", entries=_entries(night)) for night in nights]},
    )


def _entries(night: Night) -> list[Entry]:
    return [
        Entry(night.state),
        Entry(f"{night.attempts}"),
        Entry(f"{night.failures}" if night.failures else DASH),
        Entry(DASH if night.rows is None else f"{night.rows:,}"),
        Entry(_score(night.rows_score)),
        Entry(f"{night.bad:,}" if night.bad else DASH),
        Entry(DASH if night.seconds is None else number(night.seconds)),
        Entry(_score(night.seconds_score)),
        Entry(DASH if night.rows_per_s is None else number(night.rows_per_s)),
    ]


def _score(score: float | None) -> str:
    return DASH if score is None else f"{score + 0.0:+.1f}"
