"""The last runs of a table on this machine: what metrics are made of, and whether a success is news."""

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.files import write_text
from pipeline.runs.summary import MISSING, Requests, RunSummary


@dataclass(frozen=True, kw_only=True)
class LastRuns:
    """The last load and the last verification of a table, and when each last succeeded.

    The keys of `succeeded_at_s` are `load` and `verification`; its values are seconds since 1970.
    """

    keyspace: str
    table: str
    load: RunSummary | None = None
    verification: RunSummary | None = None
    succeeded_at_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def table_name(self) -> str:
        """`keyspace.table`."""
        return f"{self.keyspace}.{self.table}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the table's metrics."""
        return {"keyspace": self.keyspace, "table": self.table}

    def of_kind(self, run: RunSummary) -> RunSummary | None:
        """Return the last run of the same kind as a run, None if there is none."""
        return self.verification if _kind_of(run) == "verification" else self.load

    def says(self, run: RunSummary) -> bool:
        """Tell whether it is known already that the input of a run is missing."""
        before = self.of_kind(run)
        return (
            run.outcome == MISSING
            and before is not None
            and (before.outcome, before.date, before.input) == (MISSING, run.date, run.input)
        )

    def with_run(self, run: RunSummary) -> "LastRuns":
        """Return the last runs after one more."""
        kind = _kind_of(run)
        times = {**self.succeeded_at_s, **({kind: run.ended_at_s} if run.is_success else {})}
        if kind == "verification":
            return dataclasses.replace(self, verification=run, succeeded_at_s=times)
        return dataclasses.replace(self, load=run, succeeded_at_s=times)


def read_last_runs(folder: Path, keyspace: str, table: str) -> LastRuns:
    """Return the last runs of a table as the output folder has them; none if it has no such file.

    A damaged file counts as none: the next run writes it anew.
    """
    try:
        said = json.loads(_file(folder, keyspace, table).read_text(encoding="utf-8"))
        return LastRuns(
            keyspace=keyspace,
            table=table,
            load=_run_of(said["load"]),
            verification=_run_of(said["verification"]),
            succeeded_at_s=said["succeeded_at_s"],
        )
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return LastRuns(keyspace=keyspace, table=table)


def write_last_runs(folder: Path, last: LastRuns) -> None:
    """Write the last runs of a table.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    write_text(
        _file(folder, last.keyspace, last.table), json.dumps(dataclasses.asdict(last), default=str) + "\n"
    )


def _run_of(values: dict[str, Any] | None) -> RunSummary | None:
    # Not by the codec of jobs: it would cost a small load 10 ms to prepare it for this one value.
    if values is None:
        return None
    requests = {**values["requests"], "counts": tuple(values["requests"]["counts"])}
    return RunSummary(
        **{**values, "date": dt.date.fromisoformat(values["date"]), "requests": Requests(**requests)}
    )


def _kind_of(run: RunSummary) -> str:
    return "verification" if run.is_verification else "load"


def _file(folder: Path, keyspace: str, table: str) -> Path:
    return folder / "runs" / f"{keyspace}.{table}.json"
