"""Loads a shard of a load: its splits are encoded and sent, and noted in the journal once settled."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from cassandra import InvalidRequest
from cassandra.cluster import Session
from cassandra.cqlengine.models import Model
from gevent.lock import Semaphore

from pipeline.cluster.refusals import RefusalKind
from pipeline.cluster.retry import with_retries
from pipeline.cluster.table import has_cdc, require_same_table
from pipeline.cluster.translation import is_of, translated_errors
from pipeline.errors import BadRowsError, RowFileError, SchemaError
from pipeline.load.encoded import EncodedSplit, InsertPlan, encode_split
from pipeline.load.jobs import LoadPlan
from pipeline.load.journal import Journal, SplitRecord, read_journal
from pipeline.load.memory import give_back
from pipeline.load.methods import PREPARE
from pipeline.load.methods.protocol import Method, NoRows, Preparation, SplitLoad
from pipeline.load.reading import ReadEnd, ReadSplit, ShardReader
from pipeline.load.refusing import Refusing
from pipeline.load.restoring import bad_rows_of
from pipeline.load.timestamps import WriteTimestamps
from pipeline.requests.dispatch import Pace, Request, RetryPolicy, dispatch
from pipeline.requests.nodes import Nodes
from pipeline.requests.replicas import Replicas, ReplicasNow
from pipeline.rowfiles.badrows import BadRow, ErrorBudget
from pipeline.rowfiles.splits import SourceFile
from pipeline.workers.threads import ThreadCall


class Shard:
    """A shard of a load: those of its splits that are not in the journal yet; without `splits`, of all.

    `done` counts the settled rows of its splits.

    Raises:
        RowFileError: the files are not those of the journal.
    """

    def __init__(
        self,
        session: Session,
        plan: LoadPlan,
        journal: Journal,
        *,
        splits: Sequence[tuple[int, int]] | None = None,
        holder: str = "",
        is_elsewhere: bool = False,
    ) -> None:
        table, load = plan.table, plan.load
        files = in_order_of(journal, load.files)
        self._reader = ShardReader(
            plan=plan, journal=journal, files=files, splits=splits, is_elsewhere=is_elsewhere
        )
        # Other shards may have settled some of theirs by now.
        own = (journal.splits[at] for at in journal.splits if self._reader.owns(*at))
        self.done = sum(record.rows for record in own)
        self.bad = bad_rows_of(session, plan, journal, files)
        self._session = session
        self._table = table
        self._load = load
        self._plan = plan
        self._journal = journal
        self._holder = holder
        self._names = [field.column.name for field in plan.fields]
        self._budget = ErrorBudget.parse(load.config.max_bad_rows)
        self._read = journal.rows
        self._what = f"cannot load into {table}"
        self._refusing = Refusing(
            what=self._what,
            settle=self._write_down,
            acknowledged=journal.acknowledged,
            ask_others=lambda: read_journal(journal.log).acknowledged,
            has_cdc=lambda: has_cdc(session, table),
        )
        self._preparing = Semaphore()
        self._prepared_at_s = 0.0

    def prepare(self, model: type[Model] | None) -> None:
        """Prepare the method. `model` is the table's cqlengine model, where it has one.

        Raises:
            ClusterError: the cluster failed for longer than the retry budget, or the table is gone.
        """
        preparation = Preparation(plan=self._plan, model=model, prepare=self._prepare)

        def prepare_method() -> Method:
            with translated_errors(self._what):
                return PREPARE[self._load.config.method](preparation)

        self._method = with_retries(prepare_method, budget_s=self._load.config.retry_budget_s)

    def run(self) -> Nodes:
        """Load the shard after `prepare`; return the nodes, with their tally of retries and latencies.

        Raises:
            BadRowsError: more rows are bad than the load may have.
            RowFileError: a file is damaged, or was changed since it was described.
            ClusterError: the cluster failed for longer than the retry budget, or the table is gone.
            OutputError: the journal cannot be written.
        """
        config = self._load.config
        nodes = Nodes(
            self._session,
            most_in_flight=config.pool_size,
            request_timeout_s=self._load.cluster.request_timeout_s,
            prepare=self._prepare,
        )
        dispatch(
            self._requests(self._method, InsertPlan.of(self._plan, self._method.prefix)),
            nodes,
            RetryPolicy(what=self._what, retry_budget_s=config.retry_budget_s),
            pool_size=config.pool_size,
            pace=Pace(config.rows_per_s),
        )
        self._refusing.settle_held()
        return nodes

    def _prepare(self) -> bytes:
        """Prepare the INSERT on every node; once for all requests that found a node without it."""
        asked_at_s = time.monotonic()
        with self._preparing:
            if asked_at_s >= self._prepared_at_s:
                try:
                    insert = self._table.insert(
                        self._names,
                        ttl_s=self._load.config.ttl_s,
                        using=[field.column.name for field in self._plan.using],
                    )
                    self._query_id: bytes = self._session.prepare(insert).query_id
                except InvalidRequest as error:
                    if is_of(error, RefusalKind.SETTING):
                        raise
                    raise SchemaError(
                        f"table {self._table} was dropped or altered while it was being loaded: {error}; "
                        "run the load again"
                    ) from error
                self._prepared_at_s = time.monotonic()
        return self._query_id

    def _requests(self, method: Method, shape: InsertPlan) -> Iterator[Request]:
        """Yield the requests of all splits that are not settled yet."""
        timestamps = WriteTimestamps(
            self._plan.timestamp_us,
            self._journal,
            self._table,
            self._names,
            may_be_future=self._load.config.timestamp_us > 0 or bool(self._load.columns.timestamp_field),
            holder=self._holder,
        )
        for (file, places_before, split_rows), encoded in self._encoded(shape):
            load = SplitLoad(
                split_rows=split_rows,
                encoded=encoded,
                file=file,
                places_before=places_before,
                timestamps=timestamps,
                settle=self._refusing.settled,
                note_acknowledged=self._refusing.took,
                note_refused=self._refusing.refused,
                note_bad=self._note_bad,
                check_table=lambda: require_same_table(self._session, self._table),
            )
            self._read += encoded.row_count
            self._note_bad(encoded.bad)
            yield from method.requests(load) if len(encoded.positions) else [NoRows(load)]

    def _encoded(self, shape: InsertPlan) -> Iterator[tuple[ReadSplit, EncodedSplit]]:
        """Yield the splits with their encoded rows; a thread works on the next one meanwhile."""
        found = self._reader.read()
        replicas = ReplicasNow(self._session, self._table.keyspace)

        def encode_next(replicas: Replicas) -> ReadEnd | tuple[ReadSplit, EncodedSplit] | None:
            give_back()
            each = next(found, None)
            return (each, encode_split(each.rows, shape, replicas)) if isinstance(each, ReadSplit) else each

        following = ThreadCall(partial(encode_next, replicas.now()))
        while encoded := following.result():
            following = ThreadCall(partial(encode_next, replicas.now()))
            if isinstance(encoded, ReadEnd):
                self._journal.note_end(encoded.file, encoded.end)
            else:
                yield encoded

    def _write_down(self, record: SplitRecord) -> None:
        self._journal.settle(record)
        self.done += record.rows

    def _note_bad(self, bad: Sequence[BadRow]) -> None:
        """Note bad rows.

        Raises:
            BadRowsError: they are more than the load may have.
        """
        self.bad += bad
        if bad:
            require_budget(self._budget, self.bad, self._read, at_end=False)


def require_budget(budget: ErrorBudget, bad: Sequence[BadRow], rows: int, *, at_end: bool) -> None:
    """Return if so many bad rows, of `rows` read, are within the budget.

    Raises:
        BadRowsError: they are not; the message names the first of them.
    """
    count = count_rows(bad)
    if budget.exceeded(count, rows, at_end=at_end):
        first = bad[0]
        column = f"column {first.column}: " if first.column else ""
        raise BadRowsError(
            f"{count} bad rows, where max_bad_rows is {budget}: {first.where}: {column}{first.reason}"
        )


def count_rows(bad: Sequence[BadRow]) -> int:
    """Return how many rows are bad; a row may be bad in several columns."""
    return len({(row.file, row.place) for row in bad})


def in_order_of(journal: Journal, files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files in the order of their contents in the journal.

    Raises:
        RowFileError: their contents are not those of the journal.
    """
    left = sorted(files, key=lambda file: file.path)
    ordered = []
    for sha256 in journal.files:
        at = next((at for at, file in enumerate(left) if file.sha256 == sha256), None)
        if at is None:
            raise RowFileError("a row file was changed while it was being loaded; run the load again")
        ordered.append(left.pop(at))
    return ordered
