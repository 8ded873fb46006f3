"""Loads of hostile row files: each file is refused with a reason, or all its good rows are loaded."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults.outcome import ScenarioError, ScenarioOutcome, require
from faults.site import Environment, Site
from pipeline.cql.columns import Column
from pipeline.errors import PipelineError, WorkerError
from pipeline.load import jobs
from pipeline.rowfiles.badrows import read_bad_places
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.sources import describe_file, digest
from pipeline.rowfiles.splits import SourceFile
from pipeline.settings import ClusterConfig, KeyspaceConfig, LoadConfig
from pipeline.workers.client import run_job
from tests.harness.hostile import hostile_files
from tests.harness.hostileforms import hostile_forms
from tests.harness.hostilereading import config_of


def hostile(environment: Environment, times: int) -> ScenarioOutcome:
    """Load files with every kind of fault, all in one worker process."""
    with environment.site("hostile") as site:
        files = hostile_files(site.folder / "files", times, seed=7)
        return _load_all(site, [(file, Dialect()) for file in files])


def forms(environment: Environment, times: int) -> ScenarioOutcome:
    """Load packed files, JSON Lines, and CSV of all dialects and encodings, most with a fault."""
    with environment.site("forms") as site:
        files = hostile_forms(site.folder / "files", times, seed=7, has_bombs=True)
        return _load_all(site, [(file.path, file.dialect) for file in files])


def _load_all(site: Site, files: Sequence[tuple[Path, Dialect]]) -> ScenarioOutcome:
    """Load files, each read in its dialect."""
    seen: Counter[str] = Counter()
    faults: list[str] = []
    # In a thread, so that a hang is noticed; in only one, because its worker process ends with it.
    with ThreadPoolExecutor(1) as thread:
        for file, dialect in files:
            try:
                seen[thread.submit(_load, site, file, dialect).result(_TIMEOUT_S)] += 1
            except WorkerError as error:
                faults.append(f"{file.name}: {error}")
            except PipelineError as error:
                require(str(file) in str(error), f"{file.name} is not named: {error}")
                seen["refused"] += 1
            except (ScenarioError, TimeoutError) as error:
                faults.append(f"{file.name}: {error!r}")
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.items()))
    return ScenarioOutcome(times=len(files), faults=faults, seen=counts)


def _load(site: Site, file: Path, dialect: Dialect) -> str:
    """Load a file; return whether it had bad rows.

    Raises:
        ScenarioError: the counts or the rows in the table are wrong.
    """
    described = describe_file(file, dialect)
    folder = site.folder / "bad" / file.name
    load = jobs.Load(
        cluster=ClusterConfig(contact_points=site.endpoint.contact_points, port=site.endpoint.port),
        keyspace=KeyspaceConfig(name=site.keyspace),
        dataset="pipeline.datasets.users",
        files=(described,),
        columns=config_of(dialect),
        config=LoadConfig(max_bad_rows="100%"),
        checkpoints=str(site.folder / "checkpoints"),
        bad_rows=str(folder),
    )
    before = _keys(site)
    plan = run_job(jobs.PlanLoad(load=load))
    begun = run_job(jobs.BeginLoad(plan=plan, anew=False))
    run_job(jobs.LoadShard(plan=begun.plan, journal=begun.journal))
    counts = run_job(
        jobs.FinishLoad(
            plan=begun.plan,
            journal=begun.journal,
            date=dt.date(2026, 1, 1),
            source=file.name,
            input_sha256=digest([described], ""),
        )
    )
    good, rows = _good_keys(described, folder / "bad_rows.csv")
    require(counts.read == rows, f"{counts.read} rows were read of {rows}")
    require(counts.acknowledged + counts.bad == rows, f"{counts} do not add up")
    require(_keys(site) - before == good - before, "the rows in the table are not the good ones of the file")
    return "with bad rows" if counts.bad else "loaded whole"


def _keys(site: Site) -> set[str]:
    return {str(row.user_id) for row in site.session.execute(f"SELECT user_id FROM {site.keyspace}.user")}  # noqa: S608


def _good_keys(file: SourceFile, bad_rows: Path) -> tuple[set[str], int]:
    """Return the keys of the rows that are not in bad_rows.csv, and the number of all rows of the file."""
    bad = read_bad_places(bad_rows).get(file.path, set())
    fields = plan_fields([file], _COLUMNS, config_of(file.dialect))
    key = next(at for at, field in enumerate(fields) if field.column.is_key)
    good, rows = set(), len(bad)
    for split_rows in read_splits(file, fields):
        for place, value in zip(split_rows.places.tolist(), split_rows.columns[key].to_pylist(), strict=True):
            if place not in bad:
                good.add(str(value).lower())
                rows += 1
    return good, rows


_COLUMNS = [
    Column("user_id", "uuid", is_key=True),
    Column("first_name", "text", is_key=False),
    Column("last_name", "text", is_key=False),
]
_TIMEOUT_S = 120.0
