"""The journal of a load: which splits are settled, so that the next run continues after them.

Each load has one file, named by its key. The first line describes the load. Every other line is one event: a
split whose rows are all acknowledged or bad, how often a row may have been sent, or which content a path had.
A line is a checksum and JSON. It is appended by one write and synced, so that several processes can append,
and a kill leaves at most a torn line, which is ignored.
"""

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError
from pipeline.files import unwritable, write_text
from pipeline.rowfiles.badrows import BadRow


@dataclass(frozen=True, kw_only=True)
class LoadKey:
    """The key of a load; two runs with the same key are the same load. `files` are SHA-256 of contents.

    A table that was dropped and created again, or truncated, or that lost a column, has another key. `splits`
    is the SHA-256 of the splits' positions: a version that divides files in another way begins a new journal.
    """

    cluster: str
    keyspace: str
    table_id: str
    emptied_at: str
    files: Sequence[str]
    splits: str
    options: str

    @property
    def file_name(self) -> str:
        """The name of the journal."""
        said = json.dumps({**asdict(self), "files": sorted(self.files)}, sort_keys=True)
        return f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.journal"


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """One split that is settled: every row of it is acknowledged or bad.

    `file` is the file's place in the journal's order, `split` the split's place in its file. `rows` counts
    the rows that were read, `sent` those that went to the cluster, `acknowledged` those that it took.
    """

    file: int
    split: int
    rows: int
    sent: int
    acknowledged: int
    bad: Sequence[BadRow]


class Journal:
    """The journal of one load, as it is on disk, and the way to add to it."""

    def __init__(self, path: Path, lines: Sequence[dict[str, Any]]) -> None:
        header, *events = lines
        self.path = path
        self.files: tuple[str, ...] = tuple(header["files"])
        self.cluster: str = header["cluster"]
        self.table_id: str = header["table_id"]
        self.emptied_at: str = header["emptied_at"]
        self.timestamp_us: int = header["timestamp_us"]
        self.contents: dict[str, str] = {}
        for event in events:
            self.contents.update(event.get("contents", {}))
        self.attempts = max((event["attempts"] for event in events if "attempts" in event), default=0)
        records = (_record(event["split"]) for event in events if "split" in event)
        self.splits = {(record.file, record.split): record for record in records}

    @property
    def rows(self) -> int:
        """How many rows are settled."""
        return sum(record.rows for record in self.splits.values())

    @property
    def acknowledged(self) -> int:
        """How many of the settled rows the cluster has taken."""
        return sum(record.acknowledged for record in self.splits.values())

    @property
    def is_refused(self) -> bool:
        """Whether rows were sent, and the cluster has taken none of them."""
        return not self.acknowledged and any(record.sent for record in self.splits.values())

    def settle(self, record: SplitRecord) -> None:
        """Note a settled split; it is on disk when this returns.

        Raises:
            OutputError: it cannot be written, or the disk is full.
        """
        _append(self.path, {"split": asdict(record)})
        self.splits[record.file, record.split] = record

    def reserve_attempts(self, attempts: int) -> None:
        """Note how many times a row may have been sent from now on; it is on disk when this returns.

        Raises:
            OutputError: it cannot be written, or the disk is full.
        """
        if attempts > self.attempts:
            _append(self.path, {"attempts": attempts})
            self.attempts = attempts


def take_over(journal: Journal, contents: Mapping[str, str]) -> None:
    """Note the content that the load found at each absolute path, and end loads of other contents.

    The journal of a load that found another content at one of these paths is removed. The rows that it has
    settled may be overwritten from now on, so no run may continue after them.

    Raises:
        OutputError: the journal cannot be written, or the disk is full.
    """
    if contents.items() - journal.contents.items():
        _append(journal.path, {"contents": dict(contents)})
        journal.contents.update(contents)
    for path in journal.path.parent.glob("*.journal"):
        lines = [] if path == journal.path else list(_lines(path))
        if not _is_whole(lines):
            continue
        other = Journal(path, lines)
        is_here = (other.cluster, other.table_id) == (journal.cluster, journal.table_id)
        if is_here and any(other.contents.get(path, sha256) != sha256 for path, sha256 in contents.items()):
            other.path.unlink(missing_ok=True)


def begin_run(folder: Path, key: LoadKey, *, timestamp_us: int | None, anew: bool) -> Journal:
    """Return the journal of a load.

    A new journal is begun if there is none, or if `anew`, whatever is settled. It is also begun if the
    cluster refused every row of the last run: the cause may have been a setting, so all rows are sent again.
    `timestamp_us` is the write timestamp of a new journal's first row; the default is now.

    Raises:
        OutputError: it cannot be written, or the disk is full.
    """
    path = folder / key.file_name
    if anew or not is_begun(folder, key):
        header = {**asdict(key), "timestamp_us": timestamp_us or time.time_ns() // 1000}
        write_text(path, _line(header))
    elif read_journal(path).is_refused:
        kept = (line for line in _lines(path) if "split" not in line or not line["split"]["sent"])
        write_text(path, "".join(map(_line, kept)))
    return read_journal(path)


def is_begun(folder: Path, key: LoadKey) -> bool:
    """Return whether a load has a journal from which a run would continue."""
    return _is_whole(list(_lines(folder / key.file_name)))


def read_journal(path: Path) -> Journal:
    """Return the journal at `path`.

    Raises:
        OutputError: it cannot be read.
    """
    lines = list(_lines(path))
    if not _is_whole(lines):
        raise OutputError(f"the journal {path} is gone or damaged; run the load again, it begins anew")
    return Journal(path, lines)


def _is_whole(lines: Sequence[dict[str, Any]]) -> bool:
    return bool(lines) and "files" in lines[0]


def _line(said: dict[str, Any]) -> str:
    content = json.dumps(said, ensure_ascii=True)
    return f"\n{zlib.crc32(content.encode()):08x} {content}\n"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines; the first must be the header."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(path, error) from error
    for line in filter(None, text.split("\n")):
        checksum, _, content = line.partition(" ")
        if checksum == f"{zlib.crc32(content.encode()):08x}":
            yield json.loads(content)


def _append(path: Path, said: dict[str, Any]) -> None:
    """Append in one write. A line begins with a line break, so that it does not join a torn one."""
    line = _line(said).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                os.write(
                    descriptor, line[written:]
                )  # after a short write on a full disk, writing the rest raises the error
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritable(path, error) from error


def _record(said: dict[str, Any]) -> SplitRecord:
    return SplitRecord(**{**said, "bad": [BadRow(**row) for row in said["bad"]]})
