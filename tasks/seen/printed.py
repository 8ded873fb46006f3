"""What commands print on standard output: tables, findings, a suggestion."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import embedded
from pipeline.checks.findings import Finding, Status
from pipeline.checks.jobs import Row
from pipeline.errors import abbreviated
from pipeline.measure.article import report
from pipeline.measure.experiment.comparison import Difference
from pipeline.suggest.jobs import Suggestion


def show_report(folder: Path, spec: embedded.ClusterSpec | None) -> None:
    """Print a report's table and where its files and the server's log are."""
    console = Console()
    console.print(report.table_of(folder))
    places = {"CSV": folder / "timings.csv", "plot": folder / "timings.png", "run": folder / "run.json"}
    if console.is_terminal:
        names = ", ".join(place.name for place in places.values())
        console.print(f"report: {folder}: {names}", soft_wrap=True, highlight=False, markup=False)
        return
    if spec is not None:
        places["server's log"] = embedded.status(spec.folder).nodes[0].log
    for what, place in places.items():
        console.print(f"{what}: {place}", soft_wrap=True, highlight=False, markup=False)


def show_finding(each: Finding) -> None:
    """Print a finding as a line; at a terminal in colours, what is too long for it below its beginning."""
    said = f"{each.found}; {each.advice}" if each.advice else each.found
    console = Console()
    if not console.is_terminal:
        print(f"{each.status:<8} {each.subject:<{_SUBJECT_CHARACTERS}} {said}", flush=True)  # noqa: T201 - its output
        return
    line = Table.grid(padding=(0, 1))
    line.add_column(min_width=8)
    line.add_column(min_width=_SUBJECT_CHARACTERS)
    line.add_row(Text(each.status, _COLOURS[each.status]), Text(each.subject), Text(said))
    console.print(line)


def show_first_rows(table: str, rows: Sequence[Row]) -> None:
    """Print rows as they would be loaded, a line a column."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _PLAIN_CHARACTERS)
    console.print(f"The first rows of {table} as they would be loaded:", markup=False, highlight=False)
    shown = Table("column")
    for number in range(1, len(rows) + 1):
        shown.add_column(f"row {number}", no_wrap=True, overflow="ellipsis")
    for values in zip(*rows, strict=True):
        shown.add_row(Text(values[0][0]), *(Text(abbreviated(value)) for _, value in values))
    console.print(shown)


def show_suggestion(found: Suggestion, command: str, file: Path) -> None:
    """Print a suggested table, what is doubtful of it, and the command that creates and loads it."""
    sentences = [*(f"reason: {each}" for each in found.reasons), *(f"doubt: {each}" for each in found.doubts)]
    Console().print(
        "\n".join(
            [
                found.statement,
                "",
                *sentences,
                "",
                f"The statement is in {file}; change it there.",
                "",
                command,
            ]
        ),
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def show_differences(differences: Sequence[Difference]) -> None:
    """Print the cells that two reports have in common, one a line."""
    table = Table(
        "cell", "base µs/row", "new µs/row", "ratio", "99 % interval", "g", "p, corrected", "verdict"
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for each in differences:
        table.add_row(
            str(each.cell),
            f"{each.base_us_a_row:.4g} (n = {each.base_n})",
            f"{each.new_us_a_row:.4g} (n = {each.new_n})",
            f"{each.ratio:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{each.hedges_g:.1f}",
            f"{each.adjusted_p:.2g}",
            each.verdict,
        )
    Console().print(table)


_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "bold red"}
_SUBJECT_CHARACTERS = 24
_PLAIN_CHARACTERS = 100
"""How wide what is no terminal is taken to be."""
