"""Figures that stand alone: what was measured, how often, the median and the extremes."""

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

from pipeline.atomic import write_text


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure: the median of `n` repeats, the least and the largest."""

    name: str
    unit: str
    n: int
    median: float
    least: float
    most: float

    def __str__(self) -> str:
        spread = f"{self.least:,.6g} to {self.most:,.6g}, n = {self.n}"
        return f"{self.name}: {self.median:,.6g} {self.unit} ({spread})"


def figure(name: str, unit: str, values: Sequence[float]) -> Figure:
    """Return the figure of some repeats."""
    return Figure(
        name=name, unit=unit, n=len(values), median=median(values), least=min(values), most=max(values)
    )


def write_figures(path: Path, figures: Sequence[Figure]) -> None:
    """Write figures as CSV, a line each.

    Raises:
        OutputError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Figure))
    writer.writerows(
        [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in astuple(each)] for each in figures
    )
    write_text(path, text.getvalue())


def say(line: object) -> None:
    """Print a line at once: a bench lasts, and somebody watches it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
