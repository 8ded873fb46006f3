"""The style of plots: readable without colour and on a phone, and the same bytes every time."""

import io
import math
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from pipeline.files import atomic_path, write_text

WIDTH_IN = 4.6
"""Narrow, with large letters: on a phone they shrink by a quarter only."""

# The colours of Okabe and Ito, for readers with any colour vision; without the yellow, too pale on white.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
_COLOURS = (BLUE, VERMILION, GREEN, BLACK, "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_LINES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1.5)))

_CHARACTERS, _HANDLE = 55, 7
"""About how many of a legend's letters fit on the width, and how many a handle takes up."""


def look(name: str) -> AbstractContextManager[None]:
    """Return the matplotlib settings for the plot of this name."""
    return mpl.rc_context(
        {
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 11.5,
            "font.family": "DejaVu Sans",
            "font.size": 12,
            "grid.color": "#dddddd",
            "legend.fontsize": 10.5,
            "legend.title_fontsize": 10.5,
            "legend.frameon": False,
            "lines.linewidth": 1.6,
            "lines.markersize": 6.5,
            "svg.fonttype": "path",
            "svg.hashsalt": name,
            "text.parse_math": False,
        }
    )


def styles(count: int) -> list[dict[str, Any]]:
    """Return colours, markers and lines for so many, each unlike the others in print without colour too."""
    return [
        {
            "color": _COLOURS[index % len(_COLOURS)],
            "marker": _MARKERS[index % len(_MARKERS)],
            "linestyle": _LINES[index % len(_LINES)],
            "markeredgecolor": "white",
            "markeredgewidth": 0.6,
        }
        for index in range(count)
    ]


def wrapped(text: str, characters: int) -> str:
    """Return a text in lines of at most so many characters."""
    return "\n".join(textwrap.wrap(text, characters))


def columns(labels: Sequence[str]) -> int:
    """Return how many columns a legend may have so that it does not stick out of the figure."""
    for count in (4, 3, 2):
        rows = math.ceil(len(labels) / count)
        longest = [max(map(len, labels[first : first + rows])) for first in range(0, len(labels), rows)]
        if sum(longest) + _HANDLE * count <= _CHARACTERS:
            return count
    return 1


def mark(axis: Axis, values: Sequence[float], labels: Sequence[str]) -> None:
    """Put ticks at these values and nowhere else."""
    axis.set_ticks(list(values), list(labels))
    axis.set_minor_locator(NullLocator())


def plain_numbers(axis: Axis, most_decades: int) -> None:
    """Write plain numbers along a logarithmic axis: 1, 2, 5, but 1 alone if there are more decades."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low <= 10**most_decades else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def save(figure: Figure, folder: Path, name: str) -> str:
    """Write `name`.png and `name`.svg; return the SVG. The same figure gives the same bytes.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    with atomic_path(folder / f"{name}.png") as temporary:
        figure.savefig(temporary, format="png", dpi=200)
    drawn = svg(figure)
    write_text(folder / f"{name}.svg", drawn)
    return drawn


def svg(figure: Figure) -> str:
    """Return a figure as SVG. The same figure gives the same text."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
