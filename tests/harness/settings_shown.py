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
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    # With log_format = json, what is printed is the message of a line.
    [found] = [
        json.loads(each["message"]) if each.get("logger") == "stdout" else each
        for each in lines
        if each.get("logger", "stdout") == "stdout"
    ]
    settings: dict[str, Any] = found
    return settings
