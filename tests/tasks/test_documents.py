"""docs/tasks.md is generated from the classes of the tasks."""

import json
import subprocess
import sys
from pathlib import Path

from tests.harness.interpreter import printed
from tests.harness.workspace import PROJECT

PROGRAM = """
import json, tasks
print(json.dumps({name: getattr(tasks, name).__doc__.partition("\\n")[0] for name in tasks.__all__}))
"""
OPTIONS = """
import json, luigi, tasks
from luigi.task_register import Register

def option(*words):
    return "--" + "-".join(words).replace("_", "-").replace(".", "-")

every = Register.get_all_params()
print(json.dumps([
    sorted({option(name) for each in tasks.__all__ for name, _ in getattr(tasks, each).get_params()}),
    sorted({option(family, name) for family, _, name, _ in every}),
]))
"""
PAGE = PROJECT / "docs" / "tasks.md"


def test_the_page_is_that_of_the_tasks(tmp_path: Path) -> None:
    """What `make settings-docs` writes into an empty page equals docs/tasks.md."""
    (tmp_path / "docs").mkdir()
    command = [sys.executable, "-m", "tasks.documents"]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    written = (tmp_path / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written, "docs/tasks.md is old: run `make settings-docs`"


def test_it_has_every_task_and_every_parameter() -> None:
    """Each task of the module has a section, which names its own parameters; none is named twice."""
    text = PAGE.read_text(encoding="utf-8")
    parts = dict(part.partition("\n")[::2] for part in text.split("\n## ")[1:])
    for name, sentence in json.loads(printed(PROGRAM)).items():
        assert parts[name].startswith(f"{sentence}\n")
    assert "| `--table` | required |" in parts["LoadTable"]
    assert "| `--date` | today |" in parts["LoadTable"]
    assert "`--mapping`" not in parts["LoadTable"]
    assert text.count("| `--mapping` |") == 1
    assert "(`pool_size` only)" in parts["ContenderReport"]
    assert "Also" not in parts["CompareReports"]


def test_no_parameter_begins_the_name_of_other_options() -> None:
    """Luigi took a task's `--new` for the beginning of `--news-…` of a section, and refused it."""
    own, others = json.loads(printed(OPTIONS))
    assert "--table" in own
    assert "--webhook-file" in others
    assert {each: [other for other in others if other.startswith(each)] for each in own} == {
        each: [] for each in own
    }
