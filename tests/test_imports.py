"""Imports of each module, in a fresh interpreter, because this one has imported everything already."""

import ast
from pathlib import Path

import pytest

from tests.harness.interpreter import imported, printed
from tests.harness.workspace import PROJECT

MODULES = sorted(
    ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
    for folder in ("pipeline", "tasks")
    for file in (PROJECT / folder).rglob("*.py")
)


def packages(modules: set[str]) -> set[str]:
    """Return the top-level packages of modules."""
    return {module.partition(".")[0] for module in modules}


def test_the_package_imports_nothing() -> None:
    """`import pipeline` adds no other module, so that a worker can patch first."""
    assert imported("import pipeline") - imported("") == {"pipeline"}


def test_tasks_are_quick_to_import() -> None:
    """`import tasks` imports neither gevent, the driver, Arrow, NumPy nor Faker into Luigi's process."""
    program = "\n".join(f"import {module}" for module in MODULES if module.startswith("tasks"))
    found = packages(imported(program))
    assert "luigi" in found
    assert found.isdisjoint({"gevent", "cassandra", "pyarrow", "numpy", "scipy", "faker"})


def test_the_library_knows_no_luigi() -> None:
    """No module of `pipeline` imports luigi or `tasks`."""
    program = "\n".join(f"import {module}" for module in MODULES if module.startswith("pipeline"))
    assert packages(imported(program)).isdisjoint({"luigi", "tasks"})


@pytest.mark.parametrize(
    "module",
    [
        "pipeline.measure.article.timing",
        "pipeline.measure.article.report",
        "pipeline.requests.latencies",
        "pipeline.measure.experiment.statistics",
        "pipeline.measure.experiment.comparison",
        "pipeline.measure.experiment.recommendation",
        "pipeline.measure.experiment.latency_log",
    ],
)
def test_measurements_know_no_driver(module: str) -> None:
    """Modules that read measurements import neither the driver nor gevent."""
    assert packages(imported(f"import {module}")).isdisjoint({"cassandra", "gevent"})


def test_nothing_precedes_the_patch() -> None:
    """Before the worker patches everything, it imports only gevent's monkey and what that one imports."""
    _, *statements = ast.parse((PROJECT / "pipeline/worker.py").read_text(encoding="utf-8")).body
    said = [ast.unparse(statement) for statement in statements]
    before = said[: said.index("monkey.patch_all()")]
    assert [each for each in before if "import " in each] == [
        "import importlib.metadata",
        "from gevent import monkey",
    ]


def test_a_worker_reads_no_other_packages() -> None:
    """A worker starts without a look at what each installed package declares; afterwards, one can look."""
    program = """
import sys

read = []
sys.addaudithook(lambda event, arguments: event == "open" and read.append(str(arguments[0])))
import pipeline.worker

print(sum(path.endswith("entry_points.txt") for path in read))
from importlib.metadata import entry_points

print(len(entry_points()) > 0)
"""
    assert printed(program).split() == ["0", "True"]


def test_no_import_opens_a_session(tmp_path: Path) -> None:
    """The import of any module of the project makes no cluster and opens no socket."""
    opened = tmp_path / "opened"
    program = f"""
import sys

def hear(event, arguments):
    if event == "socket.connect":
        open({str(opened)!r}, "a").write(repr(arguments))

sys.addaudithook(hear)
import cassandra.cluster

def refuse(self, *_, **__):
    raise RuntimeError("a cluster was made while importing")

cassandra.cluster.Cluster.__init__ = refuse
""" + "\n".join(f"import {module}" for module in MODULES)
    assert imported(program) >= set(MODULES)
    assert not opened.exists()
