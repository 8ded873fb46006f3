"""The journal of a load: which splits are settled, so that the next run goes on behind them.

One file a load, named by what makes two loads the same. Its first line says what it is of; every other line
is one event: a split whose rows are all acknowledged or bad, how often a row may have been sent, or which
content was found under which path. A line is
a checksum and JSON. It is appended by one write and synced, so that several processes may append, and a kill
leaves at most a torn line, which reads as if it were not there.
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
    """What makes two loads the same; `files` are the SHA-256 of the files' contents, whatever their names.

    A table that was dropped and made anew, or truncated, or that lost a column, is another one.
    """

    cluster: str
    keyspace: str
    table_id: str
    emptied_at: str
    files: Sequence[str]
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
        """Note that from now on a row may have been sent so many times; it is on disk when this returns.

        Raises:
            OutputError: it cannot be written, or the disk is full.
        """
        if attempts > self.attempts:
            _append(self.path, {"attempts": attempts})
            self.attempts = attempts


def take_over(journal: Journal, contents: Mapping[str, str]) -> None:
    """Note which content the load found under which absolute path, and end the loads of other contents.

    The journal of a load that found another content under one of these paths is removed: the rows that it
    has settled may be written over from now on, so that no run may go on behind them.

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

    It is begun where there is none, or where it is to be begun `anew`, whatever of it is settled. Where the
    cluster took none of the rows that it was sent, it may have been for a setting: they are to be sent again.
    `timestamp_us` is the write timestamp of a new journal's first row, now by default.

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
    """Return whether a load has a journal, so that a run goes on behind what is settled."""
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
    """Append in one write: a line begins with a line break, so that a torn one before it stays alone."""
    line = _line(said).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                os.write(
                    descriptor, line[written:]
                )  # the rest of a full disk's short write raises what is wrong
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritable(path, error) from error


def _record(said: dict[str, Any]) -> SplitRecord:
    return SplitRecord(**{**said, "bad": [BadRow(**row) for row in said["bad"]]})
