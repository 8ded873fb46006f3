"""Figures: the quantity, the number of repeats, the median, the minimum and the maximum."""

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
    """One figure: the median, the minimum and the maximum of `n` repeats."""

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
    """Return the figure of the values of all repeats."""
    return Figure(
        name=name, unit=unit, n=len(values), median=median(values), least=min(values), most=max(values)
    )


def write_lines(path: Path, kind: type[Line], lines: Iterable[Line]) -> None:
    """Write dataclasses of one kind as CSV, one per line, below the names of the fields.

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
    """Print a line without buffering, because a benchmark is long and its output is watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
