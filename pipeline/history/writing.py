"""The files of a history: `history.csv` and `history.html`."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pipeline.files import write_text
from pipeline.history.nights import Night, TableHistory

HISTORY_CSV, HISTORY_PAGE = "history.csv", "history.html"


def write_history(
    folder: Path, histories: Sequence[TableHistory], *, first: dt.date, last: dt.date, source: str
) -> None:
    """Write both files, the page last; the same nights give the same bytes.

    The nights are those from `first` to `last`; `source` says in a sentence where they are from.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    # Imported here, because it takes half a second or more and only a history needs it.
    from pipeline.history.page import render  # noqa: PLC0415

    write_text(folder / HISTORY_CSV, _csv_of([night for each in histories for night in each.nights]))
    write_text(folder / HISTORY_PAGE, render(histories, first=first, last=last, source=source))


def _csv_of(nights: Sequence[Night]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([*(field.name for field in fields(Night)), "stands_out"])
    for night in nights:
        writer.writerow(
            [
                *("" if value is None else value for value in asdict(night).values()),
                str(night.stands_out).lower(),
            ]
        )
    return written.getvalue()
