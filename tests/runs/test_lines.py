import dataclasses
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import OutputError, ResultsError
from pipeline.runs.ledger.lines import LOADS_CSV, append_line, read_lines
from pipeline.runs.ledger.waiting import keep_waiting, waiting_lines
from pipeline.runs.summary import FAILED, Requests
from tests.harness.runs import loaded, verified


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    """A run read from loads.csv is the run that was written, but for how long its requests took."""
    runs = [
        loaded(),
        verified(),
        loaded(outcome=FAILED, rows_read=None, rows_per_s=None, error='a "quoted", \r\nbroken text'),
    ]
    for run in runs:
        append_line(tmp_path, run)
    assert read_lines(tmp_path) == [dataclasses.replace(run, requests=Requests()) for run in runs]


def test_processes_append_whole_lines(tmp_path: Path) -> None:
    """Of two processes that append at the same time, every line is whole, and there is one header."""
    with ProcessPoolExecutor(2) as processes:
        list(processes.map(append_line, [tmp_path] * 60, [loaded(run_id=f"{at}") for at in range(60)]))
    assert {run.run_id for run in read_lines(tmp_path)} == {f"{at}" for at in range(60)}


def test_a_file_of_other_columns_is_not_mixed_with_ours(tmp_path: Path) -> None:
    """A loads.csv with another header is left as it is, and the error names it."""
    (tmp_path / LOADS_CSV).write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(OutputError, match=r"loads\.csv has other columns"):
        append_line(tmp_path, loaded())
    assert (tmp_path / LOADS_CSV).read_text(encoding="utf-8") == "a,b\n1,2\n"


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """An error says in which line of loads.csv a value cannot be read."""
    append_line(tmp_path, loaded())
    file = tmp_path / LOADS_CSV
    file.write_text(file.read_text(encoding="utf-8").replace("2026-11-28", "yesterday"), encoding="utf-8")
    with pytest.raises(ResultsError, match=r"loads\.csv:2 is no line of a run"):
        read_lines(tmp_path)


def test_lines_wait_in_the_order_of_their_runs(tmp_path: Path) -> None:
    """What waits for the cluster is found again, the oldest first, and whole."""
    runs = [loaded(run_id="20261128T2"), loaded(run_id="20261128T1")]
    for run in runs:
        keep_waiting(tmp_path, run)
    assert [run for _, run in waiting_lines(tmp_path)] == runs[::-1]
