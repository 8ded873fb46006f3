"""The base of every verification."""

import contextlib
import json
import time
from pathlib import Path

import luigi
from luigi.cmdline_parser import CmdlineParser

from pipeline.files import write_text
from pipeline.load.jobs import PlanLoad
from pipeline.runs.summary import VERIFIED
from pipeline.verify.asking import verified
from pipeline.workers.client import run_job
from pipeline.workers.codec import to_json_values
from tasks.cluster import running_cluster
from tasks.engines import engine_of
from tasks.load import STARTED_S, LoadTask, bytes_of, say_what_is_passed_over
from tasks.notes import notes_of
from tasks.options import LoadParameters
from tasks.parameters import Flag
from tasks.runs import record, summary_of
from tasks.targets import TableRef
from tasks.terminal import conclude, progress_of, say


class Verify(LoadParameters):
    """Account for every row of a load: its files are read again, and the table is read back."""

    load: type[LoadTask]

    exact = Flag(default=False, description="Prove also that the table holds no other row.")

    @property
    def table_ref(self) -> TableRef:
        """The table of the load."""
        found: TableRef = self.clone(self.load).table_ref
        return found

    def requires(self) -> list[luigi.Task]:
        """The load and its requirements: its files are read again."""
        load = self.clone(self.load)
        return [*luigi.task.flatten(load.requires()), load]

    def output(self) -> luigi.LocalTarget:
        """The counts, as JSON."""
        name = "verified_exact.json" if self.exact else "verified.json"
        return luigi.LocalTarget(self.clone(self.load).folder / name)

    def complete(self) -> bool:
        """Complete while the marker of the verified load exists; another load must be verified again.

        A verification that is named on the command line always runs: the user asks for the current state.
        Without its input, nothing is verified: the run then waits for the input, as its load does.
        """
        if not self.clone(self.load).is_input_there() or not self.output().exists():
            return False
        said = json.loads(Path(self.output().path).read_text(encoding="utf-8"))
        is_of_this_run = said.get("verified_at_s", 0) >= STARTED_S
        marker = self.clone(self.load).output().marker()
        is_wanted_anew = self._is_named and not is_of_this_run
        return not is_wanted_anew and marker is not None and said.get("marker") == to_json_values(marker)

    @property
    def _is_named(self) -> bool:
        """Whether the command line names this task, so that no other task requires it."""
        command = CmdlineParser.get_instance()
        return command is None or command.get_task_obj().task_id == self.task_id

    def run(self) -> None:
        """Read back and compare."""
        load = self.clone(self.load)
        say_what_is_passed_over(self, load.source)
        marker = load.output().marker()
        plan = run_job(PlanLoad(load=load.as_job(running_cluster(), progress_of(self))))
        notes = notes_of(self)
        notes.step("plan", server_version=plan.server_version)
        with engine_of(self, plan.load) as engine:
            counted = verified(
                plan, engine, exact=self.exact, progress=progress_of(self, bytes_of(plan.load))
            )
        notes.step("verify", rows_read=counted.read, rows_bad=counted.bad, rows_verified=counted.present)
        said = {
            **_counts_of(load),
            **to_json_values(counted),
            "marker": to_json_values(marker),
            "verified_at_s": time.time(),
        }
        write_text(Path(self.output().path), json.dumps(said, indent=2) + "\n")
        notes.told = summary_of(self, load, VERIFIED, digest=marker.input_sha256 if marker else "")
        record(load, notes.told)
        if counted.duplicate_keys:
            first = "; ".join(counted.duplicates)
            say(self, f"{counted.duplicate_keys} keys stand more than once, the last row won: {first}")
        present = f"{counted.present} of {counted.distinct_keys} rows are in the table"
        conclude(self, present, Path(self.output().path))


def _counts_of(load: LoadTask) -> dict[str, int | None]:
    """Return the counts of the load; nothing if another machine ran it."""
    with contextlib.suppress(FileNotFoundError):
        said = json.loads((load.folder / "load.json").read_text(encoding="utf-8"))
        return {name: said[name] for name in ("sent", "acknowledged")}
    return {"sent": None, "acknowledged": None}
