"""Lines of the ledger that wait for the cluster: `ledger/` in the output folder, a file a run."""

from collections.abc import Iterator
from pathlib import Path

from cattrs import BaseValidationError

from pipeline.errors import ResultsError
from pipeline.files import write_text
from pipeline.runs.summary import RunSummary
from pipeline.workers.codec import from_json, to_json

WAITING = "ledger"


def keep_waiting(folder: Path, run: RunSummary) -> Path:
    """Keep a run's line until the cluster can take it; return its file.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    file = folder / WAITING / f"{run.run_id}.json"
    write_text(file, to_json(run) + "\n")
    return file


def waiting_lines(folder: Path) -> Iterator[tuple[Path, RunSummary]]:
    """Yield the lines that wait for the cluster, the oldest first, each with its file.

    Raises:
        ResultsError: a file is damaged.
    """
    for file in sorted((folder / WAITING).glob("*.json")):
        try:
            run = from_json(RunSummary, file.read_text(encoding="utf-8"))
        except FileNotFoundError:  # another run has sent it
            continue
        except (ValueError, BaseValidationError) as error:
            raise ResultsError(f"{file} is no line of a run: {error!r}; remove it") from error
        yield file, run
