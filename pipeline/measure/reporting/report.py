"""A finished experiment's folder: measurements, histograms, plots, and last the page for the whole."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.files import write_text
from pipeline.measure.experiment.latency_log import write_log
from pipeline.measure.experiment.measurement import Repeat
from pipeline.measure.experiment.recommendation import Recommendation
from pipeline.measure.experiment.statistics import CellSummary, summarise
from pipeline.measure.reporting.measurements import write_measurements

MEASUREMENTS, HISTOGRAMS, FACTS, PAGE = "measurements.csv", "latencies.hlog", "run.json", "report.html"


def write_experiment(
    folder: Path,
    repeats: Sequence[Repeat],
    facts: Mapping[str, Any],
    *,
    recommendations: Sequence[Recommendation] = (),
) -> None:
    """Write all files of a report to `folder`, its page last; the same arguments give the same bytes.

    `facts` are JSON values on which the numbers depend: settings, cluster, versions, machine. If a contender
    was timed with several pool sizes, one of them is shown beside the other contenders: of those that were
    timed at every latency, the fastest. All sizes are in plots of their own. The page begins with the first
    recommendations.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
        ResultsError: repeats of a cell do not belong together, or a histogram is damaged.
    """
    # Imported here, because it takes half a second or more and only a report needs it.
    from pipeline.measure.reporting import page, plots  # noqa: PLC0415

    summaries = summarise(repeats)
    write_measurements(folder / MEASUREMENTS, repeats)
    write_log(folder / HISTOGRAMS, repeats)
    write_text(folder / FACTS, json.dumps(facts, indent=2) + "\n")
    shown = _shown(summaries)
    content = page.Content(
        repeats=repeats,
        summaries=shown,
        recommendations=recommendations,
        plots=plots.draw(folder, shown, summaries, repeats),
        facts=facts,
        files={
            MEASUREMENTS: "every timed pass, a line each, to compare runs or to compute with",
            HISTOGRAMS: "the latencies of every pass as HdrHistogram's log, for its plotters",
            FACTS: "settings, cluster, versions and machine, for programs",
        },
    )
    write_text(folder / PAGE, page.render(content))


def _shown(summaries: Sequence[CellSummary]) -> list[CellSummary]:
    """Return each contender's cells with the pool size that is fastest over all its latencies."""
    by_size: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for summary in summaries:
        by_size[summary.cell.contender][summary.cell.in_flight].append(1 / summary.rows_per_s)
    # A size that was not timed at every latency would seem faster than it is.
    best = {
        contender: min(sizes, key=lambda size: (-len(sizes[size]), sum(sizes[size])))
        for contender, sizes in by_size.items()
    }
    return [summary for summary in summaries if summary.cell.in_flight == best[summary.cell.contender]]
