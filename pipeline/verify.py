"""Read back and compare: what a load's files say against what the table holds, key by key."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cassandra.cluster import Session
from cassandra.cqlengine.models import Model
from gevent.pool import Pool

from pipeline.errors import VerificationError
from pipeline.keyspace import quoted_columns, table_name
from pipeline.rowfiles import Column, Row, key_positions
from pipeline.session import translated_errors
from pipeline.values import canonical


@dataclass
class Verification:
    """What was counted, and the first differences found, each naming its row by key."""

    rows: int = 0
    distinct_keys: int = 0
    present: int = 0
    in_table: int | None = None
    differing: int = 0
    differences: list[str] = field(default_factory=list)

    def differs(self, difference: str) -> None:
        """Count a difference and keep its text while there are few."""
        self.differing += 1
        if len(self.differences) < _SHOWN_DIFFERENCES:
            self.differences.append(difference)

    def require_equal(self, what: str) -> None:
        """Return if no difference was found.

        Raises:
            VerificationError: one was.
        """
        if self.differing:
            more = "; …" if self.differing > len(self.differences) else ""
            raise VerificationError(
                f"{what}: {self.differing} of {self.distinct_keys} rows differ: "
                f"{'; '.join(self.differences)}{more}; load again with --reload, then verify"
            )


@dataclass(frozen=True)
class KeyIndex:
    """How many rows there are, and under the hash of each key the number of the last row that has it."""

    rows: int
    last_row: Mapping[int, int]


def index_keys(columns: Sequence[Column], rows: Iterable[Row]) -> KeyIndex:
    """Return the index of `rows`, about 100 bytes of memory a key."""
    key_at = key_positions(columns)
    last_row: dict[int, int] = {}
    count = 0
    for row in rows:
        last_row[_key_hash(row[at] for at in key_at)] = count
        count += 1
    return KeyIndex(count, last_row)


def verify_rows(
    session: Session,
    model: type[Model],
    columns: Sequence[Column],
    index: KeyIndex,
    rows: Iterable[Row],
    *,
    pool_size: int,
    exact: bool,
) -> Verification:
    """Compare `rows`, those that were indexed, with the table's by key; of two with one key, the last.

    `exact` asks also of each row in the table whether its key is in the index.

    Raises:
        ClusterError: a read failed.
    """
    found = Verification(rows=index.rows, distinct_keys=len(index.last_row))
    key_at = key_positions(columns)

    def lasting_rows() -> Iterator[Row]:
        for number, row in enumerate(rows):
            if index.last_row[_key_hash(row[at] for at in key_at)] == number:
                yield row

    with translated_errors(f"cannot read {table_name(model)} back"):
        statement = session.prepare(_select(model, where=[columns[at].name for at in key_at]))

        def compare(row: Row) -> None:
            stored = session.execute(statement, [row[at] for at in key_at]).one()
            difference = _difference(columns, row, stored)
            if difference:
                found.differs(f"{_key_text(columns, row)}: {difference}")
            else:
                found.present += 1

        pool = Pool(pool_size)
        try:
            for _ in pool.imap_unordered(compare, lasting_rows(), maxsize=pool_size):
                pass
        finally:
            pool.kill()
        if exact:
            _find_extra_rows(session, model, [columns[at].name for at in key_at], index.last_row, found)
    return found


def verify_whole_table(
    session: Session, model: type[Model], columns: Sequence[Column], rows: Sequence[Row]
) -> None:
    """Return if the table holds exactly `rows`, found by one scan: for small tables that nobody else writes.

    Raises:
        VerificationError: a row is absent, different, or in the table but not in `rows`.
        ClusterError: the read failed.
    """
    key_at = key_positions(columns)
    wanted = {_key_hash(row[at] for at in key_at): row for row in rows}
    found = Verification(rows=len(rows), distinct_keys=len(wanted))
    with translated_errors(f"cannot read {table_name(model)} back"):
        for stored in session.execute(_select(model)):
            row = wanted.pop(_key_hash(stored[columns[at].name] for at in key_at), None)
            difference = "in the table, in no file" if row is None else _difference(columns, row, stored)
            if difference:
                key = ", ".join(f"{columns[at].name}={stored[columns[at].name]}" for at in key_at)
                found.differs(f"{key}: {difference}")
    for row in wanted.values():
        found.differs(f"{_key_text(columns, row)}: absent")
    found.require_equal(f"{table_name(model)} is not the row file")


def _find_extra_rows(
    session: Session, model: type[Model], key: Sequence[str], known: Container[int], found: Verification
) -> None:
    found.in_table = 0
    for stored in session.execute(_select(model)):
        found.in_table += 1
        values = [stored[name] for name in key]
        if _key_hash(values) not in known:
            named = ", ".join(f"{name}={_short(value)}" for name, value in zip(key, values, strict=True))
            found.differs(f"{named}: in the table, in no file")


def _difference(columns: Sequence[Column], row: Row, stored: Mapping[str, object] | None) -> str:
    if stored is None:
        return "absent"
    return ", ".join(
        f"{column.name} is {_short(stored[column.name])}, the file has {_short(value)}"
        for column, value in zip(columns, row, strict=True)
        if value is not None and canonical(stored[column.name]) != canonical(value)
    )


def _key_text(columns: Sequence[Column], row: Row) -> str:
    pairs = zip(columns, row, strict=True)
    return ", ".join(f"{column.name}={_short(value)}" for column, value in pairs if column.is_key)


def _key_hash(values: Iterable[object]) -> int:
    return hash(tuple(canonical(value) for value in values))


def _select(model: type[Model], where: Sequence[str] = ()) -> str:
    names = ", ".join(quoted_columns(model))
    condition = " AND ".join(f'"{name}" = ?' for name in where)
    return f"SELECT {names} FROM {model.column_family_name()}{' WHERE ' if where else ''}{condition}"  # noqa: S608 - names come from the model


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…")


_SHOWN_DIFFERENCES = 5
_SHOWN_CHARACTERS = 40
