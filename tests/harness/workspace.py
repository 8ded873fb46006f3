"""A folder with a luigi.cfg of its own, and the real `luigi` command in it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from pipeline import embedded
from pipeline.settings import ClusterConfig, KeyspaceConfig

PROJECT = Path(__file__).resolve().parents[2]


class Workspace:
    """A folder with a luigi.cfg of its own that names the tests' server and a keyspace nobody else uses."""

    def __init__(self, folder: Path, keyspace: str, endpoint: embedded.Endpoint) -> None:
        self.folder = folder
        self.keyspace = keyspace
        self.endpoint = endpoint
        (folder / "luigi.cfg").write_text(
            (PROJECT / "luigi.cfg").read_text(encoding="utf-8"), encoding="utf-8"
        )
        self.configure(
            cassandra={
                "contact_points": ",".join(endpoint.contact_points),
                "port": endpoint.port,
                "keyspace": keyspace,
            },
            generate={"rows": 20},
            timing={"latencies_s": "0, 0.001", "sync_repeats": 1, "async_repeats": 2},
        )

    def configure(self, **sections: dict[str, object]) -> None:
        """Change settings in luigi.cfg; a setting that is absent is added to its section."""
        file = self.folder / "luigi.cfg"
        text = file.read_text(encoding="utf-8")
        for section, settings in sections.items():
            head, _, rest = text.partition(f"[{section}]\n")
            body, bracket, tail = rest.partition("\n[")
            for name, value in settings.items():
                line = f"{name} = {value}"
                body, changed = re.subn(rf"(?m)^{name} =.*$", line.replace("\\", r"\\"), body)
                body = body if changed else f"{body}{line}\n"
            text = f"{head}[{section}]\n{body}{bracket}{tail}"
        file.write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        """Return the real `luigi` command for our tasks."""
        module = [] if "--module" in words else ["--module", "tasks"]
        return [str(Path(sys.executable).with_name("luigi")), *module, *words]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a user at a terminal, with additions; tests/ can be imported from it."""
        return {**os.environ, "PYTHONPATH": str(PROJECT), **more}

    def luigi(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the real `luigi` command here to its end; its standard error is part of its output."""
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    @property
    def table(self) -> dict[str, Any]:
        """The fields that every job on the users' table needs."""
        return {
            "cluster": ClusterConfig(contact_points=self.endpoint.contact_points, port=self.endpoint.port),
            "keyspace": KeyspaceConfig(name=self.keyspace),
            "dataset": "pipeline.datasets.users",
        }


def before_end(output: str) -> str:
    """Return the output of a run without its end, which says again what failed."""
    return re.split(r"(?m)^\S+ ERROR .*: (?:failed|did not run)\n  why:", output)[0]


def runs(pid: int | None) -> bool:
    """Tell whether the process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; fail after the timeout."""
    deadline_s = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not hold in time"
        time.sleep(0.05)
