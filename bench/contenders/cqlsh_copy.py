"""cqlsh's COPY FROM, run as a separate program."""

import re
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from bench.contest import arguments, run_tool, task_of

_IMPORTED = re.compile(r"(\d+) rows imported from .*\(0 skipped\)")


def main() -> None:
    """Load the file that the command line names and print the outcome."""
    task = task_of(arguments(__doc__ or "").parse_args())
    options = {
        "HEADER": "true",
        "CHUNKSIZE": "5000",
        "MAXBATCHSIZE": str(task.table.rows_a_batch),
        "MAXROWS": str(task.rows),
    }
    names = ", ".join(task.table.columns)
    copy = (
        f"CONSISTENCY {task.consistency}; "
        f"COPY {task.keyspace}.{task.table.name} ({names}) FROM '{task.file}' "
        f"WITH {' AND '.join(f'{name}={value}' for name, value in options.items())}"
    )
    with tempfile.TemporaryDirectory() as folder:
        run_tool(
            "cqlsh COPY",
            [sys.executable, "-m", "cqlshlib", task.host, str(task.port), "-e", copy],
            version=version("cqlsh"),
            rows_of_line=lambda line: int(found[1]) if (found := _IMPORTED.search(line)) else None,
            first="Starting copy of",
            last="rows imported from",
            folder=Path(folder),
        ).print()


if __name__ == "__main__":
    main()
