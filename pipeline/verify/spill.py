"""Pairs of hashes on disk, by token range: however many there are, few of them are in memory."""

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from pipeline.files import unwritable
from pipeline.verify.cells import Hashes
from pipeline.verify.rows import Integers


class SpillFile:
    """A file without a name in a folder; it is gone when the process ends, however it ends.

    Raises:
        OutputError: it cannot be made; `append`: it cannot be written, for example because the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - __exit__ closes it
        except OSError as error:
            raise unwritable(folder, error) from error
        self._size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, content: bytes) -> int:
        """Write at the end; return where that is, in bytes from the beginning."""
        start = self._size_bytes
        left = memoryview(content)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise unwritable(self._folder, error) from error
        self._size_bytes += len(content)
        return start

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`, which were written."""
        return os.pread(self._file.fileno(), end - start, start)


class Spill:
    """The hashes of rows and of their keys, in a file. A run of them is in the order of their ranges."""

    def __init__(self, file: SpillFile, ranges: int) -> None:
        self._file = file
        self._ranges = ranges
        self._runs: list[Integers] = []
        self._waiting: list[tuple[Integers, Hashes, Hashes]] = []

    def add(self, ranges: Integers, keys: Hashes, rows: Hashes) -> None:
        """Add rows: the range, at most 65,535, the hash of the key and the hash of each row."""
        self._waiting.append((ranges, keys, rows))
        if sum(len(waiting) for waiting, _, _ in self._waiting) >= _RUN_ROWS:
            self._write_run()

    def of_range(self, number: int) -> tuple[Hashes, Hashes]:
        """Return the hashes of the keys and of the rows of a range, in any order."""
        self._write_run()
        parts = [self._file.read(*run[number : number + 2].tolist()) for run in self._runs]
        pairs = np.frombuffer(b"".join(parts), np.uint64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def _write_run(self) -> None:
        if not self._waiting:
            return
        ranges, keys, rows = map(np.concatenate, zip(*self._waiting, strict=True))
        self._waiting = []
        # Of 16 bits, because numpy has a radix sort for these.
        order = np.argsort(ranges.astype(np.uint16), kind="stable")
        pairs = np.stack([keys[order], rows[order]], axis=1)
        start = self._file.append(pairs.tobytes())
        ends = np.bincount(ranges, minlength=self._ranges).cumsum() * pairs.itemsize * 2
        self._runs.append(start + np.concatenate([[0], ends]))


_RUN_ROWS = 500_000
