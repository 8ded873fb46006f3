"""Checks the experiment: equal code compares equal, slower code is detected, recommendations are good.

`python -m bench.experiment` takes about 25 minutes and has two parts. `compare` compares runs of the same
code pairwise, also with runs of a copy in which each request takes 15 % longer. `recommendations` times
`--pool-size auto` beside a whole sweep, at a latency that the recommendations do not include. Figures are
written to `bench/results/experiment-<part>.csv`, one per line.
"""

import argparse
import contextlib
import logging
import math
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations, product
from pathlib import Path

from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.roster import PROJECT
from bench.server import FILES, own_cluster
from pipeline.cluster.jobs import SetUpTable
from pipeline.datasets.dataset import find_dataset
from pipeline.datasets.generate import write_part
from pipeline.datasets.jobs import GenerateFile
from pipeline.embedded import Endpoint
from pipeline.measure.experiment.comparison import Difference, compare
from pipeline.measure.experiment.measurement import Repeat
from pipeline.measure.experiment.recommendation import pool_size_at, recommend
from pipeline.measure.experiment.statistics import by_cell
from pipeline.measure.jobs import RunExperiment
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.sources import describe_file
from pipeline.settings import ClusterConfig, KeyspaceConfig
from pipeline.workers.client import end_waiting, run_job

_DATASET = "pipeline.datasets.users"
_KEYSPACE = KeyspaceConfig(name="bench")
_ROWS = 1000
_DAY = date(2024, 3, 1)

_RUNS = 20
_SLOW_RUNS = 5
_SLOWER = 0.15
_RUN_S = 30.0
_RUN_CONTENDERS = ("create_loop", "create_pool", "prepared_pool")
_RUN_LATENCY_S = 0.005
_TIMED = "            answer = request(*args, **kwargs)\n"
_SLOWED = f"{_TIMED}            time.sleep({_SLOWER} * (now_s() - began_s))\n"

_SWEPT = ("create_pool", "prepared_pool")
_POOL_SIZES = (1, 3, 10, 30, 100, 200, 400)
_SWEPT_LATENCIES_S = (0.001, 0.01, 0.1)
_UNSEEN_LATENCY_S = 0.025
_SWEEP_S = 300.0
_UNSEEN_S = 240.0


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.experiment", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS), help="default: both")
    parts = parser.parse_args().parts
    logging.basicConfig(level=logging.WARNING)
    FILES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FILES) as name, own_cluster(1) as endpoint:
        lab = _Lab(endpoint, Path(name))
        for part in parts:
            figures: list[Figure] = []
            for each in _PARTS[part](lab):
                figures.append(each)
                say(each)
            write_lines(RESULTS / f"experiment-{part}.csv", Figure, figures)


class _Lab:
    """A cluster, a file of rows, and the experiments with them."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        self.folder = folder
        self._cluster = ClusterConfig(contact_points=endpoint.contact_points, port=endpoint.port)
        self._file = folder / "users.csv"
        self._runs = 0
        run_job(SetUpTable(cluster=self._cluster, keyspace=_KEYSPACE, dataset=_DATASET))
        generate = GenerateFile(
            dataset=_DATASET,
            date=_DAY,
            rows=_ROWS,
            seed=42,
            locale="en_US",
            file_format="csv",
            file=str(self._file),
        )
        write_part(find_dataset(_DATASET), generate, lambda *_: None)

    def run(
        self,
        contenders: Sequence[str],
        latencies_s: Sequence[float],
        pool_sizes: Sequence[int],
        *,
        time_budget_s: float,
    ) -> tuple[list[Repeat], dict[str, str]]:
        """Run an experiment; return its repeats, and the method of each contender."""
        self._runs += 1
        found = run_job(
            RunExperiment(
                cluster=self._cluster,
                keyspace=_KEYSPACE,
                dataset=_DATASET,
                rows=RowsToRead(files=(describe_file(self._file),)),
                contenders=tuple(contenders),
                latencies_s=tuple(latencies_s),
                latency_kinds=("network",),
                pool_sizes=tuple(pool_sizes),
                time_budget_s=time_budget_s,
                repeat_s=5.0,
                precision=0.01,
                server_pids=(),
                run=f"bench_{self._runs}",
            )
        )
        return list(found.repeats), found.methods


def _resampled(lab: _Lab) -> Iterator[Figure]:
    """Yield how often equal runs compare equal, and slower ones slower; slow and equal runs alternate."""
    slowed = _slowed_copy(lab.folder / "slowed")
    _short_run(lab, PROJECT)  # not counted: it warms up the server, for which one counted run is too short
    equal, slow = [], []
    for number in range(_RUNS):
        equal.append(_short_run(lab, PROJECT))
        if number % (_RUNS // _SLOW_RUNS) == 0:
            slow.append(_short_run(lab, slowed))
        say(f"run {number + 1} of {_RUNS}")
    pairs = [compare(base, new) for base, new in combinations(equal, 2)]
    yield figure(
        f"pairs of {_RUNS} equal runs that compare equal",
        "share",
        [statistics.fmean(all(each.verdict == "no difference found" for each in pair) for pair in pairs)],
    )
    for at, cell in enumerate(by_cell(equal[0])):
        log_s = [
            statistics.fmean(math.log(_us_a_row(repeat)) for repeat in by_cell(run)[cell]) for run in equal
        ]
        yield figure(f"{cell}: drift of equal runs", "standard deviation of ln", [statistics.stdev(log_s)])
        yield figure(f"{cell}: ratio of equal runs", "new to base", [pair[at].ratio for pair in pairs])
    found = [compare(base, new) for base, new in product(equal, slow)]
    yield figure(
        f"pairs with a run slower by {_SLOWER:.0%} that are called slower",
        "share",
        [statistics.fmean(any(each.verdict == "slower" for each in pair) for pair in found)],
    )
    for at, each in enumerate(found[0]):
        yield figure(f"{each.cell}: called slower", "share", [_share_slower([pair[at] for pair in found])])
        yield figure(f"{each.cell}: ratio of slower runs", "new to base", [pair[at].ratio for pair in found])


def _short_run(lab: _Lab, code: Path) -> list[Repeat]:
    """Run a short experiment with the code of a folder: a worker imports from the current folder first."""
    end_waiting()
    with contextlib.chdir(code):
        repeats, _ = lab.run(_RUN_CONTENDERS, [_RUN_LATENCY_S], [100], time_budget_s=_RUN_S)
    end_waiting()
    return repeats


def _slowed_copy(folder: Path) -> Path:
    """Return a folder with a copy of the pipeline in which each request takes longer by _SLOWER."""
    shutil.copytree(PROJECT / "pipeline", folder / "pipeline")
    file = folder / "pipeline" / "measure" / "experiment" / "contender.py"
    code = file.read_text(encoding="utf-8")
    if code.count(_TIMED) != 1:
        raise RuntimeError(f"{file}: it must time requests in exactly one place; update _TIMED")
    file.write_text(code.replace(_TIMED, _SLOWED), encoding="utf-8")
    return folder


def _share_slower(differences: Sequence[Difference]) -> float:
    return statistics.fmean(each.verdict == "slower" for each in differences)


def _us_a_row(repeat: Repeat) -> float:
    return 1e6 * repeat.elapsed_s / repeat.rows


def _unseen(lab: _Lab) -> Iterator[Figure]:
    """Yield the throughput of auto beside the best of a sweep, at a latency without a recommendation."""
    repeats, methods = lab.run(_SWEPT, _SWEPT_LATENCIES_S, _POOL_SIZES, time_budget_s=_SWEEP_S)
    recommendations = recommend(repeats, methods)
    autos = {
        contender: pool_size_at(recommendations, method, _UNSEEN_LATENCY_S)
        for contender, method in methods.items()
    }
    sizes = sorted({*_POOL_SIZES, *autos.values()})
    repeats, _ = lab.run(_SWEPT, [_UNSEEN_LATENCY_S], sizes, time_budget_s=_UNSEEN_S)
    for contender, auto in autos.items():
        rates = _rates(repeats, contender, _UNSEEN_LATENCY_S)
        best = max(rates, key=lambda size: statistics.median(rates[size]))
        what = f"{contender} at {_UNSEEN_LATENCY_S:g} s"
        yield figure(f"{what}: auto, {auto} in flight", "rows/s", rates[auto])
        yield figure(f"{what}: best of the sweep, {best} in flight", "rows/s", rates[best])
        share = statistics.median(rates[auto]) / statistics.median(rates[best])
        yield figure(f"{what}: auto beside the best", "share", [share])


def _rates(repeats: Sequence[Repeat], contender: str, latency_s: float) -> dict[int, list[float]]:
    return {
        cell.in_flight: [repeat.rows / repeat.elapsed_s for repeat in found]
        for cell, found in by_cell(repeats).items()
        if (cell.contender, cell.latency_s) == (contender, latency_s)
    }


_PARTS = {"compare": _resampled, "recommendations": _unseen}

if __name__ == "__main__":
    main()
