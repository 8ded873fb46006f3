"""Compares two commits, each in a worktree and an environment of its own, on one server, in turn.

`python -m bench.commits BASE [NEW]` takes about 40 s per round of 1,000,000 users and writes
`bench/results/commits.csv`, one line per figure. Each commit is run by its own `bench.contenders.ours`, so
both commits only need the same command line of that module.
"""

import argparse
import contextlib
import json
import logging
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contest import CONSISTENCY_LEVELS, Task
from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.roster import PROJECT
from bench.rows import ensure_file
from bench.server import FILES, Server, open_server, own_cluster, server_cpu_s
from bench.tables import TABLES
from pipeline.embedded import Endpoint

_KEYSPACE = "bench"
_TIMEOUT_S = 1800


@dataclass(frozen=True, kw_only=True)
class _Commit:
    """A commit, and the folder with its worktree and environment."""

    name: str
    revision: str
    folder: Path


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One load of one commit; round 0 is the warm-up and does not count."""

    round: int
    commit: str
    revision: str
    rows_per_s: float
    client_cpu_us_per_row: float
    server_cpu_us_per_row: float
    max_rss_bytes: int


_COMPARED = {
    "client_cpu_us_per_row": ("client CPU", "µs a row"),
    "server_cpu_us_per_row": ("server CPU", "µs a row"),
    "rows_per_s": ("speed", "rows/s"),
    "max_rss_bytes": ("largest resident memory", "bytes"),
}


def main() -> None:
    """Measure, print and write the figures."""
    logging.basicConfig(level=logging.WARNING)
    found = _parsed()
    table = TABLES[found.table]
    file = ensure_file(FILES, table, min(found.rows, table.rows))
    with (
        _checked_out("base", found.base) as base,
        _checked_out("new", found.new) as new,
        own_cluster(found.nodes) as endpoint,
    ):
        runs = []
        for run in _rounds(found, endpoint, (base, new), file):
            say(run)
            if run.round:
                runs.append(run)
                write_lines(RESULTS / f"{found.name}-runs.csv", _Run, runs)
    figures = list(_figures(runs))
    write_lines(RESULTS / f"{found.name}.csv", Figure, figures)
    for each in figures:
        say(each)


def _rounds(
    found: argparse.Namespace, endpoint: Endpoint, commits: Sequence[_Commit], file: Path
) -> Iterator[_Run]:
    host, table = endpoint.contact_points[0], TABLES[found.table]
    order = random.Random()  # noqa: S311 - an order, nothing secret
    task = Task(
        host=host,
        port=endpoint.port,
        keyspace=_KEYSPACE,
        table=table,
        file=file,
        rows=min(found.rows, table.rows),
        consistency=found.consistency,
    )
    with open_server(
        host,
        endpoint.port,
        keyspace=_KEYSPACE,
        replication_factor=found.replication_factor,
        consistency=found.consistency,
    ) as server:
        server.create(table)
        for number in range(found.rounds + 1):
            for commit in order.sample(commits, k=len(commits)):
                yield _measured(server, task, commit, number, found.nodes)


def _measured(server: Server, task: Task, commit: _Commit, round_number: int, nodes: int) -> _Run:
    """Load the table once; return the measurements.

    Raises:
        RuntimeError: the load failed, or the table lacks rows.
    """
    server.renew(task.table)
    cpu_s = server_cpu_s(nodes)
    command = [str(commit.folder / ".venv/bin/python"), "-m", "bench.contenders.ours", *task.options()]
    done = subprocess.run(
        command, cwd=commit.folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    cpu_s = server_cpu_s(nodes) - cpu_s
    if done.returncode:
        raise RuntimeError(
            f"{commit.name} exited with {done.returncode}: {' '.join(command)}\n{done.stderr[-2000:]}"
        )
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if (counted := server.count(task.table)) != task.rows:
        raise RuntimeError(f"{commit.name}: {counted:,} rows in the table, {task.rows:,} in {task.file}")
    return _Run(
        round=round_number,
        commit=commit.name,
        revision=commit.revision,
        rows_per_s=task.rows / answer["elapsed_s"],
        client_cpu_us_per_row=answer["load_cpu_s"] / task.rows * 1e6,
        server_cpu_us_per_row=cpu_s / task.rows * 1e6,
        max_rss_bytes=answer["max_rss_bytes"],
    )


def _figures(runs: Sequence[_Run]) -> Iterator[Figure]:
    sides = {name: [run for run in runs if run.commit == name] for name in ("base", "new")}
    for name, side in sides.items():
        for field, (what, unit) in _COMPARED.items():
            yield figure(f"{name} {side[0].revision}, {what}", unit, [getattr(run, field) for run in side])
    for field, (what, _) in _COMPARED.items():
        pairs = zip(sides["base"], sides["new"], strict=True)
        ratios = [getattr(new, field) / getattr(base, field) for base, new in pairs]
        yield figure(f"new to base, {what}", "times", ratios)


@contextlib.contextmanager
def _checked_out(name: str, revision: str) -> Iterator[_Commit]:
    """Yield a worktree of the commit with an environment in it; remove it when the block ends.

    Raises:
        CalledProcessError: there is no such commit, or its environment cannot be made.
    """
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}")
    folder = FILES / "commits" / name
    _remove(folder)
    _git("worktree", "add", "--detach", str(folder), commit)
    try:
        say(f"{name} is {commit[:10]}; making its environment")
        subprocess.run([sys.executable, "bootstrap.py"], cwd=folder, check=True)
        yield _Commit(name=name, revision=commit[:10], folder=folder)
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        _git("worktree", "remove", "--force", str(folder))
    _git("worktree", "prune")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.commits", description=__doc__)
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("new", nargs="?", default="HEAD", help="the commit to judge; default: %(default)s")
    parser.add_argument("--name", default="commits", help="of the results' files; default: %(default)s")
    parser.add_argument(
        "--rounds", type=int, default=10, help="rounds after the warm-up; default: %(default)s"
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows at most; default: %(default)s")
    parser.add_argument("--nodes", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--replication-factor", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--consistency", choices=CONSISTENCY_LEVELS, default="LOCAL_ONE", help="default: %(default)s"
    )
    parser.add_argument("--table", choices=TABLES, default="users", help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
