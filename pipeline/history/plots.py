"""The plot of a table's nights: rows, seconds and rows a second over time, with the band of what is usual."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Literal

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.history.nights import ABSENT, Night, TableHistory
from pipeline.history.standingout import Spread, stands_out
from pipeline.measure.reporting import drawing
from pipeline.runs.summary import FAILED, MISSING


def plot_nights(history: TableHistory) -> str:
    """Return the plot of a table as SVG; the same nights give the same bytes."""
    with drawing.look(history.table):
        figure = Figure(figsize=(drawing.WIDTH_IN, _HEIGHT_IN), layout="constrained")
        panels = figure.subplots(3, 1, sharex=True)
        for axes, (title, spread, value) in zip(panels, _panels(history), strict=True):
            _draw(axes, history.nights, spread, value)
            axes.set_title(title, loc="left")
        locator = mdates.AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
        panels[-1].xaxis.set_major_locator(locator)
        panels[-1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        first, last = history.nights[0].date, history.nights[-1].date
        panels[-1].set_xlim(_at(first) - 0.7, _at(last) + 0.7)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=drawing.columns(labels))
        return drawing.svg(figure)


_Panel = tuple[str, Spread | None, Callable[[Night], float | None]]


def _panels(history: TableHistory) -> Sequence[_Panel]:
    return (
        ("rows", history.rows, lambda night: night.rows),
        ("seconds", history.seconds, lambda night: night.seconds),
        ("rows/s", history.rows_per_s, lambda night: night.rows_per_s),
    )


def _draw(
    axes: Axes,
    nights: Sequence[Night],
    spread: Spread | None,
    value: Callable[[Night], float | None],
) -> None:
    known = [(night, found) for night in nights if (found := value(night)) is not None]
    whole = [(night, found) for night, found in known if not night.is_troubled]
    points = [(_at(night.date), found) for night, found in whole]
    unusual = [(at, found) for at, found in points if spread and stands_out(spread.score(found))]
    usual = [point for point in points if point not in unusual]
    if spread:
        axes.axhspan(spread.low, spread.high, color="#cfe3f1", zorder=0, label="usual")
        axes.axhline(spread.middle, color=drawing.BLUE, linewidth=1, zorder=1)
    axes.plot(*_columns(usual), "o", color=drawing.BLUE, markersize=4.5, label="night")
    if unusual:
        axes.plot(
            *_columns(unusual),
            "D",
            color=drawing.VERMILION,
            markersize=6.5,
            label="stands out",
            clip_on=False,
        )
    marked: tuple[tuple[str, Literal["-", ":"], set[str]], ...] = (
        ("failed", "-", {FAILED}),
        ("missing", ":", {MISSING, ABSENT}),
    )
    for label, line, states in marked:
        if days := [_at(night.date) for night in nights if night.state in states]:
            whole_height = axes.get_xaxis_transform()
            axes.vlines(
                days,
                0,
                1,
                colors=drawing.BLACK,
                linestyles=line,
                label=label,
                transform=whole_height,
                linewidth=1.4,
            )
    highest = max([found for _, found in known], default=0.0)
    axes.set_ylim(0, 1.08 * max(highest, spread.high if spread else 0.0) or 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,g}"))


def _at(date: dt.date) -> float:
    found: float = mdates.date2num(date)  # type: ignore[no-untyped-call]
    return found


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [at for at, _ in points], [value for _, value in points]


_HEIGHT_IN = 6.4
