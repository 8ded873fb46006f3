"""A fresh interpreter, because the interpreter of the tests has imported everything already."""

import subprocess
import sys

from tests.harness.workspace import PROJECT


def printed(program: str) -> str:
    """Run a program in a fresh interpreter; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def imported(program: str) -> set[str]:
    """Run a program in a fresh interpreter; return the names of the modules that it imported."""
    return set(printed(f"{program}\nimport sys\nprint(*sys.modules)").split())
