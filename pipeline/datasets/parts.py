"""One row file written by several processes, one part each, then joined atomically."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.files import atomic_path
from pipeline.rowfiles.formats import named_format


def count_parts(rows: int, file_format: str) -> int:
    """Return how many parts to write generated rows in: at most one per core.

    A file that its parts' bytes do not join to is one part.
    """
    parts = min(len(os.sched_getaffinity(0)), -(-rows // _ROWS_A_PART))
    return parts if parts == 1 or named_format(file_format).is_joinable else 1


@contextlib.contextmanager
def joined(target: Path, parts: int) -> Iterator[list[Path]]:
    """Yield temporary paths beside `target` for its parts; on success they are joined, in order, to `target`.

    On any exception they are removed and `target` stays as it was. Parts that a killed process left behind
    are removed by the next writer of the same target.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    with atomic_path(target) as whole:
        others = [target.with_name(f".{target.name}.{part}.{os.getpid()}.tmp") for part in range(1, parts)]
        try:
            yield [whole, *others]
            with whole.open("ab") as file:
                for other in others:
                    with other.open("rb") as part:
                        shutil.copyfileobj(part, file, _COPY_BYTES)
                    other.unlink()
        finally:
            for other in others:
                other.unlink(missing_ok=True)


_ROWS_A_PART = 250_000  # for fewer rows, starting another process costs more than it saves
_COPY_BYTES = 1 << 20
