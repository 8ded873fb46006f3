"""This project's own load, in one process like its worker's, with journal, error budget and marker."""

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402 - nothing comes before the patch
import os  # noqa: E402
import tempfile  # noqa: E402
from datetime import date  # noqa: E402
from itertools import islice  # noqa: E402
from pathlib import Path  # noqa: E402

from cassandra.cqlengine import columns  # noqa: E402
from cassandra.cqlengine.models import Model  # noqa: E402

from bench.contest import Stopwatch, Task, arguments, task_of  # noqa: E402
from bench.rows import as_parquet  # noqa: E402
from pipeline.load import handlers, jobs  # noqa: E402
from pipeline.rowfiles.sources import describe_file  # noqa: E402
from pipeline.settings import METHODS, ClusterConfig, KeyspaceConfig, LoadConfig  # noqa: E402


def main() -> None:
    """Load the file that the command line names and print the outcome."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--method", choices=METHODS, default="batch")
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("--batch-size-bytes", type=int, default=LoadConfig().batch_size_bytes)
    found = parser.parse_args()
    os.environ["CQLENG_ALLOW_SCHEMA_MANAGEMENT"] = "1"
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(found)
        file = _first_rows(task, Path(folder))
        if found.parquet:
            file = as_parquet(file, task.table)
        config = LoadConfig(method=found.method, batch_size_bytes=found.batch_size_bytes)
        with Stopwatch() as watch:
            counts = _load(task, file, Path(folder), config)
        watch.outcome(f"ours, {found.method}", version="this commit", rows=counts.acknowledged).print()


def _load(task: Task, file: Path, folder: Path, config: LoadConfig) -> jobs.RowCounts:
    load = jobs.Load(
        cluster=ClusterConfig(
            contact_points=(task.host,), port=task.port, consistency_level=task.consistency
        ),
        keyspace=KeyspaceConfig(name=task.keyspace),
        table=task.table.name,
        files=(describe_file(file),),
        config=config,
        checkpoints=str(folder / "checkpoints"),
        bad_rows=str(folder / "bad"),
    )
    plan = handlers.plan_load(jobs.PlanLoad(load=load), _quiet)
    begun = handlers.begin(jobs.BeginLoad(plan=plan, anew=False), _quiet)
    shared = jobs.LoadShard(plan=begun.plan, journal=begun.journal)
    handlers.load_shard(shared, _quiet, model=_model(task) if config.method == "create" else None)
    return handlers.finish(
        jobs.FinishLoad(
            plan=begun.plan,
            journal=begun.journal,
            date=date.min,
            source="bench",
            input_sha256="",
        ),
        _quiet,
    )


def _model(task: Task) -> type[Model]:
    """Return the cqlengine model of the table, for the method that needs one."""
    attributes = {
        name: _COLUMNS[cql_type](primary_key=name == task.table.key)
        for name, cql_type in task.table.columns.items()
    }
    names = {"__keyspace__": task.keyspace, "__table_name__": task.table.name}
    return type("Row", (Model,), {**attributes, **names})


def _first_rows(task: Task, folder: Path) -> Path:
    """Return a file with only the first `task.rows` rows."""
    if task.rows >= task.table.rows:
        return task.file
    first = folder / task.file.name
    with task.file.open("rb") as whole, first.open("wb") as part:
        part.writelines(islice(whole, task.rows + 1))
    return first


def _quiet(done: int, total: int, what: str) -> None:
    del done, total, what


_COLUMNS = {
    "uuid": columns.UUID,
    "int": columns.Integer,
    "timestamp": columns.DateTime,
    "decimal": columns.Decimal,
    "text": columns.Text,
}

if __name__ == "__main__":
    main()
