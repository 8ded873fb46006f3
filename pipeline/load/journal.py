"""The journal of a load: which splits are settled, so that the next run continues after them.

Each load has one journal, named by its key. The first event describes the load. Every other one says one
thing: a split whose rows are all acknowledged or bad, how often a row may have been sent, which content a
path had, or that a stream was read to its end. Where the events are kept is for `pipeline.load.eventlogs`.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pipeline.errors import OutputError, WorkerError
from pipeline.load.eventlogs.protocol import Event, EventLog
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.streams import StreamEnd


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
    def name(self) -> str:
        """The name of the journal."""
        said = json.dumps({**asdict(self), "files": sorted(self.files)}, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """One split that is settled: every row of it is acknowledged or bad.

    `file` is the file's place in the journal's order, `split` the split's place in its file. `rows` counts
    the rows that were read, `sent` those that went to the cluster, `acknowledged` those that it took.
    `sha256` is that of the split's text, in hex, in a file that is streamed.
    """

    file: int
    split: int
    rows: int
    sent: int
    acknowledged: int
    bad: Sequence[BadRow]
    sha256: str = ""


class Journal:
    """The journal of one load, as it was when it was read, and the way to add to it."""

    def __init__(self, log: EventLog, said: Sequence[Event]) -> None:
        header, *events = said
        self.log = log
        self.files: tuple[str, ...] = tuple(header["files"])
        self.cluster: str = header["cluster"]
        self.table_id: str = header["table_id"]
        self.emptied_at: str = header["emptied_at"]
        self.timestamp_us: int = header["timestamp_us"]
        self.contents: dict[str, str] = {}
        for event in events:
            self.contents.update(event.get("contents", {}))
        self.attempts = max((event["attempts"] for event in events if "attempts" in event), default=0)
        self.withdrawn = {event["withdrawn"] for event in events if "withdrawn" in event}
        self.taken = {tuple(event["taken"]) for event in events if "taken" in event}
        records = (_record(event["split"]) for event in events if "split" in event)
        self.splits = {(record.file, record.split): record for record in records}
        ended = (event["end"] for event in events if "end" in event)
        self.ends = {end["file"]: StreamEnd(end["split_count"], end["remark"]) for end in ended}

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
        """Note a settled split; it is kept when this returns.

        Raises:
            OutputError, ClusterError: as `EventLog.append`.
        """
        self.log.append({"split": asdict(record)})
        self.splits[record.file, record.split] = record

    def note_end(self, file: int, end: StreamEnd) -> None:
        """Note that a stream was read to its end; it is kept when this returns.

        Raises:
            OutputError, ClusterError: as `EventLog.append`.
        """
        self.log.append({"end": {"file": file, **asdict(end)}})
        self.ends[file] = end

    def reserve_attempts(self, attempts: int) -> None:
        """Note how many times a row may have been sent from now on; it is kept when this returns.

        Raises:
            OutputError, ClusterError: as `EventLog.append`.
        """
        if attempts > self.attempts:
            self.log.append({"attempts": attempts})
            self.attempts = attempts

    def take(self, ticket: str) -> None:
        """Take a ticket; of those that take it at the same time, at most one does.

        Raises:
            WorkerError: another worker took it, or it was withdrawn.
            OutputError, ClusterError: as `EventLog.append`.
        """
        taker = uuid.uuid4().hex
        self.log.append({"taken": [ticket, taker]})
        now = read_journal(self.log)
        if ticket in now.withdrawn or any(each == ticket and other != taker for each, other in now.taken):
            raise WorkerError("this shard was given to another worker meanwhile")

    def withdraw(self, ticket: str) -> None:
        """Let nobody take a ticket from now on.

        Raises:
            OutputError, ClusterError: as `EventLog.append`.
        """
        self.log.append({"withdrawn": ticket})


def take_over(journal: Journal, contents: Mapping[str, str]) -> None:
    """Note the content that the load found at each absolute path, and end loads of other contents.

    The journal of a load that found another content at one of these paths is removed. The rows that it has
    settled may be overwritten from now on, so no run may continue after them.

    Raises:
        OutputError, ClusterError: as `EventLog.append`.
    """
    if contents.items() - journal.contents.items():
        journal.log.append({"contents": dict(contents)})
        journal.contents.update(contents)
    for log in journal.log.others():
        said = log.read()
        if not said:
            continue
        other = Journal(log, said)
        is_here = (other.cluster, other.table_id) == (journal.cluster, journal.table_id)
        if is_here and any(other.contents.get(path, sha256) != sha256 for path, sha256 in contents.items()):
            log.remove()


def begin_run(log: EventLog, key: LoadKey, *, timestamp_us: int | None, anew: bool) -> Journal:
    """Return the journal of a load.

    A new journal is begun if there is none, or if `anew`, whatever is settled. It is also begun if the
    cluster refused every row of the last run: the cause may have been a setting, so all rows are sent again.
    `timestamp_us` is the write timestamp of a new journal's first row; the default is now.

    Raises:
        OutputError, ClusterError: as `EventLog.replace`.
    """
    said = log.read()
    if anew or not said:
        log.replace([{**asdict(key), "timestamp_us": timestamp_us or time.time_ns() // 1000}])
    elif Journal(log, said).is_refused:
        log.replace([event for event in said if "split" not in event or not event["split"]["sent"]])
    return read_journal(log)


def read_journal(log: EventLog) -> Journal:
    """Return a journal as it is now.

    Raises:
        OutputError: it is not there, or cannot be read.
        ClusterError: as `EventLog.read`.
    """
    said = log.read()
    if not said:
        raise OutputError(f"the journal {log.place} is gone or damaged; run the load again, it begins anew")
    return Journal(log, said)


def _record(said: Event) -> SplitRecord:
    return SplitRecord(**{**said, "bad": [BadRow(**row) for row in said["bad"]]})
