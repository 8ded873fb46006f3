"""The page: one file that needs no other file, no network and no script."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from pipeline.measure.experiment.measurement import LATENCY_KINDS, Repeat
from pipeline.measure.experiment.recommendation import Recommendation, sentences
from pipeline.measure.experiment.statistics import NOISE_BOUND, CellSummary
from pipeline.measure.reporting.article import article_table
from pipeline.measure.reporting.plots import Plot
from pipeline.measure.reporting.tables import (
    PageTable,
    contenders_table,
    facts_table,
    kinds_table,
    processes_table,
    recommendations_table,
)
from pipeline.measure.reporting.wording import KINDS, moment


@dataclass(frozen=True, kw_only=True)
class Content:
    """The content of a page: `cells` has one for each contender and latency; `files` describes files."""

    repeats: Sequence[Repeat]
    summaries: Sequence[CellSummary]
    recommendations: Sequence[Recommendation]
    plots: Sequence[Plot]
    facts: Mapping[str, Any]
    files: Mapping[str, str]


def templates(*folders: Path) -> Environment:
    """Return the templates of some folders and of this one, with all text escaped."""
    return Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(content: Content) -> str:
    """Return the page as HTML, with all text escaped; the same content gives the same page."""
    environment = templates()
    repeats, summaries, facts = content.repeats, content.summaries, dict(content.facts)
    all_rows = max(summary.rows for summary in summaries)
    versions = facts.pop("versions", {})
    shown = {name: versions[name] for name in _SHOWN_PACKAGES if name in versions}
    article, kinds = article_table(summaries), kinds_table(summaries)
    sections = {
        "recommendations": "What to do" if content.recommendations else "",
        "article": "The article's experiment" if article else "",
        "contenders": "The contenders",
        "kinds": "Sleep beside network" if kinds else "",
        "plots": "Plots" if content.plots else "",
        "method": "How it was measured",
        "environment": "What it was measured on",
        "files": "Files",
    }
    return environment.get_template("page.html").render(
        title=f"Sync against async: {all_rows:,} rows into Cassandra",
        summary=_summary(repeats, facts),
        began=moment(min(repeat.began_at_s for repeat in repeats)),
        sections={name: title for name, title in sections.items() if title},
        recommended=sentences(content.recommendations[0]) if content.recommendations else (),
        recommendations=recommendations_table(content.recommendations)
        if len(content.recommendations) > 1
        else None,
        article=article,
        contender_tables=_contender_tables(summaries, all_rows),
        has_more_sizes=len({repeat.cell for repeat in repeats}) > len(summaries),
        kinds=kinds,
        plots=[
            (plot, inline(plot.svg, name=plot.name, title=plot.title, aside=plot.left_out))
            for plot in content.plots
        ],
        noise_bound=f"{100 * NOISE_BOUND:.0f} %",
        processes=processes_table(summaries),
        environment=facts_table("Versions, cluster, settings and machine", {**shown, **facts}),
        versions=facts_table("Installed packages", versions),
        files=content.files,
    )


_SHOWN_PACKAGES = ("cassandra-driver", "gevent")


def _summary(repeats: Sequence[Repeat], facts: Mapping[str, Any]) -> str:
    contenders = len({repeat.cell.contender for repeat in repeats})
    began = moment(min(repeat.began_at_s for repeat in repeats))
    ended = moment(max(repeat.began_at_s + repeat.elapsed_s for repeat in repeats))
    said = [f"{len(repeats):,} timed passes of {contenders} contenders, {began} to {ended} UTC"]
    cluster = facts.get("cluster", {})
    if "cassandra" in cluster:
        said.append(f"Cassandra {', '.join(cluster['cassandra'])}")
    if "nodes" in cluster:
        said.append(f"{cluster['nodes']} node{'' if cluster['nodes'] == 1 else 's'}")
    if "cpu" in facts:
        said.append(f"client on {facts['cpu']}, {facts.get('cores', '?')} cores")
    return f"{'; '.join(said)}."


def _contender_tables(summaries: Sequence[CellSummary], all_rows: int) -> dict[str, list[PageTable]]:
    tables: dict[str, list[PageTable]] = {}
    for kind in LATENCY_KINDS:
        of_kind = [summary for summary in summaries if summary.cell.latency_kind == kind]
        for latency_s in sorted({summary.cell.latency_s for summary in of_kind}):
            at_latency = [summary for summary in of_kind if summary.cell.latency_s == latency_s]
            tables.setdefault(KINDS[kind], []).append(contenders_table(kind, latency_s, at_latency, all_rows))
    return tables


def inline(svg: str, *, name: str, title: str, aside: str = "") -> str:
    """Return an SVG as part of a page: with a name, and with ids and styles that meet no others.

    `name` begins its ids; `title` and `aside` are what a screen reader says of it.
    """
    drawing = svg[svg.index("<svg") :]
    for pattern, replacement in (
        (r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*|<style.*?</style>\s*", ""),
        (r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-"),
    ):
        drawing = re.sub(pattern, replacement, drawing, flags=re.DOTALL)
    [view_box] = re.findall(r'viewBox="[\d. ]+"', drawing)
    label = escape(f"{title}. {aside}".strip())
    head = f'<svg role="img" aria-label="{label}" {view_box}>\n<title>{escape(title)}</title>'
    return re.sub(r"^<svg[^>]*>", lambda _: head, drawing)
