"""What reading a file, and writing its rejected rows, takes of memory, measured in a fresh interpreter."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from tests.harness.interpreter import printed
from tests.harness.rowfiles import splits_of_file
from tests.rowfiles.test_csvfile import fields_of

_SMALL = {"csv": b"x,y\n1,2\n", "jsonl": b'{"x":"1"}\n'}


@dataclass(frozen=True)
class Reading:
    """How many rows a file of the fields x and y has, what is wrong with others, and the memory for all."""

    good: int
    reasons: list[str]
    peak_bytes: int


def reading_of(file: Path, dialect: Dialect) -> Reading:
    """Read a file in a fresh interpreter."""
    program = f"from tests.harness.memory import main; main({str(file)!r}, {asdict(dialect)!r})"
    return Reading(**json.loads(printed(program)))


def main(path: str, dialect: dict[str, object]) -> None:
    """Print the reading of a file, its memory without that for reading a small file."""
    file = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        for end, content in _SMALL.items():
            small = Path(folder, f"small.{end}")
            small.write_bytes(content)
            _read(small, Dialect())
    before_bytes = _peak_bytes()
    good, reasons = _read(file, Dialect(**dialect))  # type: ignore[arg-type]
    print(json.dumps(asdict(Reading(good, reasons, _peak_bytes() - before_bytes))))  # noqa: T201 - its result


def _read(file: Path, dialect: Dialect) -> tuple[int, list[str]]:
    """Return how many rows are good, and what is wrong with the file, or with the others.

    These are written to rejected rows, and removed.
    """
    described = describe_file(file, dialect)
    if described.content.fault:
        return 0, [described.content.fault]
    good, bad = 0, list[BadRow]()
    for split in splits_of_file(file, fields_of("x", "y"), dialect=dialect):
        good += len(split.columns[0])
        bad += split.bad
    if bad:
        with tempfile.TemporaryDirectory() as folder:
            write_rejected(Path(folder, "rejected.csv"), fields_of("x", "y"), bad, [described])
    return good, [row.reason for row in bad]


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
