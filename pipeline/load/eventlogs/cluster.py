"""The events of a journal in a table of the cluster, beside the markers, for any machine to go on from.

Each run of a load that begins anew has a name of its own. The row that describes the load names the run that
counts, and is written by compare-and-set, so that two machines agree on it. Whatever is written expires.
"""

import itertools
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.cluster import Session
from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model
from cassandra.query import SimpleStatement

from pipeline.cluster.keyspace import bind_model, ensure_table
from pipeline.cluster.retry import with_retries
from pipeline.cluster.translation import is_too_large_page, translated_errors
from pipeline.cql.tables import quoted
from pipeline.errors import RequestError
from pipeline.load.eventlogs.protocol import Event, EventLog
from pipeline.rowfiles.badrows import without_values
from pipeline.settings import KeyspaceConfig


class LoadJournal(Model):
    """The journals of a keyspace.

    In the partition of a table's name, `run` is empty and each `event` is a journal, described by `said`. In
    the partition of a journal, `run` is one of its runs, and `event` names what happened. `said` is JSON, in
    as many rows as `parts` says.
    """

    __table_name__ = "load_journal"
    scope = columns.Text(partition_key=True)
    run = columns.Text(primary_key=True)
    event = columns.Text(primary_key=True)
    part = columns.Integer(primary_key=True)
    parts = columns.Integer()
    said = columns.Text()


def ensure_journal_table(session: Session, config: KeyspaceConfig) -> None:
    """Create the table of journals if it is absent.

    Raises:
        SchemaError: it is absent and `manage_schema` is false.
        ClusterError: the cluster refuses, or does not answer.
    """
    ensure_table(session, bind_model(LoadJournal, config.name), manage_schema=config.manage_schema)


class ClusterLog(EventLog):
    """The rows of one journal.

    `datacentre` is the one whose nodes must agree, empty for all. Values of bad rows are kept only if
    `keeps_values`. A failure that may pass is tried again for `budget_s` seconds.
    """

    def __init__(
        self,
        session: Session,
        keyspace: str,
        table: str,
        name: str,
        *,
        datacentre: str,
        keeps_values: bool,
        budget_s: float,
    ) -> None:
        self.place = f"{keyspace}.{LoadJournal.__table_name__} {name}"
        self._session = session
        self._keyspace = keyspace
        self._table = table
        self._name = name
        self._datacentre = datacentre
        self._keeps_values = keeps_values
        self._budget_s = budget_s
        self._run = ""

    def read(self) -> list[Event]:
        """Return the events of the run that counts."""
        header = self._header()
        if header is None:
            return []
        said = json.loads(header)
        self._run = said.pop("run")
        return [said, *self._events()]

    def append(self, event: Event) -> None:
        """Write an event to the run that was read last."""
        self._write(self._run, event)

    def replace(self, events: Sequence[Event]) -> None:
        """Begin another run. If another machine does so at the same time, its run counts, or this one."""
        header, *others = events
        run = f"{time.time_ns():x}-{uuid.uuid4().hex[:8]}"
        for event in others:
            self._write(run, event)
        before = self._header()
        said = json.dumps({**header, "run": run})
        if before is None:
            self._execute(_BEGIN, (self._table, self._name, said, _TTL_S))
        else:
            self._execute(_BEGIN_ANEW, (_TTL_S, said, self._table, self._name, before))

    def remove(self) -> None:
        """Remove what describes the load, then the events of the run that was read last."""
        self._execute(_REMOVE, (self._table, self._name))
        # Not the partition: this machine's clock may be ahead of that of a machine that begins anew.
        self._execute(_REMOVE_RUN, (self._name, self._run))
        self._execute(_RELEASE, (self._name,))

    def hold(self, holder: str) -> None:
        """Be the only run that sends rows until a minute from now."""
        if self._execute(_HOLD, (self._name, holder, _HELD_S))[0]["[applied]"]:
            return
        # The holder may be this run, now or because an answer was lost.
        answer = self._execute(_HOLD_ON, (_HELD_S, holder, self._name, holder))[0]
        if not answer["[applied]"]:
            raise RequestError(
                f"another run of the same load, {answer.get('said')}, is sending its rows; elements of lists "
                "would stand twice if two did; wait for it, or end it and wait a minute",
                is_transient=True,
            )

    def others(self) -> Iterator[EventLog]:
        """Yield the other journals of the table."""
        found = self._execute(_OTHERS, (self._table,))
        yield from (self._beside(row["event"]) for row in found if row["event"] != self._name)

    def _beside(self, name: str) -> "ClusterLog":
        return ClusterLog(
            self._session,
            self._keyspace,
            self._table,
            name,
            datacentre=self._datacentre,
            keeps_values=self._keeps_values,
            budget_s=self._budget_s,
        )

    def _header(self) -> str | None:
        rows = self._execute(_HEADER, (self._table, self._name), serial=True)
        return rows[0]["said"] if rows else None

    def _events(self) -> Iterator[Event]:
        rows = self._execute(_EVENTS, (self._name, self._run))
        for _, of_event in itertools.groupby(rows, key=lambda row: row["event"]):
            parts = list(of_event)
            # The run may have ended between two of them.
            if len(parts) == parts[0]["parts"]:
                yield json.loads("".join(row["said"] for row in parts))

    def _write(self, run: str, event: Event) -> None:
        said = json.dumps(event if self._keeps_values else _without_values(event))
        parts = [said[at : at + _PART_CHARACTERS] for at in range(0, len(said), _PART_CHARACTERS)]
        for part, text in enumerate(parts):
            self._execute(_WRITE, (self._name, run, _name_of(event), part, len(parts), text, _TTL_S))

    def _execute(
        self, statement: str, parameters: Sequence[object], *, serial: bool = False
    ) -> list[Mapping[str, Any]]:
        """Execute a statement on the table, whose name is {} in it; return the rows of its answer."""
        table = f"{quoted(self._keyspace)}.{LoadJournal.__table_name__}"
        local = bool(self._datacentre)
        agreed = ConsistencyLevel.LOCAL_SERIAL if local else ConsistencyLevel.SERIAL
        level = ConsistencyLevel.LOCAL_QUORUM if local else ConsistencyLevel.QUORUM

        def execute(page_rows: int | None = _PAGE_ROWS) -> list[Mapping[str, Any]]:
            query = SimpleStatement(
                statement.format(table),
                consistency_level=agreed if serial else level,
                serial_consistency_level=agreed,
                fetch_size=page_rows,
                is_idempotent=True,
            )
            with translated_errors(f"cannot read or write the journal {self.place}"):
                try:
                    return list(self._session.execute(query, tuple(parameters)))
                except InvalidRequest as error:
                    if page_rows is None or not is_too_large_page(error):
                        raise
            return execute(None)

        return with_retries(execute, budget_s=self._budget_s)


def _name_of(event: Event) -> str:
    """Return a name that only the same event has."""
    [(kind, value)] = event.items()
    if kind == "split":
        return f"split {value['file']} {value['split']}"
    return f"{kind} {json.dumps(value, sort_keys=True)}"


def _without_values(event: Event) -> Event:
    """Return an event without what rows hold."""
    if "split" not in event:
        return event
    bad = [
        # What is wrong with a value quotes it; the file will show it again.
        {**row, "value": "", "reason": "" if row["column"] else without_values(row["reason"])}
        for row in event["split"]["bad"]
    ]
    return {"split": {**event["split"], "bad": bad}}


_HEADER = "SELECT said FROM {} WHERE scope = %s AND run = '' AND event = %s AND part = 0"
_OTHERS = "SELECT event FROM {} WHERE scope = %s AND run = ''"
_EVENTS = "SELECT event, part, parts, said FROM {} WHERE scope = %s AND run = %s"
_BEGIN = """INSERT INTO {} (scope, run, event, part, said) VALUES (%s, '', %s, 0, %s)
IF NOT EXISTS USING TTL %s"""
_BEGIN_ANEW = """UPDATE {} USING TTL %s SET said = %s
WHERE scope = %s AND run = '' AND event = %s AND part = 0 IF said = %s"""
_WRITE = """INSERT INTO {} (scope, run, event, part, parts, said) VALUES (%s, %s, %s, %s, %s, %s)
USING TTL %s"""
_REMOVE = "DELETE FROM {} WHERE scope = %s AND run = '' AND event = %s AND part = 0 IF EXISTS"
_REMOVE_RUN = "DELETE FROM {} WHERE scope = %s AND run = %s"
_HOLD = """INSERT INTO {} (scope, run, event, part, said) VALUES (%s, 'held', '', 0, %s)
IF NOT EXISTS USING TTL %s"""
_HOLD_ON = """UPDATE {} USING TTL %s SET said = %s
WHERE scope = %s AND run = 'held' AND event = '' AND part = 0 IF said = %s"""
_RELEASE = "DELETE FROM {} WHERE scope = %s AND run = 'held' AND event = '' AND part = 0 IF EXISTS"
_TTL_S = 30 * 24 * 3600
_HELD_S = 60
_PART_CHARACTERS = 200_000
_PAGE_ROWS = 100
