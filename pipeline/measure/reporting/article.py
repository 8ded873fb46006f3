"""The article's table beside the results of the same experiment here."""

from collections.abc import Iterator, Sequence

from pipeline.measure.experiment.statistics import CellSummary
from pipeline.measure.reporting.tables import Entry, PageTable, TableRow
from pipeline.measure.reporting.wording import DASH, ROWS, doubt, exact, interval, number

PUBLISHED_S = {
    0.0: (0.686780, 0.630081),
    0.001: (1.9114, 0.676971),
    0.005: (6.4570, 0.63234),
    0.010: (11.89398, 0.62965),
    0.100: (104.49747, 1.27341),
}
"""By the seconds slept: the article's seconds for 1,000 rows, in a loop and through a Pool of 100."""

LOOP, POOL, POOL_SIZE = "create, loop", "create, Pool", 100
"""The contenders that are the article's program, and the size of its Pool."""


def article_table(summaries: Sequence[CellSummary]) -> PageTable | None:
    """Return the article's loop and Pool beside those of `cells`, one row a latency; None without either."""
    slept = [summary for summary in summaries if summary.cell.latency_kind == "sleep"]
    loops = {summary.cell.latency_s: summary for summary in slept if summary.cell.contender == LOOP}
    pools = {summary.cell.latency_s: summary for summary in slept if summary.cell.contender == POOL}
    latencies_s = sorted({*loops, *pools})
    if not latencies_s:
        return None
    size = max((summary.cell.in_flight for summary in pools.values()), default=POOL_SIZE)
    return PageTable(
        caption=f"Seconds for {ROWS:,} rows, a sleep before each",
        groups=((f"the article, Pool of {POOL_SIZE}", 3), (f"here, Pool of {size}", 6)),
        columns=(
            "sleep, s",
            "loop",
            "Pool",
            "speed-up",
            "loop",
            "95 % interval",
            "Pool",
            "95 % interval",
            "speed-up",
            "Pool's floor",
        ),
        bodies={
            "": [
                TableRow(
                    name=f"{latency_s:g}",
                    entries=[*_published(latency_s), *_measured(loops.get(latency_s), pools.get(latency_s))],
                )
                for latency_s in latencies_s
            ]
        },
    )


def _published(latency_s: float) -> Iterator[Entry]:
    if latency_s not in PUBLISHED_S:
        yield from [Entry(DASH)] * 3
        return
    loop_s, pool_s = PUBLISHED_S[latency_s]
    yield Entry(number(loop_s))
    yield Entry(number(pool_s))
    yield Entry(_ratio(loop_s / pool_s))


def _measured(loop: CellSummary | None, pool: CellSummary | None) -> Iterator[Entry]:
    for summary in (loop, pool):
        if summary is None:
            yield from [Entry(DASH)] * 2
        elif summary.is_too_noisy:
            yield Entry(doubt(summary), span=2)
        else:
            scale = ROWS / summary.rows
            yield Entry(
                number(scale * summary.elapsed.median), "" if scale == 1 else f"from {summary.rows:,} rows"
            )
            yield Entry(interval(summary.elapsed, scale))
    if loop is None or pool is None or loop.is_too_noisy or pool.is_too_noisy:
        yield Entry(DASH)
    else:
        yield Entry(_ratio(pool.rows_per_s / loop.rows_per_s))
    yield Entry(exact(ROWS / pool.rows * pool.floor_s) if pool else DASH)


def _ratio(times: float) -> str:
    return f"{times:.1f} x"
