"""The ledger on this machine: `loads.csv`, to which the line of each run is appended."""

import csv
import dataclasses
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.errors import OutputError, ResultsError
from pipeline.files import unwritable
from pipeline.runs.summary import RunSummary

LOADS_CSV = "loads.csv"


def append_line(folder: Path, run: RunSummary) -> None:
    """Append a run's line to `loads.csv` in the output folder.

    Raises:
        OutputError: it cannot be written, has other columns, or the disk is full.
    """
    file = folder / LOADS_CSV
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{LOADS_CSV}.lock"), file.open("a+", encoding="utf-8", newline="") as text:
            text.seek(0)
            header = text.readline()
            if header and header.rstrip("\r\n") != _HEADER:
                raise OutputError(
                    f"{file} has other columns than {_HEADER}; move it away, to begin a new one"
                )
            text.write(("" if header else f"{_HEADER}\n") + _csv_line(run))
    except OSError as error:
        raise unwritable(file, error) from error


def read_lines(folder: Path) -> list[RunSummary]:
    """Return the runs of `loads.csv`, the oldest first; none if there is no such file.

    Raises:
        ResultsError: a line is damaged.
    """
    file = folder / LOADS_CSV
    if not file.exists():
        return []
    runs = []
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        for row in reader:
            try:
                runs.append(_from_texts(row))
            except (ValueError, TypeError, KeyError) as error:
                raise ResultsError(
                    f"{file}:{reader.line_num} is no line of a run: {error!r}; remove the line, or move the "
                    "file away"
                ) from error
    return runs


def _csv_line(run: RunSummary) -> str:
    written = io.StringIO()
    # All texts in quotes: before Python 3.13 a carriage return alone does not get those it needs.
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerow(
        _text_of(name, value) for name, value in _values_of(run).items()
    )
    return written.getvalue()


def _values_of(run: RunSummary) -> dict[str, Any]:
    return {name: getattr(run, name) for name in _COLUMNS}


def _text_of(name: str, value: Any) -> object:  # noqa: ANN401 - each column has its own type
    if name == "started_at_s":
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    if name in _MAPPINGS:
        return json.dumps(dict(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return f"{value}"
    return "" if value is None else value


def _from_texts(row: dict[str, str]) -> RunSummary:
    values: dict[str, Any] = {}
    for name, column in _COLUMNS.items():
        text = row[column]
        if name == "started_at_s":
            values[name] = datetime.fromisoformat(text).timestamp()
        elif name == "date":
            values[name] = date.fromisoformat(text)
        elif name in _MAPPINGS:
            values[name] = json.loads(text)
        elif name == "is_verification":
            values[name] = text == "true"
        elif name in _INTEGERS:
            values[name] = int(text) if text else None
        elif name in _NUMBERS:
            values[name] = float(text) if text else None
        else:
            values[name] = text
    return RunSummary(**values)


_MAPPINGS = ("retries", "step_seconds", "settings")
_NUMBERS = ("seconds", "rows_per_s")
_INTEGERS = ("rows_read", "rows_sent", "rows_acknowledged", "rows_bad", "rows_verified", "input_bytes")
_COLUMNS = {
    field.name: "started_at" if field.name == "started_at_s" else field.name
    for field in dataclasses.fields(RunSummary)
    if field.name != "requests"
}
"""The names of the fields and of their columns; how long requests took is in the metrics alone."""

_HEADER = ",".join(_COLUMNS.values())
