"""A fresh interpreter: this one has imported everything already."""

import subprocess
import sys

from tests.harness.workspace import PROJECT


def printed(program: str) -> str:
    """Run a program in a fresh interpreter; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def imported(program: str) -> set[str]:
    """Run a program in a fresh interpreter; return the names of the modules it has then imported."""
    return set(printed(f"{program}\nimport sys\nprint(*sys.modules)").split())
