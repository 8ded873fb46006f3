"""measurements.csv: one line a repeat, for people, spreadsheets and later comparisons."""

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import ResultsError, abbreviated
from pipeline.files import write_text
from pipeline.measure.experiment.measurement import LATENCY_KINDS, Cell, LatencyKind, Repeat
from pipeline.requests.latencies import Latencies


def write_measurements(path: Path, repeats: Sequence[Repeat]) -> None:
    """Write one line for each repeat, in the given order, atomically.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
        ResultsError: a repeat's histogram is damaged.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_line(timed) for timed in repeats)
    write_text(path, text.getvalue())


def read_measurements(path: Path) -> list[Repeat]:
    """Return the repeats of a measurements.csv, in its order, their `latencies` empty.

    Times are exact, CPU seconds are rounded, `began_at_s` is to the microsecond. The file has only
    percentiles of the latencies: their histograms are in the log.

    Raises:
        ResultsError: the file is missing, cut short, or has an impossible line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ResultsError(f"cannot read {path}: {reason}; name the folder of a finished report") from error
    lines = _fields(path, text)
    _, header = next(lines, (1, []))
    if tuple(header) != COLUMNS:
        raise ResultsError(
            f"{path}:1: the columns are {abbreviated(','.join(header))!r}, not those that this version "
            "writes; measure again with it"
        )
    repeats: dict[tuple[Cell, int], Repeat] = {}
    for at, fields in lines:
        timed = _repeat(f"{path}:{at}", fields)
        if repeats.setdefault((timed.cell, timed.repeat), timed) is not timed:
            raise ResultsError(
                f"{path}:{at}: repeat {timed.repeat} of {timed.cell} is there twice; {_REMEDY}"
            )
    if not repeats or not text.endswith("\n"):
        raise ResultsError(f"{path}: it ends too early, after {len(repeats)} repeats; {_REMEDY}")
    return list(repeats.values())


def _fields(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each line's number and fields."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in lines:
            yield lines.line_num, fields
    except csv.Error as error:
        raise ResultsError(f"{path}:{lines.line_num}: it is no CSV: {error}; {_REMEDY}") from error


def _line(timed: Repeat) -> list[str]:
    latencies = Latencies.decode(timed.latencies)
    return [column.write(timed, latencies) for column in _COLUMNS.values()]


def _repeat(at: str, line: Sequence[str]) -> Repeat:
    if len(line) != len(COLUMNS):
        raise ResultsError(f"{at}: {len(line)} fields in place of {len(COLUMNS)}; {_REMEDY}")
    field: dict[str, Any] = {}
    for column, text in zip(COLUMNS, line, strict=True):
        try:
            field[column] = _COLUMNS[column].read(text)
        except (ValueError, KeyError) as error:
            raise ResultsError(f"{at}: {column} cannot be {abbreviated(text)!r}; {_REMEDY}") from error
    server_cpu_us = field["server_cpu_us_per_row"]
    return Repeat(
        cell=Cell(**{name: field[name] for name in ("contender", "latency_kind", "latency_s", "in_flight")}),
        **{name: field[name] for name in ("repeat", "reactor", "patched", "rows", "requests", "elapsed_s")},
        client_cpu_s=field["client_cpu_us_per_row"] * field["rows"] / 1e6,
        server_cpu_s=None if server_cpu_us is None else server_cpu_us * field["rows"] / 1e6,
        latencies="",
        began_at_s=field["began_at"],
    )


def _kind(text: str) -> LatencyKind:
    [kind] = [kind for kind in LATENCY_KINDS if kind == text]
    return kind


def _number(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(value)
    return value


def _positive(text: str) -> float:
    if (value := _number(text)) == 0:
        raise ValueError(value)
    return value


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError(value)
    return value


def _moment(text: str) -> float:
    if (value := datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError(value)
    return value.timestamp()


def _quantile(share: float) -> Callable[[Repeat, Latencies], str]:
    return lambda _, latencies: f"{latencies.quantile_s(share):.6g}"


def _server_cpu_us(timed: Repeat, _: Latencies) -> str:
    return "" if timed.server_cpu_s is None else repr(1e6 * timed.server_cpu_s / timed.rows)


def _began_at(timed: Repeat, _: Latencies) -> str:
    return f"{datetime.fromtimestamp(timed.began_at_s, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


class _Column(NamedTuple):
    """A column: how it is written from a repeat and its latencies, and how it is read."""

    write: Callable[[Repeat, Latencies], str]
    read: Callable[[str], Any]


_COLUMNS: Mapping[str, _Column] = {
    "contender": _Column(lambda timed, _: timed.cell.contender, str),
    "latency_kind": _Column(lambda timed, _: timed.cell.latency_kind, _kind),
    "latency_s": _Column(lambda timed, _: repr(timed.cell.latency_s), _number),
    "in_flight": _Column(lambda timed, _: str(timed.cell.in_flight), _count),
    "repeat": _Column(lambda timed, _: str(timed.repeat), int),
    "reactor": _Column(lambda timed, _: timed.reactor, str),
    "patched": _Column(
        lambda timed, _: str(timed.patched).lower(), {"true": True, "false": False}.__getitem__
    ),
    "rows": _Column(lambda timed, _: str(timed.rows), _count),
    "requests": _Column(lambda timed, _: str(timed.requests), _count),
    "elapsed_s": _Column(lambda timed, _: repr(timed.elapsed_s), _positive),
    "rows_per_s": _Column(lambda timed, _: f"{timed.rows / timed.elapsed_s:.6g}", _positive),
    "p50_s": _Column(_quantile(0.5), _number),
    "p99_s": _Column(_quantile(0.99), _number),
    "p999_s": _Column(_quantile(0.999), _number),
    "client_cpu_us_per_row": _Column(lambda timed, _: repr(1e6 * timed.client_cpu_s / timed.rows), _number),
    "server_cpu_us_per_row": _Column(_server_cpu_us, lambda text: _number(text) if text else None),
    "began_at": _Column(_began_at, _moment),
}

COLUMNS = tuple(_COLUMNS)
"""The columns; an empty server_cpu_us_per_row: its processes were out of sight; began_at: UTC, ISO 8601."""

_REMEDY = "restore the file from where it was copied, or measure again"
