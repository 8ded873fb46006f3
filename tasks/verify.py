"""What every verification shares, and that of any table: `luigi --module tasks VerifyTable`."""

import contextlib
import json
from pathlib import Path

import luigi

from pipeline import jobs
from pipeline.atomic import write_text
from pipeline.jobs import Result
from pipeline.processes import run_job
from tasks.load import Load, LoadParameters, LoadTable, TableParameters, running_cluster
from tasks.parameters import Switch
from tasks.terminal import progress_of, say


class Verify(LoadParameters):
    """Account for every row of a load: its files are read again, and the table is read back."""

    load: type[Load]

    exact = Switch(default=False, description="Prove also that the table holds no other row.")

    def requires(self) -> list[luigi.Task]:
        """The load, and what it required: its files are read again."""
        load = self.clone(self.load)
        return [*luigi.task.flatten(load.requires()), load]

    def output(self) -> luigi.LocalTarget:
        """What was counted, as JSON."""
        name = "verified_exact.json" if self.exact else "verified.json"
        return luigi.LocalTarget(self.clone(self.load).folder / name)

    def complete(self) -> bool:
        """Only of a load that still stands: a dropped table or a changed input is to be verified anew."""
        return bool(self.output().exists() and self.clone(self.load).complete())

    def run(self) -> None:
        """Read back and compare."""
        load = self.clone(self.load)
        counted = run_job(
            jobs.VerifyFiles(load=load.as_job(running_cluster()), exact=self.exact), progress_of(self)
        )
        said = {**_counts_of(load), **counted}
        write_text(Path(self.output().path), json.dumps(said, indent=2) + "\n")
        say(self, f"{counted['present']} of {counted['distinct_keys']} rows are in the table")
        if counted["duplicate_keys"]:
            first = "; ".join(counted["duplicates"])
            say(self, f"{counted['duplicate_keys']} keys stand more than once, the last row won: {first}")


class VerifyTable(Verify, TableParameters):
    """Prove that every row of some files is in a table, with its values."""

    load = LoadTable


def _counts_of(load: Load) -> Result:
    """Return what the load counted, nothing where another machine did it."""
    with contextlib.suppress(FileNotFoundError):
        said = json.loads((load.folder / "load.json").read_text(encoding="utf-8"))
        return {name: said[name] for name in ("sent", "acknowledged")}
    return {"sent": None, "acknowledged": None}
