"""The results of a comparison: one line per run, a summary, a plot."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.roster import LIMIT, OURS, PROJECT
from pipeline.files import atomic_path

RESULTS = PROJECT / "bench" / "results"

# Okabe and Ito's palette, whose colours people with a colour vision deficiency can distinguish.
_COLOURS = {LIMIT: "#E69F00", "ours": "#0072B2", "": "#999999"}


@dataclass(frozen=True, kw_only=True)
class ContenderRun:
    """One run of a contender; the other fields are those of `LoadOutcome`.

    `counted` is the number of rows in the table afterwards. `sampled` rows of the file were read back, of
    which `wrong` were absent or had another value.
    """

    round: int
    contender: str
    version: str
    table: str
    rows: int
    elapsed_s: float
    rows_per_s: float
    startup_s: float
    process_s: float
    client_cpu_us_per_row: float
    load_cpu_us_per_row: float | None
    server_cpu_us_per_row: float | None
    max_rss_bytes: int
    counted: int
    sampled: int
    wrong: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One contender on one table: medians, the spread, and medians of the ratios within a round.

    `of_limit` and `of_ours` are the ratios of its rows/s to those of the server limit and of our batches in
    the same round; `process_rows_per_s` is per second of the whole process, with its start.
    """

    table: str
    contender: str
    version: str
    rows: int
    runs: int
    rows_per_s: float
    rows_per_s_min: float
    rows_per_s_max: float
    of_limit: float | None
    of_ours: float | None
    process_rows_per_s: float
    client_cpu_us_per_row: float
    load_cpu_us_per_row: float | None
    server_cpu_us_per_row: float | None
    max_rss_mib: float
    rows_missing: int
    wrong_of_sampled: str


def summarise(runs: Sequence[ContenderRun]) -> list[Summary]:
    """Return a line per table and contender: tables in the order of the runs, the fastest contender first."""
    lines = []
    for table in dict.fromkeys(run.table for run in runs):
        here = [run for run in runs if run.table == table]
        of_table = [_line(here, contender) for contender in {run.contender for run in here}]
        lines += sorted(of_table, key=lambda line: -line.rows_per_s)
    return lines


def as_text(lines: Iterable[Summary]) -> str:
    """Return the summary as a table for a terminal."""
    head = (
        "table",
        "contender",
        "rows",
        "n",
        "rows/s",
        "min",
        "max",
        "of limit",
        "of ours",
        "CPU µs/row",
        "in load",
        "server",
        "MiB",
        "wrong",
    )
    body = [
        (
            line.table,
            line.contender,
            f"{line.rows:,}",
            str(line.runs),
            f"{line.rows_per_s:,.0f}",
            f"{line.rows_per_s_min:,.0f}",
            f"{line.rows_per_s_max:,.0f}",
            "" if line.of_limit is None else f"{line.of_limit:.2f}",
            "" if line.of_ours is None else f"{line.of_ours:.2f}",
            f"{line.client_cpu_us_per_row:.2f}",
            "" if line.load_cpu_us_per_row is None else f"{line.load_cpu_us_per_row:.2f}",
            "" if line.server_cpu_us_per_row is None else f"{line.server_cpu_us_per_row:.2f}",
            f"{line.max_rss_mib:.0f}",
            "" if line.wrong_of_sampled.startswith("0/") else line.wrong_of_sampled,
        )
        for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)  # noqa: PLR2004 - the two columns of names
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *body)
    )


def plot(path: Path, lines: Sequence[Summary], *, title: str) -> None:
    """Draw the medians of rows/s as bars, with error bars from minimum to maximum, in a panel per table.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes half a second, and only a plot needs it

    tables = list(dict.fromkeys(line.table for line in lines))
    sizes = [sum(line.table == table for line in lines) for table in tables]
    figure = Figure(figsize=(9, 1.2 + 0.34 * sum(sizes) + 0.6 * len(tables)), dpi=150, layout="constrained")
    panels = figure.subplots(len(tables), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, table in zip(panels, tables, strict=True):
        here = [line for line in lines if line.table == table][::-1]
        medians = [line.rows_per_s for line in here]
        spread = [
            [line.rows_per_s - line.rows_per_s_min for line in here],
            [line.rows_per_s_max - line.rows_per_s for line in here],
        ]
        names = [f"{line.contender}\n{line.rows:,} rows" for line in here]
        axes.barh(names, medians, xerr=spread, color=[_colour(line) for line in here], capsize=3, height=0.7)
        for place, line in enumerate(here):
            axes.annotate(
                f"{line.rows_per_s:,.0f}",
                (line.rows_per_s_max, place),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        axes.set_title(table, loc="left", fontsize=10)
        axes.tick_params(axis="y", labelsize=7)
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("rows/s: median, least and largest")
    figure.suptitle(title, fontsize=11)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def _colour(line: Summary) -> str:
    return next(colour for start, colour in _COLOURS.items() if line.contender.startswith(start))


def _line(runs: Sequence[ContenderRun], contender: str) -> Summary:
    own = [run for run in runs if run.contender == contender]

    def median_of(value: Callable[[ContenderRun], float]) -> float:
        return median(map(value, own))

    rates = [run.rows_per_s for run in own]
    in_load = [run.load_cpu_us_per_row for run in own if run.load_cpu_us_per_row is not None]
    on_server = [run.server_cpu_us_per_row for run in own if run.server_cpu_us_per_row is not None]
    return Summary(
        table=own[0].table,
        contender=contender,
        version=own[0].version,
        rows=own[0].rows,
        runs=len(own),
        rows_per_s=median(rates),
        rows_per_s_min=min(rates),
        rows_per_s_max=max(rates),
        of_limit=_ratio(own, runs, LIMIT),
        of_ours=_ratio(own, runs, OURS),
        process_rows_per_s=median_of(lambda run: run.rows / run.process_s),
        client_cpu_us_per_row=median_of(lambda run: run.client_cpu_us_per_row),
        load_cpu_us_per_row=median(in_load) if in_load else None,
        server_cpu_us_per_row=median(on_server) if on_server else None,
        max_rss_mib=median_of(lambda run: run.max_rss_bytes) / 2**20,
        rows_missing=max(run.rows - run.counted for run in own),
        wrong_of_sampled=f"{sum(run.wrong for run in own)}/{sum(run.sampled for run in own)}",
    )


def _ratio(own: Sequence[ContenderRun], runs: Sequence[ContenderRun], other: str) -> float | None:
    by_round = {run.round: run.rows_per_s for run in runs if run.contender == other}
    ratios = [run.rows_per_s / by_round[run.round] for run in own if run.round in by_round]
    return median(ratios) if ratios else None
