"""The report of a sweep: the timing table as CSV and on the terminal, a plot, and the environment."""

import csv
import io
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from rich.table import Table

from pipeline.files import atomic_path, write_text
from pipeline.measure.article.timing import LatencyTimings

_COLUMNS: Mapping[str, Callable[[LatencyTimings], float]] = {
    "latency_s": lambda timings: timings.latency_s,
    "sync_s": lambda timings: timings.sync_s,
    "async_s": lambda timings: timings.async_s,
    "speedup": lambda timings: timings.speedup,
    "rows": lambda timings: timings.rows,
    "pool_size": lambda timings: timings.pool_size,
    "floor_s": lambda timings: timings.floor_s,
    "efficiency": lambda timings: timings.efficiency,
    "sync_rows_per_s": lambda timings: timings.rows / timings.sync_s,
    "async_rows_per_s": lambda timings: timings.rows / timings.async_s,
    "sync_n": lambda timings: len(timings.sync_repeats_s),
    "sync_min_s": lambda timings: min(timings.sync_repeats_s),
    "sync_max_s": lambda timings: max(timings.sync_repeats_s),
    "async_n": lambda timings: len(timings.async_repeats_s),
    "async_min_s": lambda timings: min(timings.async_repeats_s),
    "async_max_s": lambda timings: max(timings.async_repeats_s),
}
"""The columns of timings.csv: medians, then n and the spread of the repeats."""


def write_report(folder: Path, cells: Sequence[LatencyTimings], facts: Mapping[str, Any]) -> None:
    """Write `run.json`, `timings.png` and, last, `timings.csv`, whose presence means that all is there.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    repeats = [
        {
            "latency_s": cell.latency_s,
            "sync_repeats_s": cell.sync_repeats_s,
            "async_repeats_s": cell.async_repeats_s,
        }
        for cell in cells
    ]
    run = {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        **facts,
        "repeats": repeats,
        **environment(),
    }
    write_text(folder / "run.json", json.dumps(run, indent=2) + "\n")
    with atomic_path(folder / "timings.png") as temporary:
        _plot(cells, temporary)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_line(cell) for cell in cells)
    write_text(folder / "timings.csv", text.getvalue())


def table_of(folder: Path) -> Table:
    """Return the table of a report in `folder`, for a terminal."""
    table = Table("latency s", "sync s", "async s", "speed-up", "floor s", "floor / async", "async rows/s")
    for column in table.columns:
        column.justify = "right"
    with (folder / "timings.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            value = {name: float(text) for name, text in line.items()}
            table.add_row(
                f"{value['latency_s']:g}",
                f"{value['sync_s']:.3f}",
                f"{value['async_s']:.3f}",
                f"{value['speedup']:.1f} x",
                f"{value['floor_s']:.2f}",
                f"{value['efficiency']:.2f}",
                f"{value['async_rows_per_s']:.0f}",
            )
            table.caption = f"{value['rows']:.0f} rows, pool of {value['pool_size']:.0f}, medians"
    return table


def environment() -> dict[str, Any]:
    """Return the environment of the measurement: versions, machine, and this project's commit."""
    return {
        "python": platform.python_version(),
        "versions": {
            found.name: found.version for found in sorted(distributions(), key=lambda d: d.name.lower())
        },
        "system": platform.platform(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average_1_min": os.getloadavg()[0],
        "commit": _commit(),
    }


def _line(timings: LatencyTimings) -> list[str]:
    return [f"{number(timings):.6g}" for number in _COLUMNS.values()]


def _plot(cells: Sequence[LatencyTimings], path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second that only a plot needs

    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    axes = figure.subplots()
    latencies_s = [cell.latency_s for cell in cells]
    for label, colour, mark, sides in (
        ("loop (sync)", "#D55E00", "o", [(cell.sync_s, cell.sync_repeats_s) for cell in cells]),
        (
            f"Pool({cells[0].pool_size}) (async)",
            "#0072B2",
            "s",
            [(cell.async_s, cell.async_repeats_s) for cell in cells],
        ),
    ):
        medians = [median for median, _ in sides]
        spread = [
            [median - min(repeats) for median, repeats in sides],
            [max(repeats) - median for median, repeats in sides],
        ]
        axes.errorbar(latencies_s, medians, yerr=spread, label=label, color=colour, marker=mark, capsize=3)
    floors = [(cell.latency_s, cell.floor_s) for cell in cells if cell.floor_s > 0]
    if floors:
        label = "floor: rows x latency / pool"
        axes.plot(*zip(*floors, strict=True), label=label, color="#555555", linestyle="--", marker=".")
    axes.set_yscale("log")
    least_s = min((latency_s for latency_s in latencies_s if latency_s > 0), default=1.0)
    # A logarithmic axis has no 0; below the smallest latency this one is linear, down to 0.
    axes.set_xscale("symlog", linthresh=least_s, linscale=0.5)
    axes.set_xlim(-0.2 * least_s if 0 in latencies_s else 0.7 * least_s, 1.4 * max(latencies_s[-1], least_s))
    axes.set_xticks(latencies_s, [f"{latency_s:g}" for latency_s in latencies_s])
    axes.minorticks_off()
    axes.set_xlabel("injected latency, s")
    axes.set_ylabel(f"time to write {cells[0].rows} rows, s")
    axes.set_title("One row after another against a gevent Pool (median, min to max)")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(path, format="png")


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str | None:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
