"""The histograms of all repeats in one file, in the format of HdrHistogram's own tools."""

import re
from collections.abc import Iterable
from pathlib import Path

from hdrh.log import HistogramLogWriter

from pipeline.files import atomic_path
from pipeline.measure.experiment.measurement import Cell, Repeat
from pipeline.requests.latencies import histogram_of


def write_log(path: Path, repeats: Iterable[Repeat]) -> None:
    """Write every repeat's histogram to `path`, one line each, in order of time, atomically.

    The format is HdrHistogram's interval log 1.2 with absolute times. A line's tag is its cell as
    `tag_of` gives it; its maximum is in microseconds, as all of its values.

    Raises:
        OutputError: the file cannot be written.
        ResultsError: a repeat's histogram is damaged.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        writer = HistogramLogWriter(file)
        writer.output_comment("[Seconds of requests, in microseconds; a line is a repeat, a tag a cell]")
        writer.output_log_format_version()
        writer.output_legend()
        for repeat in sorted(repeats, key=lambda repeat: repeat.began_at_s):
            # The library reads tags but cannot write them. Its writer rounds down by a ratio; 1 loses
            # nothing.
            file.write(f"Tag={tag_of(repeat.cell)},")
            writer.output_interval_histogram(
                histogram_of(repeat.latencies),
                repeat.began_at_s,
                repeat.began_at_s + repeat.elapsed_s,
                max_value_unit_ratio=1,
            )


def tag_of(cell: Cell) -> str:
    """Return a cell's name as a tag: without commas and blanks."""
    name = f"{cell.contender}-{cell.latency_kind}-{cell.latency_s:g}s-{cell.in_flight}"
    return re.sub(r"[^\w.-]+", "_", name)
