"""The base of every load into a table: its parameters, its run, its report."""

import dataclasses
import datetime as dt
import hashlib
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import luigi
from filelock import FileLock

from pipeline.errors import RowFileError, abbreviated
from pipeline.files import write_text
from pipeline.load import jobs
from pipeline.load.sharing import SentRows, dry_run, send_rows
from pipeline.rowfiles.badrows import BAD_ROWS
from pipeline.rowfiles.formats import ENDINGS
from pipeline.rowfiles.sources import digest, options_of, size_of
from pipeline.rowfiles.stores.paths import FilePath, absolute
from pipeline.settings import ClusterConfig, LoadConfig
from pipeline.workers.client import run_job
from pipeline.workers.codec import to_json_values
from pipeline.workers.jobs import Progress
from tasks.cluster import pool_size_of, running_cluster
from tasks.engines import engine_of
from tasks.inputs import described, passed_over
from tasks.notes import notes_of
from tasks.options import FileParameters, LoadParameters
from tasks.parameters import Flag
from tasks.runs import finish_run, note_plan, note_sent
from tasks.settings import build, output_folder
from tasks.targets import CassandraTarget, TableRef, describe, loads_of
from tasks.terminal import conclude, log, progress_of, say

STARTED_S = time.time()
"""The start of this run of Luigi, in seconds since 1970 by this machine's clock."""


class LoadTask(LoadParameters, FileParameters):
    """A load of row files into a table; subclasses name the files and the table."""

    reload = Flag(default=False, description="Load again although the marker says it is finished.")
    dry_run = Flag(default=False, description="Check every row and say what would be loaded; send nothing.")

    @property
    def table_ref(self) -> TableRef:
        """The table."""
        raise NotImplementedError

    @property
    def source(self) -> str:
        """The name of the input; it differs from that of other loads into the table on the same day."""
        raise NotImplementedError

    def files(self) -> tuple[FilePath, ...]:
        """Return the current row files.

        Raises:
            RowFileError: there is none.
        """
        raise NotImplementedError

    def output(self) -> CassandraTarget:
        """The marker of this load."""
        return CassandraTarget(
            table_ref=self.table_ref,
            date=self.date,
            source=self.source,
            input_sha256=self._input_sha256(),
            since_s=STARTED_S if self.reload else None,
        )

    def complete(self) -> bool:
        """Whether the input is there and the marker exists; a dry run is never complete."""
        return not self.dry_run and self.is_input_there() and bool(super().complete())

    @classmethod
    def bulk_complete(cls, parameters: Iterable[dt.date]) -> list[dt.date]:
        """Return the dates that are loaded, by one query."""
        by_date = {date: task for date in parameters if (task := cls(date=date)).is_input_there()}
        if not by_date:
            return []
        description = describe(next(iter(by_date.values())).table_ref, list(by_date))
        return [date for date, task in by_date.items() if task.output().is_in(description)]

    def is_input_there(self) -> bool:
        """Whether the row files are there, so that it can be told whether they are loaded."""
        raise NotImplementedError

    @property
    def rows_generated(self) -> int:
        """How many rows the generated files must have; 0 allows any number."""
        return 0

    @property
    def folder(self) -> Path:
        """The folder for the load's report and its bad rows."""
        name = re.sub(r"[^\w.=-]+", "_", self.source)[-_NAME_MAX_CHARACTERS:]
        # Other inputs may have the same name as a folder, and one input may be read with several settings.
        told_by = hashlib.sha256(f"{absolute(self.source)}\n{self._options()}".encode(errors="replace"))
        return output_folder() / loads_of(self.table_ref, self.date) / f"{told_by.hexdigest()[:8]}_{name}"

    @property
    def files_of_failure(self) -> tuple[Path, ...]:
        """The files that say what is wrong with the input, if something is."""
        return (self.folder / BAD_ROWS,)

    def run(self) -> None:
        """Load what is not loaded yet, and mark the load as finished."""
        say_what_is_passed_over(self, self.source)
        load = self.as_job(running_cluster(), progress_of(self))
        if self.dry_run:
            with engine_of(self, load) as engine:
                tell = progress_of(self, bytes_of(load))
                checked = dry_run(run_job(jobs.PlanLoad(load=load)), engine, tell)
            columns = ", ".join(checked.columns)
            conclude(
                self,
                f"{checked.rows - checked.bad} rows would be loaded: {columns}; {checked.bad} are bad",
                *self.files_of_failure[: checked.bad],
            )
            return
        self._say_remarks([file.content.remark for file in load.files if file.content.remark])
        input_sha256 = digest(load.files, self._options())
        lock = output_folder() / "checkpoints" / f"{input_sha256}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        # Another load of the same files may be running: if it finishes, nothing is left to load.
        with FileLock(lock):
            if dataclasses.replace(self.output(), input_sha256=input_sha256).exists():
                conclude(self, "loaded already: the marker was found once the server ran")
                return
            self._run_load(load, input_sha256)

    def _run_load(self, load: jobs.Load, input_sha256: str) -> None:
        plan = run_job(jobs.PlanLoad(load=load))
        if not plan.table.sees_truncation:
            say(
                self,
                "this server does not tell whether a table was truncated: if it is during the load, the load "
                "does not notice; verify it",
            )
        note_plan(self, plan, input_sha256)
        begun = run_job(
            jobs.BeginLoad(
                plan=plan,
                anew=self.reload,
                day=self.date,
                source=self.source,
                input_sha256=input_sha256,
            )
        )
        if begun.rows:
            say(self, f"goes on behind {begun.rows} rows that a run before this one has loaded")
        notes_of(self).step("begin")
        with engine_of(self, load) as engine:
            sent = send_rows(begun, engine, progress_of(self, bytes_of(load)))
        note_sent(self, sent)
        self._require_same_files(load)
        counts = finish_run(
            self,
            jobs.FinishLoad(
                plan=begun.plan,
                journal=begun.journal,
                date=self.date,
                source=self.source,
                input_sha256=input_sha256,
                rows=self.rows_generated,
            ),
        )
        self._report(begun.rows, counts, sent)

    def _require_same_files(self, load: jobs.Load) -> None:
        """Return if the input still consists of the files that were loaded.

        Raises:
            RowFileError: a file was added or removed.
        """
        loaded, found = {file.path for file in load.files}, set(map(str, self.files()))
        changed = [f"{path} was added" for path in sorted(found - loaded)]
        changed += [f"{path} was removed" for path in sorted(loaded - found)]
        if changed:
            raise RowFileError(
                f"{self.source}: {abbreviated('; '.join(changed), 400)} while it was being loaded; "
                "run the load again: it loads what is there then"
            )

    def _report(self, resumed: int, counts: jobs.RowCounts, sent: SentRows) -> None:
        """Write the load's counts for its verification, and print them in a line or two."""
        results, elapsed_s = sent.shards, sent.elapsed_s
        rows_per_s = (counts.read - resumed) / elapsed_s
        retries: Counter[str] = sum((Counter(result.retries) for result in results), Counter())
        warned = sum(result.warned for result in results)
        windows: Counter[str] = sum((Counter(result.limits) for result in results), Counter())
        said = {
            **to_json_values(counts),
            "resumed": resumed,
            "elapsed_s": elapsed_s,
            "rows_per_s": rows_per_s,
            "workers": sent.worker_count,
            "retries": retries,
            "requests_in_flight_at_end": windows,
            "requests_with_a_warning": warned,
        }
        write_text(self.folder / "load.json", json.dumps(said, indent=2) + "\n")
        self._say_remarks(counts.remarks)
        if counts.bad:
            say(self, f"{counts.bad} bad rows were left out: see {self.folder / BAD_ROWS}")
        if retries:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(retries.items()))
            say(self, f"requests tried again: {kinds}")
        if warned:
            text = next(result.warning for result in results if result.warned)
            message = f"the server warned {warned} times, first: {text} See docs/loading.md"
            log(self, message, level=logging.WARNING)
        conclude(
            self,
            f"{counts.acknowledged} rows in {elapsed_s:.2f} s, {rows_per_s:.0f} rows/s",
            self.folder / "load.json",
            *self.files_of_failure[: counts.bad],
        )

    def _say_remarks(self, remarks: Sequence[str]) -> None:
        if remarks:
            say(self, remarks[0] + (f"; so it is in {len(remarks) - 1} more files" if remarks[1:] else ""))

    def as_job(self, cluster: ClusterConfig, progress: Progress) -> jobs.Load:
        """Return the description of this load for a worker; `progress` is that of the task that runs."""
        return jobs.Load(
            cluster=cluster,
            **self.table_ref.as_job,
            files=described(self.to_read(self.files()), progress),
            columns=self.columns_config(),
            values=self.values_config(),
            config=build(LoadConfig, self, pool_size=pool_size_of(self, cluster, self.method)),
            checkpoints=str(output_folder() / "checkpoints"),
            bad_rows=str(self.folder),
        )

    def _input_sha256(self) -> str | None:
        """Return the digest of the input and the reading options; None if the files are gone."""
        files = self._files_if_there()
        if not files:
            return None
        return digest(described(self.to_read(files)), self._options())

    def _options(self) -> str:
        """Return the settings that change what is written, as text."""
        dialects = [file.dialect for file in self.to_read(self._files_if_there())]
        return options_of(
            self.columns_config(),
            dialects,
            self.values_config(),
            self.nulls,
            self.ttl_s,
            self.timestamp_us,
        )

    def _files_if_there(self) -> tuple[FilePath, ...]:
        return self.files()


def say_what_is_passed_over(task: luigi.Task, source: str) -> None:
    """Print which entries of an input folder are not read.

    Raises:
        RowFileError: the folder cannot be read.
    """
    if passed := passed_over(source, any_ending=bool(task.format)):
        say(task, f"reads the {' and '.join(ENDINGS)} files of {source}, not {passed}")


def bytes_of(load: jobs.Load) -> Callable[[float], float]:
    """Return a function that tells how many bytes a share of a load's input is."""
    size_bytes = size_of(load.files) or 0
    return lambda share: share * size_bytes


_NAME_MAX_CHARACTERS = 120
