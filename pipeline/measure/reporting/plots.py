"""The experiment's plots: time against latency, how long requests take, throughput against pool size."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.errors import abbreviated
from pipeline.measure.experiment.measurement import LATENCY_KINDS, Cell, LatencyKind, Repeat
from pipeline.measure.experiment.recommendation import CLOSE_TO_BEST, find_pool_size
from pipeline.measure.experiment.statistics import CellSummary, by_cell
from pipeline.measure.reporting import drawing
from pipeline.measure.reporting.wording import KINDS, ROWS, doubt, milliseconds

_Point = tuple[float, float, float, float]
"""Where it lies, its median, and how far the median's interval reaches below and above it."""


@dataclass(frozen=True)
class _Line:
    label: str
    style: Mapping[str, Any]
    points: Sequence[_Point]

    @property
    def last(self) -> float:
        """The last value; -inf if there is nothing to draw."""
        known = [median for _, median, *_ in sorted(self.points) if not math.isnan(median)]
        return known[-1] if known else -math.inf


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot in its files `name`.png and `name`.svg: what it shows, and which cells it leaves out, if any."""

    name: str
    title: str
    left_out: str
    svg: str


def draw(
    folder: Path, main: Sequence[CellSummary], summaries: Sequence[CellSummary], repeats: Sequence[Repeat]
) -> list[Plot]:
    """Draw the plots of the cells, and one plot for each contender with several pool sizes.

    A plot is left out if all its cells are too noisy.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    names = list(dict.fromkeys(summary.cell.contender for summary in main))
    rates = {cell: [each.rows / each.elapsed_s for each in of] for cell, of in by_cell(repeats).items()}
    drawn: list[Plot] = []
    for kind in LATENCY_KINDS:
        of_kind = [summary for summary in main if summary.cell.latency_kind == kind]
        latencies_s = sorted({summary.cell.latency_s for summary in of_kind})
        if _sure(of_kind):
            drawn.append(plot_times(folder, kind, of_kind, names))
        for middle_s in latencies_s[len(latencies_s) // 2 :][:1]:
            at_middle = [summary for summary in of_kind if summary.cell.latency_s == middle_s]
            if _sure(at_middle):
                drawn.append(plot_percentiles(folder, kind, middle_s, at_middle))
        for name in names:
            swept = [
                summary
                for summary in summaries
                if (summary.cell.contender, summary.cell.latency_kind) == (name, kind)
            ]
            if _sure(swept) and len({summary.cell.in_flight for summary in swept}) > 1:
                drawn.append(plot_pool_sizes(folder, kind, name, swept, rates))
    return drawn


def plot_times(
    folder: Path, kind: LatencyKind, summaries: Sequence[CellSummary], names: Sequence[str]
) -> Plot:
    """Draw each contender's time against the injected latency; `names` are those of all plots, drawn or not.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    name, title = f"times_{kind}", f"Time against latency {KINDS[kind]}"
    with drawing.look(name):
        figure, axes = _begin(title, f"s for {ROWS:,} rows: median and 95 % interval")
        lines = [
            _Line(
                _label(contender),
                style,
                [_time(summary) for summary in summaries if summary.cell.contender == contender],
            )
            for contender, style in zip(names, drawing.styles(len(names)), strict=True)
        ]
        # The legend reads from top to bottom as the lines end.
        left_out = _draw(figure, axes, sorted(lines, key=lambda line: -line.last), summaries)
        latencies_s = sorted({summary.cell.latency_s for summary in summaries})
        least_s = min((latency_s for latency_s in latencies_s if latency_s), default=1.0)
        # A logarithmic axis has no 0; below the smallest latency this one is linear, down to 0.
        axes.set_xscale("symlog", linthresh=least_s, linscale=0.5)
        left_s = -0.25 * least_s if 0 in latencies_s else 0.7 * least_s
        axes.set_xlim(left_s, 1.5 * max(latencies_s[-1], least_s))
        drawing.mark(axes.xaxis, latencies_s, [f"{1e3 * latency_s:g}" for latency_s in latencies_s])
        axes.set_xlabel("injected latency, ms")
        return Plot(name=name, title=title, left_out=left_out, svg=drawing.save(figure, folder, name))


def plot_percentiles(
    folder: Path, kind: LatencyKind, latency_s: float, summaries: Sequence[CellSummary]
) -> Plot:
    """Draw the percentiles 50, 99 and 99.9 of each contender's request latencies, at one latency.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    name, title = f"percentiles_{kind}", f"How long requests take, {milliseconds(latency_s)} {KINDS[kind]}"
    with drawing.look(name):
        figure, axes = _begin(title, height_in=4.8)
        sure = _sure(summaries)
        rows = range(len(sure))
        for label, colour, marker, values_s in (
            ("p50", drawing.BLUE, "o", [summary.p50_s for summary in sure]),
            ("p99", drawing.VERMILION, "^", [summary.p99_s for summary in sure]),
            ("p99.9", drawing.BLACK, "D", [summary.p999_s for summary in sure]),
        ):
            values_ms = [1e3 * value_s for value_s in values_s]
            axes.plot(values_ms, rows, label=label, color=colour, marker=marker, linestyle="", zorder=3)
        axes.hlines(
            rows,
            [1e3 * summary.p50_s for summary in sure],
            [1e3 * summary.p999_s for summary in sure],
            color="#777777",
        )
        if latency_s:
            axes.axvline(1e3 * latency_s, color=drawing.BLACK, linestyle=":", label="latency")
        axes.set_xscale("log")
        drawing.plain_numbers(axes.xaxis, most_decades=2)
        axes.set_yticks(rows, [_label(summary.cell.contender) for summary in sure])
        axes.invert_yaxis()
        axes.set_xlabel("ms")
        left_out = _legend(figure, axes.get_legend_handles_labels(), summaries)
        return Plot(name=name, title=title, left_out=left_out, svg=drawing.save(figure, folder, name))


def plot_pool_sizes(
    folder: Path,
    kind: LatencyKind,
    contender: str,
    summaries: Sequence[CellSummary],
    rates: Mapping[Cell, Sequence[float]],
) -> Plot:
    """Draw one contender's throughput against its pool size, a line a latency; recommended sizes have a ring.

    `rates` are the repeats' rows/s.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    name = f"pool_sizes_{kind}_" + re.sub(r"\W+", "_", contender).lower()
    title = f"{_label(contender)}: throughput against pool size, latency {KINDS[kind]}"
    with drawing.look(name):
        close = f"{100 * (1 - CLOSE_TO_BEST):.0f} %"
        figure, axes = _begin(
            title, f"rows/s: median and 95 % interval; ringed: the smallest pool within {close} of the best"
        )
        latencies_s = sorted({summary.cell.latency_s for summary in summaries})
        lines: list[_Line] = []
        for latency_s, style in zip(latencies_s, drawing.styles(len(latencies_s)), strict=True):
            line = [summary for summary in summaries if summary.cell.latency_s == latency_s]
            lines.append(_Line(milliseconds(latency_s), style, [_throughput(summary) for summary in line]))
            sure = {summary.cell.in_flight: rates[summary.cell] for summary in _sure(line)}
            if sure:
                recommended = find_pool_size(sure)
                axes.plot(
                    recommended.pool_size,
                    recommended.rows_per_s,
                    "o",
                    markersize=15,
                    color="k",
                    fillstyle="none",
                )
        left_out = _draw(figure, axes, lines, summaries)
        axes.set_xscale("log")
        sizes = sorted({summary.cell.in_flight for summary in summaries})
        drawing.mark(axes.xaxis, sizes, [str(size) for size in sizes])
        axes.set_xlabel("pool size")
        return Plot(name=name, title=title, left_out=left_out, svg=drawing.save(figure, folder, name))


def _begin(title: str, unit: str = "", height_in: float = 6.4) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(drawing.WIDTH_IN, height_in), layout="constrained")
    figure.suptitle(drawing.wrapped(title, 40), x=0.01, ha="left", size=12.5, weight="bold")
    axes = figure.subplots()
    axes.set_title(drawing.wrapped(unit, 42), loc="left")
    return figure, axes


def _draw(figure: Figure, axes: Axes, lines: Sequence[_Line], summaries: Sequence[CellSummary]) -> str:
    """Draw lines with error bars on a logarithmic axis, and a legend in their order; return its text."""
    handles: list[Any] = []
    labels: list[str] = []
    for line in lines:
        if math.isfinite(line.last):
            xs, medians, below, above = zip(*sorted(line.points), strict=True)
            handles.append(axes.errorbar(xs, medians, yerr=(below, above), capsize=3, **line.style))
            labels.append(line.label)
    axes.set_yscale("log")
    drawing.plain_numbers(axes.yaxis, most_decades=4)
    return _legend(figure, (handles, labels), summaries)


def _legend(figure: Figure, named: tuple[list[Any], list[str]], summaries: Sequence[CellSummary]) -> str:
    """Draw a legend below the plot; it names the cells that are too noisy to draw; return that note."""
    handles, labels = named
    noisy = [
        f"{_label(summary.cell.contender)}, {summary.cell.in_flight} in flight, "
        f"at {milliseconds(summary.cell.latency_s)} ({doubt(summary)})"
        for summary in summaries
        if summary.is_too_noisy
    ]
    few = noisy[:_MOST_LISTED] + [f"and {len(noisy) - _MOST_LISTED} more"] * (len(noisy) > _MOST_LISTED)
    figure.legend(
        handles,
        labels,
        title=drawing.wrapped(f"Left out: {'; '.join(few)}.", 50) if few else None,
        alignment="left",
        loc="outside lower left",
        ncols=drawing.columns(labels),
        columnspacing=0.8,
        handlelength=2.5,
    )
    return f"Left out: {'; '.join(noisy)}." if noisy else ""


_MOST_LISTED = 3


def _label(contender: str) -> str:
    # A plot has little room.
    return abbreviated(contender, 30)


def _sure(summaries: Sequence[CellSummary]) -> list[CellSummary]:
    return [summary for summary in summaries if not summary.is_too_noisy]


def _time(summary: CellSummary) -> _Point:
    scale = ROWS / summary.rows
    return _point(summary, summary.cell.latency_s, lambda elapsed_s: scale * elapsed_s)


def _throughput(summary: CellSummary) -> _Point:
    return _point(summary, summary.cell.in_flight, lambda elapsed_s: summary.rows / elapsed_s)


def _point(summary: CellSummary, x: float, drawn: Callable[[float], float]) -> _Point:
    """Return the point of the elapsed seconds; nan, a gap in the line, if they are too noisy."""
    if summary.is_too_noisy:
        return x, math.nan, 0, 0
    median = drawn(summary.elapsed.median)
    ends = [drawn(end) for end in (summary.elapsed.low, summary.elapsed.high) if end is not None] or [median]
    return x, median, median - min(ends), max(ends) - median
