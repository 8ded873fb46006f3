"""What a run writes where no terminal is: lines for people and for machines."""

import csv
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from faults.running import RunningLoad
from tests.harness.users import users, write_csv
from tests.harness.workspace import PROJECT, Workspace

FIELDS = {"time", "level", "task", "table", "date", "run_id", "logger", "message"}
NOISY = """
import sys
import warnings

import luigi

from pipeline.rowfiles.jobs import FindObjects
from pipeline.workers.client import run_job
from tasks import *


class Noisy(luigi.Task):
    def complete(self):
        return False

    def run(self):
        print("printed,", "in one line")
        warnings.warn("an old way", stacklevel=1)
        raise RuntimeError("nobody expects this")
"""
IN_WORKERS = """
import sys

if "pipeline.worker" in sys.orig_argv:
    sys.stderr.write("a library's word\\n")
"""


@pytest.fixture
def as_json(workspace: Workspace) -> Workspace:
    """Return a workspace whose lines are JSON."""
    workspace.configure(output={"log_format": "json"})
    return workspace


def objects(output: str) -> list[dict[str, Any]]:
    """Return the lines of an output, each of which must be an object with what every line has."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    for line in lines:
        assert line.keys() >= FIELDS, line
    return lines


def test_each_line_has_its_time_and_its_run(workspace: Workspace) -> None:
    """As text, each message begins with its time, level, table, date and run id; Luigi's summary stays."""
    done = workspace.luigi("VerifyUsers", "--date", "2026-11-01")
    assert done.returncode == 0, done.stdout
    above, _, summary = done.stdout.partition("\n===== Luigi Execution Summary =====\n")
    begins = (
        rf"\d{{4}}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d [A-Z]+ {workspace.keyspace}\.user 2026-11-01 \w+\.\w+-\w+ "
    )
    for line in above.splitlines():
        assert re.match(begins + r"\w+: ", line), line
    assert "LoadUsers: 20 rows in " in above
    assert "This progress looks :)" in summary


def test_a_run_has_the_id_of_the_ledger(as_json: Workspace) -> None:
    """Lines of a load and a verification have the run ids of loads.csv; those of other tasks have one id."""
    lines = objects(as_json.luigi("VerifyUsers", "--date", "2026-11-01").stdout)
    with (as_json.folder / "output" / "loads.csv").open(encoding="utf-8", newline="") as text:
        ids = {row["task"]: row["run_id"] for row in csv.DictReader(text)}
    assert set(ids) == {"LoadUsers", "VerifyUsers"}
    for task, message in {"LoadUsers": "20 rows in ", "VerifyUsers": "20 of 20 rows are in"}.items():
        [line] = [line for line in lines if line["message"].startswith(message)]
        assert (line["task"], line["run_id"], line["date"]) == (task, ids[task], "2026-11-01")
        assert line["table"] == f"{as_json.keyspace}.user"
    assert len({line["run_id"] for line in lines} - set(ids.values())) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_failure_is_the_last_line(as_json: Workspace, workers: str) -> None:
    """A failure is one line below Luigi's summary, in parts: why, where to look, how to go on."""
    file = write_csv(as_json.folder / "bad.csv", [("not-a-uuid", "Ada", "Lovelace")])
    done = as_json.luigi("VerifyUsers", "--input", file.name, "--workers", workers)
    assert done.returncode == 30, done.stdout
    *above, last = objects(done.stdout)
    assert "This progress looks :(" in above[-1]["message"]
    assert (last["level"], last["task"], last["table"]) == ("ERROR", "LoadUsers", f"{as_json.keyspace}.user")
    assert "'not-a-uuid' is not a valid uuid" in last["why"]
    [rows] = last["look"]
    assert (as_json.folder / rows).name == "bad_rows.csv"
    assert last["go_on"] == "correct that, then run the same command again"


def test_text_ends_with_the_failure(workspace: Workspace) -> None:
    """As text, the same stands below Luigi's summary, a line each."""
    (workspace.folder / "rows.txt").touch()
    done = workspace.luigi("LoadUsers", "--input", "rows.txt")
    assert done.returncode == 35, done.stdout
    end = done.stdout.rpartition("===== Luigi Execution Summary =====")[2].strip().splitlines()
    assert [line.partition(":")[0] for line in end[1:]] == ["  why", "  go on"]
    assert end[0].endswith(" LoadUsers: did not run")
    assert end[1].startswith("  why:    rows.txt has none of the ends .csv, ")


def test_a_task_that_succeeds_in_the_end_is_no_failure(as_json: Workspace) -> None:
    """A task that fails, is tried again and succeeds is not among the failures of the end."""
    as_json.configure(worker={"keep_alive": "true"}, scheduler={"retry_delay": 1})
    file = write_csv(as_json.folder / "late.csv", [*users(2), ("not-a-uuid", "Ada", "Lovelace")])
    log = as_json.folder / "log"
    run = RunningLoad(
        as_json.command("LoadUsers", "--input", file.name), as_json.folder, log, as_json.environment()
    )
    try:
        run.until(lambda: "is not a valid uuid" in run.output)
        write_csv(as_json.folder / "mended", users(2)).replace(file)
        assert run.wait() == 0, run.output
    finally:
        run.kill()
    assert "This progress looks :" in objects(run.output)[-1]["message"]


def test_whatever_is_written_is_an_object(as_json: Workspace, tmp_path: Path) -> None:
    """Prints, warnings of Python, what workers write to standard error, and tracebacks are objects too."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "noisy.py").write_text(NOISY, encoding="utf-8")
    (modules / "sitecustomize.py").write_text(IN_WORKERS, encoding="utf-8")
    path = {"PYTHONPATH": f"{modules}:{PROJECT}"}
    lines = objects(as_json.luigi("--module", "noisy", "Noisy", **path).stdout)
    [printed] = [line for line in lines if line["logger"] == "stdout"]
    assert printed["message"] == "printed, in one line"
    [warned] = [line for line in lines if line["logger"] == "py.warnings"]
    assert "UserWarning: an old way" in warned["message"]
    assert (warned["level"], warned["task"]) == ("WARNING", "Noisy")
    [failed] = [line for line in lines if "traceback" in line]
    assert "nobody expects this" in failed["traceback"]
    assert lines[-1]["why"] == "RuntimeError: nobody expects this"
    lines = objects(as_json.luigi("LoadUsers", **path).stdout)
    words = [line for line in lines if line["message"] == "a library's word"]
    assert words
    assert {(line["level"], line["logger"]) for line in words} == {("WARNING", "pipeline.workers.stderr")}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("LoadUsers --rows ten", 40, "rows is 'ten'; it must be a whole number"),
        ("LoadUser", 1, "error: No task LoadUser. Did you mean"),
        ("CheckSetup --table absent", 30, "a load would fail"),
        ("LoadUsers --input absent.csv", 20, "its input is not there: absent.csv"),
    ],
)
def test_every_end_is_an_object(as_json: Workspace, words: str, code: int, message: str) -> None:
    """Whatever ends a command, its output is objects, and the last one says what it was."""
    done = as_json.luigi(*words.split())
    assert done.returncode == code, done.stdout
    last = objects(done.stdout)[-1]
    assert message in last["message"]
    assert last["level"] == "ERROR"


def test_an_interrupt_is_an_object(as_json: Workspace) -> None:
    """Ctrl-C is one object as well."""
    log = as_json.folder / "log"
    words = as_json.command("GenerateUsers", "--rows", "2000000")
    run = RunningLoad(words, as_json.folder, log, as_json.environment())
    try:
        run.until(lambda: list(as_json.folder.rglob(".*.tmp")))
        os.killpg(run.process.pid, signal.SIGINT)
        assert run.wait() != 0
    finally:
        run.kill()
    assert [
        line for line in objects(run.output) if line["message"].startswith("interrupted: nothing is half-")
    ]


def test_a_form_that_is_none_is_refused(workspace: Workspace) -> None:
    """A form of lines that is none is refused by its name, and the lines are text."""
    workspace.configure(output={"log_format": "xml"})
    done = workspace.luigi("LoadUsers")
    assert done.returncode != 0
    assert "log_format is 'xml'; it must be one of text, json" in done.stdout
