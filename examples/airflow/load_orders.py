"""A DAG for Apache Airflow 3: loads the orders of each day, and returns the counts of the load.

Airflow decides when, and Luigi what is still to be done. It was written by the task SDK 1.3. Airflow is not
among the packages of this project, whose tests run this file without it: try it before you rely on it.
"""

import datetime as dt
import json
import subprocess
from pathlib import Path

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PROJECT = Path("/srv/load")
TABLE = "shop.orders"
FAULTS = {
    10: "the same load is running already",
    20: "the files of the day are not there yet",
    30: "the load or its verification failed; the next try goes on after what is settled",
    35: "a setting is wrong, or the cluster could not be asked",
    40: "a setting is wrong, or Luigi itself failed",
}
POINTLESS_TO_RETRY = {35, 40}


@dag(
    schedule="15 2 * * *",
    start_date=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 8, "retry_delay": dt.timedelta(minutes=15)},
)
def load_orders() -> None:
    """Load and verify the files of the day before."""

    @task
    def load(day: str) -> dict[str, object]:
        """Return what load.json says of the day: rows, bad rows, seconds."""
        luigi = str(PROJECT / ".venv/bin/luigi")
        done = subprocess.run(
            [luigi, "--module", "tasks", "VerifyTable", "--table", TABLE, "--date", day],
            cwd=PROJECT,
            check=False,
        )
        if done.returncode:
            fault = f"{TABLE} of {day}: {FAULTS.get(done.returncode, f'exit code {done.returncode}')}"
            if done.returncode in POINTLESS_TO_RETRY:
                raise AirflowFailException(fault)
            raise AirflowException(fault)
        # A folder for each input; the day has a second one if its files were changed and loaded again.
        summaries = (PROJECT / "output" / "loads" / TABLE / day).glob("*/load.json")
        newest = max(summaries, key=lambda file: file.stat().st_mtime)
        counts: dict[str, object] = json.loads(newest.read_text(encoding="utf-8"))
        return counts

    load("{{ macros.ds_add(ds, -1) }}")


load_orders()
