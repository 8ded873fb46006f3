"""Names the files of more than 300 lines and the functions of more than 60, which should be divided."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("bench", "faults", "pipeline", "tasks", "tests")
FILE_MAX_LINES = 300
FUNCTION_MAX_LINES = 60


def too_large(project: Path) -> Iterator[str]:
    """Yield a line for each file and each function that is too large.

    bootstrap.py is in none of the folders: it runs before any package is installed, so it is one file.
    """
    for file in sorted(found for folder in FOLDERS for found in (project / folder).rglob("*.py")):
        text = file.read_text()
        name = file.relative_to(project)
        if (lines := len(text.splitlines())) > FILE_MAX_LINES:
            yield f"{name}: {lines} lines, at most {FILE_MAX_LINES} are allowed; divide it by subject"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_MAX_LINES:
                    yield (
                        f"{name}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_MAX_LINES} "
                        "are allowed; divide it into steps"
                    )


def main() -> int:
    """Print what is too large; return the exit status."""
    found = list(too_large(Path(__file__).parents[1]))
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return min(1, len(found))


if __name__ == "__main__":
    sys.exit(main())
