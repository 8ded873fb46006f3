"""What the page's tables say: rows of text, ready to be laid out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.measure.experiment.knee import Advice
from pipeline.measure.experiment.measurement import LatencyKind
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
    """What a place says, and an aside in small letters; one that spans several has words for all of them."""

    text: str
    aside: str = ""
    span: int = 1


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a row is about, and its entries."""

    name: str
    entries: Sequence[Entry]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows by the title that stands above them, which is empty where there is one kind of rows only.

    The first column is that of the rows' names. `groups` are headings above all other columns, each with
    how many it spans. Numbers stand at the right of their column, words at the left.
    """

    caption: str
    columns: Sequence[str]
    bodies: Mapping[str, Sequence[Row]]
    groups: Sequence[tuple[str, int]] = ()
    holds_words: bool = False


def contenders_table(
    kind: LatencyKind, latency_s: float, cells: Sequence[CellSummary], all_rows: int
) -> Table:
    """Return the cells of one latency; those that wrote fewer than all rows say so."""
    return Table(
        caption=f"{milliseconds(latency_s)} {KINDS[kind]}",
        groups=(
            ("cell", 2),
            ("time, s", 2),
            ("speed", 1),
            ("floor", 2),
            ("a request, ms", 3),
            ("Little's law", 2),
            ("CPU, µs a row", 2),
        ),
        columns=(
            "contender",
            "in flight",
            "n",
            "median",
            "95 % interval",
            "rows/s",
            "s",
            "x floor",
            "p50",
            "p99",
            "p99.9",
            "s",
            "error",
            "client",
            "server",
        ),
        bodies={"": [_contender(cell, all_rows) for cell in cells]},
    )


def kinds_table(cells: Sequence[CellSummary]) -> Table | None:
    """Return sleep beside network, for the cells that were measured with both; None if there are none."""
    kinds = {(cell.setup.latency_kind, _place(cell)): cell for cell in cells}
    bodies: dict[str, list[Row]] = {}
    for (kind, place), network in kinds.items():
        if kind == "network" and (sleep := kinds.get(("sleep", place))):
            bodies.setdefault(milliseconds(network.setup.latency_s), []).append(_beside(sleep, network))
    if not bodies:
        return None
    return Table(
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


def advice_table(advice: Sequence[Advice]) -> Table:
    """Return each advice as a row."""
    return Table(
        caption="The smallest Pool that is close to the best",
        columns=("write", "latency", "Pool size", "95 % interval", "rows/s"),
        bodies={
            "": [
                Row(
                    name=each.method,
                    entries=[
                        Entry(milliseconds(each.latency_s)),
                        Entry(f"{each.pool_size}"),
                        Entry(f"{each.low} to {each.high}"),
                        Entry(number(each.rows_per_s)),
                    ],
                )
                for each in advice
            ]
        },
    )


def processes_table(cells: Sequence[CellSummary]) -> Table:
    """Return what each contender's process was."""
    processes = {cell.setup.contender: cell for cell in cells}
    return Table(
        caption="The contenders' processes",
        columns=("contender", "connection", "patched by gevent"),
        holds_words=True,
        bodies={
            "": [
                Row(name=name, entries=[Entry(cell.reactor), Entry("yes" if cell.patched else "no")])
                for name, cell in processes.items()
            ]
        },
    )


def facts_table(caption: str, facts: Mapping[str, Any]) -> Table:
    """Return facts as rows, those that belong together under their common name."""
    bodies: dict[str, list[Row]] = {"": []}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            bodies[_words(name)] = [_fact(part, of) for part, of in value.items()]
        else:
            bodies[""].append(_fact(name, value))
    known = {title: rows for title, rows in bodies.items() if rows}
    return Table(caption=caption, columns=("what", "value"), bodies=known, holds_words=True)


def _contender(cell: CellSummary, all_rows: int) -> Row:
    entries = [Entry(f"{cell.setup.in_flight}"), Entry(f"{cell.n}")]
    if cell.is_too_noisy:
        return Row(name=cell.setup.contender, entries=[*entries, Entry(doubt(cell), span=12)])
    elapsed, floor_s = cell.elapsed, cell.floor_s
    server_us = cell.server_cpu_us_a_row
    return Row(
        name=cell.setup.contender,
        entries=[
            *entries,
            Entry(number(elapsed.median), aside=f"of {cell.rows:,} rows" if cell.rows < all_rows else ""),
            Entry(interval(elapsed)),
            Entry(number(cell.rows_per_s)),
            Entry(exact(floor_s)),
            Entry(number(elapsed.median / floor_s) if floor_s else DASH),
            *(Entry(number(1e3 * took_s)) for took_s in (cell.p50_s, cell.p99_s, cell.p999_s)),
            Entry(number(cell.predicted_s)),
            Entry(percent(cell.prediction_error)),
            Entry(number(cell.client_cpu_us_a_row)),
            Entry("out of sight" if server_us is None else number(server_us)),
        ],
    )


def _beside(sleep: CellSummary, network: CellSummary) -> Row:
    entries = [*_time(sleep), *_time(network)]
    if sleep.is_too_noisy or network.is_too_noisy:
        entries += [Entry(DASH), Entry(DASH)]
    else:
        share = network.elapsed.median / network.rows / (sleep.elapsed.median / sleep.rows) - 1
        entries += [Entry(percent(share)), Entry(_apart(sleep, network))]
    return Row(name=network.setup.contender, entries=entries)


def _time(cell: CellSummary) -> Iterator[Entry]:
    if cell.is_too_noisy:
        yield Entry(doubt(cell), span=2)
    else:
        yield Entry(number(ROWS / cell.rows * cell.elapsed.median))
        yield Entry(interval(cell.elapsed, ROWS / cell.rows))


def _apart(one: CellSummary, other: CellSummary) -> str:
    lows = [cell.elapsed.low / cell.rows for cell in (one, other) if cell.elapsed.low is not None]
    highs = [cell.elapsed.high / cell.rows for cell in (one, other) if cell.elapsed.high is not None]
    if len(lows) < len((one, other)):
        return DASH
    return "overlap" if max(lows) <= min(highs) else "apart"


def _place(cell: CellSummary) -> tuple[str, float, int]:
    return cell.setup.contender, cell.setup.latency_s, cell.setup.in_flight


def _fact(name: str, value: object) -> Row:
    if isinstance(value, (list, tuple)):
        text = ", ".join(str(part) for part in value)
    elif name.endswith("_bytes") and isinstance(value, int):
        name, text = name.removesuffix("_bytes"), f"{value / 2**30:.1f} GiB"
    else:
        text = DASH if value is None else str(value)
    return Row(name=_words(name), entries=[Entry(text)])


def _words(name: str) -> str:
    words = re.sub(r"_s$", ", s", name)
    return words.replace("_", " ")
