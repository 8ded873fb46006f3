"""The comparison: `python -m bench.run` creates files and tables, runs the contenders, prints a summary.

In a round each contender runs once, in random order, on a truncated table; the rows are counted after each
run. The first round is a warm-up and does not count, because a Java server is slow at first.
"""

import argparse
import contextlib
import json
import logging
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from cassandra import DriverException
from cassandra.cluster import NoHostAvailable

from bench.contest import CONSISTENCY_LEVELS, Task
from bench.figures import write_lines
from bench.results import RESULTS, ContenderRun, Summary, as_text, plot, summarise
from bench.roster import ROSTER, BenchContender
from bench.rows import as_parquet, ensure_file
from bench.server import FILES, Server, open_server, own_cluster, server_cpu_s
from bench.tables import TABLES, BenchTable
from pipeline.embedded import Endpoint
from pipeline.errors import PipelineError

KEYSPACE = "bench"
_WARM_UP_ROWS = 200_000
_SAMPLED_ROWS = 200
_REPLICAS = 3
_OVERHEAD_S = 8.0
"""The time of a run without its load: starting a process, truncating, counting."""


def _plan(found: argparse.Namespace) -> Iterator[tuple[int, BenchTable, BenchContender, int]]:
    """Yield round, table, contender and number of rows in the order of the runs; round 0 is the warm-up."""
    order = random.Random()  # noqa: S311 - an order, nothing secret
    for round_number in range(found.rounds + 1):
        for name in found.tables:
            most = _most_rows(found, name)
            if round_number == 0:
                most = min(most, _WARM_UP_ROWS)
            contenders = [ROSTER[label] for label in found.contenders]
            order.shuffle(contenders)
            for contender in contenders:
                yield round_number, TABLES[name], contender, contender.rows_of(most)


def _measure(
    server: Server, contender: BenchContender, task: Task, round_number: int, nodes: int | None
) -> ContenderRun:
    """Run a contender once; `nodes` is the size of the bench's own cluster, None for another one."""
    server.empty(task.table)
    cpu_s = server_cpu_s(nodes) if nodes else 0.0
    answer = json.loads(contender.run(task.options()))
    cpu_s = server_cpu_s(nodes) - cpu_s if nodes else 0.0
    if answer["rows"] != task.rows:
        raise RuntimeError(
            f"{contender.label} reports {answer['rows']} loaded rows, not {task.rows} of {task.file}"
        )
    sample = list(replace(task, rows=_SAMPLED_ROWS).read())
    return ContenderRun(
        round=round_number,
        contender=contender.label,
        version=answer["version"],
        table=task.table.name,
        rows=task.rows,
        elapsed_s=answer["elapsed_s"],
        rows_per_s=task.rows / answer["elapsed_s"],
        startup_s=answer["startup_s"],
        process_s=answer["process_s"],
        client_cpu_us_per_row=answer["client_cpu_s"] / task.rows * 1e6,
        load_cpu_us_per_row=answer["load_cpu_s"] and answer["load_cpu_s"] / task.rows * 1e6,
        server_cpu_us_per_row=cpu_s / task.rows * 1e6 if nodes else None,
        max_rss_bytes=answer["max_rss_bytes"],
        counted=server.count(task.table),
        sampled=len(sample),
        wrong=server.wrong(task.table, sample),
    )


def _compare(found: argparse.Namespace, endpoint: Endpoint) -> tuple[list[ContenderRun], list[str]]:
    files = {name: ensure_file(FILES, TABLES[name], _most_rows(found, name)) for name in found.tables}
    for name, file in files.items():
        as_parquet(file, TABLES[name])  # now, so that no contender's time includes it
    runs: list[ContenderRun] = []
    failures: list[str] = []
    with open_server(
        endpoint.contact_points[0],
        endpoint.port,
        keyspace=KEYSPACE,
        replication_factor=min(_REPLICAS, len(endpoint.contact_points)),
        consistency=found.consistency,
    ) as server:
        _say(f"Cassandra {server.release()}, {len(endpoint.contact_points)} nodes")
        for name in found.tables:
            server.create(TABLES[name])
        for round_number, table, contender, rows in _plan(found):
            task = Task(
                host=endpoint.contact_points[0],
                port=endpoint.port,
                keyspace=KEYSPACE,
                table=table,
                file=files[table.name],
                rows=rows,
                consistency=found.consistency,
            )
            try:
                run = _measure(server, contender, task, round_number, None if found.host else found.nodes)
            except RuntimeError as error:
                # The other runs take hours and continue; failures are printed again at the end.
                _say(f"round {round_number or 'warm-up'}: {table.name}, FAILED: {error}")
                failures.append(f"{table.name}, round {round_number}: {contender.label}")
                continue
            _say(_line(run))
            if round_number:
                runs.append(run)
                write_lines(RESULTS / f"{found.name}.csv", ContenderRun, runs)
    if not runs:
        raise RuntimeError("no run succeeded; the error of each run is printed above")
    return runs, failures


def _line(run: ContenderRun) -> str:
    flaws = [
        f", {number:,} rows {flaw}"
        for number, flaw in ((run.rows - run.counted, "MISSING"), (run.wrong, f"of {run.sampled} WRONG"))
        if number
    ]
    return (
        f"round {run.round or 'warm-up'}: {run.table}, {run.contender}, {run.rows:,} rows: "
        f"{run.rows_per_s:,.0f} rows/s, {run.client_cpu_us_per_row:.2f} µs of CPU a row{''.join(flaws)}"
    )


def _most_rows(found: argparse.Namespace, name: str) -> int:
    return min(found.rows or TABLES[name].rows, TABLES[name].rows)


@contextlib.contextmanager
def _cluster(found: argparse.Namespace) -> Iterator[Endpoint]:
    if found.host:
        yield Endpoint(contact_points=(found.host,), port=found.port)
        return
    with own_cluster(found.nodes) as endpoint:
        yield endpoint


def _announce(found: argparse.Namespace) -> None:
    plan = list(_plan(found))
    seconds = sum(
        rows / contender.expected_rows_per_s / table.pace + _OVERHEAD_S for _, table, contender, rows in plan
    )
    _say(
        f"{len(plan)} runs: {found.rounds} rounds and a warm-up; about "
        f"{seconds * found.nodes / 60:.0f} minutes on an "
        f"otherwise idle machine; it is {time.strftime('%H:%M')}"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--name", default="one-node", help="of the results' files; default: %(default)s")
    parser.add_argument(
        "--nodes", type=int, default=1, help="the replication factor is at most 3; default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--rows", type=int, help="rows of each table at most; default: all")
    parser.add_argument(
        "--tables",
        nargs="+",
        choices=TABLES,
        default=["users", "orders", "pages"],
        help="default: %(default)s",
    )
    parser.add_argument("--contenders", nargs="+", choices=ROSTER, default=list(ROSTER), help="default: all")
    parser.add_argument(
        "--consistency", choices=CONSISTENCY_LEVELS, default="LOCAL_ONE", help="default: %(default)s"
    )
    parser.add_argument("--host", help="a running server; default: a cluster of the benchmark's own")
    parser.add_argument("--port", type=int, default=9042, help="port of --host; default: %(default)s")
    return parser.parse_args()


def main() -> int:
    """Run the comparison; return the exit code."""
    found = _parsed()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    _announce(found)
    try:
        with _cluster(found) as endpoint:
            runs, failures = _compare(found, endpoint)
        summary = summarise(runs)
        write_lines(RESULTS / f"{found.name}-summary.csv", Summary, summary)
        plot(RESULTS / f"{found.name}.png", summary, title=f"Rows a second, {found.rounds} rounds")
    except (PipelineError, RuntimeError, DriverException, NoHostAvailable) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _say(as_text(summary))
    for failure in failures:
        sys.stderr.write(f"failed: {failure}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
