"""The tables of the page, as rows of text."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.measure.experiment.measurement import LatencyKind
from pipeline.measure.experiment.recommendation import Recommendation
from pipeline.measure.experiment.statistics import CellSummary
from pipeline.measure.reporting.wording import (
    DASH,
    KINDS,
    ROWS,
    doubt,
    exact,
    interval,
    milliseconds,
    number,
    percent,
)


@dataclass(frozen=True)
class Entry:
    """A cell of a table: its text, an aside in small letters, and how many columns it spans."""

    text: str
    aside: str = ""
    span: int = 1


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """The name of a row, and its entries."""

    name: str
    entries: Sequence[Entry]


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """A table; `bodies` has the rows by the title above them, which is empty if there is only one body.

    The first column has the rows' names. `groups` are headings above the other columns, each with its span.
    Numbers are aligned right, words left.
    """

    caption: str
    columns: Sequence[str]
    bodies: Mapping[str, Sequence[TableRow]]
    groups: Sequence[tuple[str, int]] = ()
    holds_words: bool = False


def contenders_table(
    kind: LatencyKind, latency_s: float, summaries: Sequence[CellSummary], all_rows: int
) -> PageTable:
    """Return the cells of one latency; those that wrote fewer than all rows say so."""
    groups = itertools.groupby(column.group for column in _CONTENDER_COLUMNS)
    return PageTable(
        caption=f"{milliseconds(latency_s)} {KINDS[kind]}",
        groups=[(group, len(list(columns))) for group, columns in groups],
        columns=("contender", *(column.heading for column in _CONTENDER_COLUMNS)),
        bodies={"": [_contender(summary, all_rows) for summary in summaries]},
    )


def kinds_table(summaries: Sequence[CellSummary]) -> PageTable | None:
    """Return sleep beside network, for the cells that were measured with both; None without such cells."""
    kinds = {(summary.cell.latency_kind, _place(summary)): summary for summary in summaries}
    bodies: dict[str, list[TableRow]] = {}
    for (kind, place), network in kinds.items():
        if kind == "network" and (sleep := kinds.get(("sleep", place))):
            bodies.setdefault(milliseconds(network.cell.latency_s), []).append(_beside(sleep, network))
    if not bodies:
        return None
    return PageTable(
        caption=f"Seconds for {ROWS:,} rows, the same latency slept and added to the network",
        groups=(("slept", 2), ("network", 2), ("network beside slept", 2)),
        columns=(
            "contender",
            "median",
            "95 % interval",
            "median",
            "95 % interval",
            "difference",
            "intervals",
        ),
        bodies=bodies,
    )


def recommendations_table(recommendations: Sequence[Recommendation]) -> PageTable:
    """Return each recommendation as a row."""
    return PageTable(
        caption="The smallest Pool that is close to the best",
        columns=("write", "latency", "Pool size", "95 % interval", "rows/s"),
        bodies={
            "": [
                TableRow(
                    name=each.method,
                    entries=[
                        Entry(milliseconds(each.latency_s)),
                        Entry(f"{each.pool_size}"),
                        Entry(f"{each.low} to {each.high}"),
                        Entry(number(each.rows_per_s)),
                    ],
                )
                for each in recommendations
            ]
        },
    )


def processes_table(summaries: Sequence[CellSummary]) -> PageTable:
    """Return the connection class and the patching of each contender's process."""
    processes = {summary.cell.contender: summary for summary in summaries}
    return PageTable(
        caption="The contenders' processes",
        columns=("contender", "connection", "patched by gevent"),
        holds_words=True,
        bodies={
            "": [
                TableRow(
                    name=name, entries=[Entry(summary.reactor), Entry("yes" if summary.patched else "no")]
                )
                for name, summary in processes.items()
            ]
        },
    )


def facts_table(caption: str, facts: Mapping[str, Any]) -> PageTable:
    """Return facts as rows; nested facts are under their common name."""
    bodies: dict[str, list[TableRow]] = {"": []}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            bodies[_words(name)] = [_fact(part, of) for part, of in value.items()]
        else:
            bodies[""].append(_fact(name, value))
    known = {title: rows for title, rows in bodies.items() if rows}
    return PageTable(caption=caption, columns=("what", "value"), bodies=known, holds_words=True)


def _contender(summary: CellSummary, all_rows: int) -> TableRow:
    entries: list[Entry] = []
    for at, column in enumerate(_CONTENDER_COLUMNS):
        if column.is_timed and summary.is_too_noisy:
            entries.append(Entry(doubt(summary), span=len(_CONTENDER_COLUMNS) - at))
            break
        entries.append(column.entry(summary, all_rows))
    return TableRow(name=summary.cell.contender, entries=entries)


def _median(summary: CellSummary, all_rows: int) -> Entry:
    aside = f"of {summary.rows:,} rows" if summary.rows < all_rows else ""
    return Entry(number(summary.elapsed.median), aside=aside)


def _times_floor(summary: CellSummary) -> str:
    return number(summary.elapsed.median / summary.floor_s) if summary.floor_s else DASH


def _server_cpu(summary: CellSummary) -> str:
    server_us = summary.server_cpu_us_a_row
    return "out of sight" if server_us is None else number(server_us)


def _beside(sleep: CellSummary, network: CellSummary) -> TableRow:
    entries = [*_time(sleep), *_time(network)]
    if sleep.is_too_noisy or network.is_too_noisy:
        entries += [Entry(DASH), Entry(DASH)]
    else:
        share = network.elapsed.median / network.rows / (sleep.elapsed.median / sleep.rows) - 1
        entries += [Entry(percent(share)), Entry(_apart(sleep, network))]
    return TableRow(name=network.cell.contender, entries=entries)


def _time(summary: CellSummary) -> Iterator[Entry]:
    if summary.is_too_noisy:
        yield Entry(doubt(summary), span=2)
    else:
        yield Entry(number(ROWS / summary.rows * summary.elapsed.median))
        yield Entry(interval(summary.elapsed, ROWS / summary.rows))


def _apart(one: CellSummary, other: CellSummary) -> str:
    lows = [summary.elapsed.low / summary.rows for summary in (one, other) if summary.elapsed.low is not None]
    highs = [
        summary.elapsed.high / summary.rows for summary in (one, other) if summary.elapsed.high is not None
    ]
    if len(lows) < len((one, other)):
        return DASH
    return "overlap" if max(lows) <= min(highs) else "apart"


def _place(summary: CellSummary) -> tuple[str, float, int]:
    return summary.cell.contender, summary.cell.latency_s, summary.cell.in_flight


def _fact(name: str, value: object) -> TableRow:
    if isinstance(value, (list, tuple)):
        text = ", ".join(str(part) for part in value)
    elif name.endswith("_bytes") and isinstance(value, int):
        name, text = name.removesuffix("_bytes"), f"{value / 2**30:.1f} GiB"
    else:
        text = DASH if value is None else str(value)
    return TableRow(name=_words(name), entries=[Entry(text)])


def _words(name: str) -> str:
    words = re.sub(r"_s$", ", s", name)
    return words.replace("_", " ")


@dataclass(frozen=True)
class _Column:
    """A column of the contenders' table; one that `is_timed` is not shown of cells that are too noisy."""

    group: str
    heading: str
    entry: Callable[[CellSummary, int], Entry]
    is_timed: bool = True


def _text(write: Callable[[CellSummary], str]) -> Callable[[CellSummary, int], Entry]:
    return lambda summary, _: Entry(write(summary))


_CONTENDER_COLUMNS = (
    _Column("cell", "in flight", _text(lambda summary: f"{summary.cell.in_flight}"), is_timed=False),
    _Column("cell", "n", _text(lambda summary: f"{summary.n}"), is_timed=False),
    _Column("time, s", "median", _median),
    _Column("time, s", "95 % interval", _text(lambda summary: interval(summary.elapsed))),
    _Column("speed", "rows/s", _text(lambda summary: number(summary.rows_per_s))),
    _Column("floor", "s", _text(lambda summary: exact(summary.floor_s))),
    _Column("floor", "x floor", _text(_times_floor)),
    _Column("a request, ms", "p50", _text(lambda summary: number(1e3 * summary.p50_s))),
    _Column("a request, ms", "p99", _text(lambda summary: number(1e3 * summary.p99_s))),
    _Column("a request, ms", "p99.9", _text(lambda summary: number(1e3 * summary.p999_s))),
    _Column("Little's law", "s", _text(lambda summary: number(summary.predicted_s))),
    _Column("Little's law", "error", _text(lambda summary: percent(summary.prediction_error))),
    _Column("CPU, µs a row", "client", _text(lambda summary: number(summary.client_cpu_us_a_row))),
    _Column("CPU, µs a row", "server", _text(_server_cpu)),
)
"""In the order of the page; those of one group stand side by side. The last ones must be timed."""
