"""Figures that stand alone: what was measured, how often, the median and the extremes."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from pipeline.files import write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Line = TypeVar("Line", bound="DataclassInstance")


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


def write_lines(path: Path, kind: type[Line], lines: Iterable[Line]) -> None:
    """Write dataclasses of one kind as CSV, a line each, the names of the fields first.

    Raises:
        OutputError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(kind))
    for line in lines:
        writer.writerow(f"{cell:.6g}" if isinstance(cell, float) else cell for cell in astuple(line))
    write_text(path, text.getvalue())


def say(line: object) -> None:
    """Print a line at once: a bench lasts, and somebody watches it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
