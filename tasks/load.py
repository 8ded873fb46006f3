"""What every load into a table shares, and the load of any table: `luigi --module tasks LoadTable`."""

import contextlib
import dataclasses
import datetime as dt
import hashlib
import ipaddress
import json
import os
import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import luigi
from filelock import FileLock

from pipeline import embedded
from pipeline.errors import EmbeddedError, RowFileError, SettingError, shown
from pipeline.files import write_text
from pipeline.measure.experiment.knee import pool_size_at, read_advice
from pipeline.rowfiles import files as rowfiles
from pipeline.rowfiles.badrows import BAD_ROWS, REJECTED
from pipeline.rowfiles.sources import describe_file, digest, options_of
from pipeline.settings import NULLS, WAYS, ClusterConfig, LoadConfig
from pipeline.workers import jobs
from pipeline.workers.client import run_job, run_jobs
from pipeline.workers.jobs import Result
from tasks import settings
from tasks.parameters import (
    Checked,
    Choice,
    Day,
    Input,
    Integer,
    Mapped,
    Number,
    OptionalInteger,
    PoolSize,
    Switch,
)
from tasks.settings import cluster_config, embedded_spec, keyspace_config, output_folder
from tasks.targets import CassandraTarget, Place
from tasks.terminal import progress_of, say

STARTED_S = time.time()
"""When this run of Luigi began, in seconds since 1970 by this machine's clock."""


class LoadParameters(luigi.Task):
    """How a load is done, for the load and for what follows it."""

    date = Day(description="The day of the batch.")
    way = Choice(
        section=settings.load,
        choices=WAYS,
        significant=False,
        description="batch: unlogged batches; prepared: a statement a row; create: a cqlengine call a row.",
    )
    pool_size = PoolSize(
        section=settings.load,
        significant=False,
        description="The most requests in flight, a process; auto: what RecommendPoolSize found.",
    )
    batch_size_bytes = Integer(
        section=settings.load,
        minimum=1,
        significant=False,
        description="The most that a batch of several rows has, as the server counts for its thresholds.",
    )
    processes = Integer(
        section=settings.load,
        minimum=0,
        significant=False,
        description="Worker processes to share the load; 0: as many as help.",
    )
    rows_per_s = Number(section=settings.load, significant=False, description="A cap; 0: none.")
    max_bad_rows = Checked(
        section=settings.load,
        significant=False,
        description="How many bad rows a load may have: a number, or a percentage such as 1.5%.",
    )
    nulls = Choice(
        section=settings.load,
        choices=NULLS,
        description="An empty field: unset leaves the cell, write deletes it.",
    )
    ttl_s = OptionalInteger(
        section=settings.load,
        minimum=0,
        description="Seconds until the rows expire; 0: never; empty: as the table's own default says.",
    )
    timestamp_us = Integer(
        default=0,
        minimum=0,
        description="The first row's write timestamp, µs since 1970; 0: the moment of the load.",
    )


class Load(LoadParameters):
    """A load of row files into a table: which files and which table, its kinds say."""

    reload = Switch(default=False, description="Load again although the marker says it is finished.")
    dry_run = Switch(
        default=False, description="Check every row and say what would be loaded; write nothing."
    )

    @property
    def place(self) -> Place:
        """The table."""
        raise NotImplementedError

    @property
    def source(self) -> str:
        """What tells this load from others into the table on the same day."""
        raise NotImplementedError

    def files(self) -> tuple[Path, ...]:
        """Return the row files, as they are now.

        Raises:
            RowFileError: there is none.
        """
        raise NotImplementedError

    def output(self) -> CassandraTarget:
        """The marker of this load."""
        return CassandraTarget(
            place=self.place,
            date=self.date,
            source=self.source,
            input_sha256=self._input_sha256(),
            since_s=STARTED_S if self.reload else None,
        )

    def complete(self) -> bool:
        """A dry run never is."""
        return not self.dry_run and bool(super().complete())

    @property
    def columns_of_fields(self) -> Mapping[str, str]:
        """Which field of the files feeds which column; empty where their headers name the columns."""
        return {}

    @property
    def rows_generated(self) -> int:
        """How many rows the files must have because they were generated; 0: as many as they have."""
        return 0

    @property
    def folder(self) -> Path:
        """Where the load says what it did, and which rows it did not load."""
        name = re.sub(r"[^\w.=-]+", "_", self.source)[-_NAME_MAX_CHARACTERS:]
        # Other inputs may look the same in a file's name, and one input may be read in several ways.
        told_by = hashlib.sha256(
            f"{Path(self.source).absolute()}\n{self._options()}".encode(errors="replace")
        )
        return output_folder() / loads_of(self.place, self.date) / f"{told_by.hexdigest()[:8]}_{name}"

    def run(self) -> None:
        """Load what is not loaded yet, and mark the load as finished."""
        say_what_is_passed_over(self, self.source)
        load = self.as_job(running_cluster())
        if self.dry_run:
            checked = run_job(jobs.CheckRows(load=load), progress_of(self))
            columns = ", ".join(checked["columns"])
            say(
                self,
                f"{checked['rows']} rows, {checked['bad']} bad ones among them, would be loaded: {columns}",
            )
            return
        input_sha256 = digest(load.files, self._options())
        lock = output_folder() / "checkpoints" / f"{input_sha256}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        # Another load of the same files may be under way: what it finishes need not be loaded again.
        with FileLock(lock):
            if dataclasses.replace(self.output(), input_sha256=input_sha256).exists():
                say(self, "loaded already: the marker was found once the server ran")
                return
            self._carry_out(load, input_sha256)

    def _carry_out(self, load: jobs.Load, input_sha256: str) -> None:
        begun = run_job(
            jobs.BeginLoad(
                load=load,
                anew=self.reload,
                day=self.date,
                source=self.source,
                input_sha256=input_sha256,
            )
        )
        if begun["rows"]:
            say(self, f"goes on behind {begun['rows']} rows that a run before this one has loaded")
        shares, tell = self._shares(load), progress_of(self)
        results = run_jobs(
            [
                jobs.LoadShare(load=load, journal=begun["journal"], share=share, shares=shares)
                for share in range(shares)
            ],
            tell,
        )
        tell(1, 1, "rows loaded")
        self._require_same_files(load)
        chunks = tuple(results[0]["chunks"])
        counts = run_job(
            jobs.FinishLoad(
                load=load,
                journal=begun["journal"],
                chunks=chunks,
                date=self.date,
                source=self.source,
                input_sha256=input_sha256,
                rows=self.rows_generated,
            )
        )
        self._report(begun["rows"], counts, results)

    def _require_same_files(self, load: jobs.Load) -> None:
        """Return if the input still means the files that were loaded.

        Raises:
            RowFileError: a file has joined them, or is gone.
        """
        loaded, found = {file.path for file in load.files}, set(map(str, self.files()))
        changed = [f"{path} was added" for path in sorted(found - loaded)]
        changed += [f"{path} was removed" for path in sorted(loaded - found)]
        if changed:
            raise RowFileError(
                f"{self.source}: {shown('; '.join(changed), 400)} while it was being loaded; "
                "run the load again: it loads what is there then"
            )

    def _report(self, resumed: int, counts: Result, results: list[Result]) -> None:
        """Keep what the load did, for its verification, and say it in a line or two."""
        elapsed_s = max(result["elapsed_s"] for result in results)
        rows_per_s = (counts["read"] - resumed) / elapsed_s
        retries: Counter[str] = sum((Counter(result["retries"]) for result in results), Counter())
        warned = sum(result["warned"] for result in results)
        windows: Counter[str] = sum((Counter(result["limits"]) for result in results), Counter())
        said = {
            **counts,
            "resumed": resumed,
            "elapsed_s": elapsed_s,
            "rows_per_s": rows_per_s,
            "processes": len(results),
            "retries": retries,
            "requests_in_flight_at_end": windows,
            "requests_with_a_warning": warned,
        }
        write_text(self.folder / "load.json", json.dumps(said, indent=2) + "\n")
        if counts["bad"]:
            say(self, f"{counts['bad']} bad rows were left out: see {self.folder / BAD_ROWS}")
        if retries:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(retries.items()))
            say(self, f"requests tried again: {kinds}")
        if warned:
            text = next(result["warning"] for result in results if result["warned"])
            say(self, f"the server warned {warned} times, first: {text} See docs/loading.md")
        # Last, because it is what stays on Luigi's page.
        say(self, f"{counts['acknowledged']} rows in {elapsed_s:.2f} s, {rows_per_s:.0f} rows/s")

    def as_job(self, cluster: ClusterConfig) -> jobs.Load:
        """Return what a worker is told of this load."""
        files = tuple(describe_file(file) for file in self.files())
        return jobs.Load(
            cluster=cluster,
            **self.place.as_job,
            files=files,
            mapping=dict(self.columns_of_fields),
            config=self._config(cluster),
            checkpoints=str(output_folder() / "checkpoints"),
            bad_rows=str(self.folder),
        )

    def _config(self, cluster: ClusterConfig) -> LoadConfig:
        return LoadConfig(
            way=self.way,
            pool_size=pool_size_of(self, cluster, self.way),
            batch_size_bytes=self.batch_size_bytes,
            nulls=self.nulls,
            ttl_s=self.ttl_s,
            timestamp_us=self.timestamp_us,
            rows_per_s=self.rows_per_s,
            max_bad_rows=self.max_bad_rows,
            retry_budget_s=settings.load().retry_budget_s,
        )

    def _shares(self, load: jobs.Load) -> int:
        """Return how many processes load; for 0 one, or up to one a core where the server is elsewhere."""
        if self.processes:
            return int(self.processes)
        if all(_is_loopback(host) for host in load.cluster.contact_points):
            return 1
        return max(
            1, min(len(os.sched_getaffinity(0)), sum(file.rows for file in load.files) // _ROWS_A_PROCESS)
        )

    def _input_sha256(self) -> str | None:
        """Return what the input and the way it is read come to, None where its files are gone."""
        files = self._files_if_there()
        if not files:
            return None
        return digest(map(describe_file, files), self._options())

    def _options(self) -> str:
        """Return what of the settings changes what is written, as text."""
        return options_of(self.columns_of_fields, self.nulls, self.ttl_s, self.timestamp_us)

    def _files_if_there(self) -> tuple[Path, ...]:
        return self.files()


class TableParameters(LoadParameters):
    """Which table, and which files."""

    table = Checked(description="keyspace.table; without a keyspace, the one in luigi.cfg.")
    input = Input(description="Row files: a file, a folder or a glob.")
    mapping = Mapped(
        default={},
        description="field=column, …: loads these fields alone; else the header names the columns.",
    )


class LoadTable(Load, TableParameters):
    """Load row files into any table there is."""

    @property
    def place(self) -> Place:
        """The table that is named."""
        return named_place(self.table)

    @property
    def source(self) -> str:
        """The input as it is given."""
        return str(self.input)

    @property
    def columns_of_fields(self) -> Mapping[str, str]:
        """The mapping that is given."""
        mapping: Mapping[str, str] = self.mapping
        return mapping

    def files(self) -> tuple[Path, ...]:
        """Return the input's files."""
        return rowfiles.find_files(self.input)


class ReplayBadRows(LoadTable):
    """Load the rows that a day's loads into a table rejected, once they are mended in `rejected.csv`."""

    input = Input(default="", description="The mended files; else every rejected.csv of that table and day.")

    @property
    def source(self) -> str:
        """The input as it is given, or where the rejected rows are."""
        return str(self.input or output_folder() / loads_of(self.place, self.date) / "*" / REJECTED)

    def files(self) -> tuple[Path, ...]:
        """Return the mended files."""
        return rowfiles.find_files(self.source)


def named_place(name: str) -> Place:
    """Return the table of that name, which may begin with its keyspace; each may stand in CQL's quotes.

    Raises:
        SettingError: it is no such name.
    """
    part = r'"(?:[^"]|"")+"|[^".]+'
    found = re.fullmatch(rf"(?:({part})\.)?({part})", name)
    if not found:
        raise SettingError(f"table is {name!r}; it must be a table's name, or keyspace.table")
    keyspace, table = (
        text[1:-1].replace('""', '"') if text.startswith('"') else text for text in found.groups("")
    )
    config = keyspace_config()
    return Place(dataclasses.replace(config, name=keyspace or config.name), table=table)


def say_what_is_passed_over(task: luigi.Task, source: str) -> None:
    """Say what of an input that is a folder the task does not read.

    Raises:
        RowFileError: the folder cannot be read.
    """
    if passed := rowfiles.passed_over(source):
        say(task, f"reads the .csv and .parquet files of {source}, not {rowfiles.listed(passed)}")


def loads_of(place: Place, date: dt.date) -> Path:
    """Return the folder for what a day's loads into a table say, below the folder for output."""
    return Path("loads", f"{place.keyspace.name}.{place.label}", f"{date}")


def running_cluster() -> ClusterConfig:
    """Return the cluster to talk to; the embedded one is started where it does not run.

    Raises:
        SettingError: a setting is wrong.
        EmbeddedError: the embedded cluster does not start.
    """
    if spec := embedded_spec():
        embedded.start(spec)
    cluster = cluster_config()
    if cluster is None:
        raise EmbeddedError("the embedded Cassandra has ended; run the command again, or: make start")
    return cluster


def pool_size_of(task: luigi.Task, cluster: ClusterConfig, way: str) -> int:
    """Return how many requests a task may have in flight: where that is `auto`, what the sweep found best.

    `batch` finds its own: then it is only the most, and the default.

    Raises:
        SettingError: there is no advice for the way, or its file is damaged.
        ClusterError: the cluster's latency cannot be measured.
    """
    if task.pool_size:
        return int(task.pool_size)
    if way == "batch":
        return LoadConfig().pool_size
    file = output_folder() / POOL_SIZE_FILE
    advice = read_advice(file)
    round_trip_s = run_job(jobs.MeasureRoundTrip(cluster=cluster))["round_trip_s"]
    size = pool_size_at(advice, way, round_trip_s)
    say(task, f"pool size {size} by {file}: a round trip to the cluster takes {1000 * round_trip_s:.1f} ms")
    return size


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


POOL_SIZE_FILE = "pool_size.toml"
"""What RecommendPoolSize found, in the folder for output."""

_ROWS_A_PROCESS = 500_000
_NAME_MAX_CHARACTERS = 120
