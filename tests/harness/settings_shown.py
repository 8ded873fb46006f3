"""The settings of a run of `luigi`."""

import json
from typing import Any

from tests.harness.workspace import Workspace


def shown(
    workspace: Workspace, *words: str, task: str = "ShowSettings", **environment: str
) -> dict[str, Any]:
    """Return the settings of a run of `luigi` with these arguments."""
    done = workspace.luigi("--module", "tests.harness.settings_tasks", task, *words, **environment)
    assert done.returncode == 0, done.stdout
    [line] = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(line)
    return found
