"""The result of a verification: the number of equal rows, and the differences, named by key."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cassandra.cluster import Session
from cassandra.cqlengine.models import Model
from cassandra.query import SimpleStatement

from pipeline.cluster.keyspace import quoted_columns, table_name
from pipeline.cluster.translation import translated_errors
from pipeline.cql.columns import Column, Row, key_positions
from pipeline.cql.types import canonical
from pipeline.errors import VerificationError, abbreviated
from pipeline.verify.cells import SHOWN_CHARACTERS


@dataclass
class Verification:
    """What was counted, and the first differences found, each naming its row by key.

    `done` counts the compared keys, `present` those whose rows are equal, and `in_table` the rows of ranges
    that were scanned to their end. `in_no_file` counts the rows of the table that no file has.
    `written_at_us` is the latest write timestamp among the first few cells that differ, in µs since 1970; 0
    if none was read.
    """

    distinct_keys: int
    done: int = 0
    present: int = 0
    in_table: int = 0
    differing: int = 0
    in_no_file: int = 0
    written_at_us: int = 0
    differences: list[str] = field(default_factory=list)

    def differs(self, difference: str) -> None:
        """Count a difference and keep its text while there are few."""
        self.differing += 1
        if len(self.differences) < _SHOWN_DIFFERENCES:
            self.differences.append(difference)

    def require_equal(self, what: str, advice: str) -> None:
        """Return if no difference was found.

        Raises:
            VerificationError: one was.
        """
        if self.differing:
            more = "; …" if self.differing > len(self.differences) else ""
            raise VerificationError(
                f"{what}: {self.differing} of {self.distinct_keys} rows differ: "
                f"{'; '.join(self.differences)}{more}; {advice}"
            )

    def advice(self, timestamp_us: int, timestamp_field: str = "") -> str:
        """Return what helps after a load with this first timestamp, or with those of a field.

        The timestamp is 0, and the field empty, if the user did not choose one.
        """
        if self.differing == self.in_no_file:
            return "delete the rows that are in no file, or empty the table and load again, then verify"
        if timestamp_field:
            return (
                f"rows lose to whatever was written with a later timestamp than their {timestamp_field}; "
                "compare it with WRITETIME of a cell that differs"
            )
        if self.written_at_us > time.time_ns() // 1000:
            return (
                f"a cell that differs was written with timestamp {self.written_at_us}, which is in the "
                "future: Cassandra keeps it whatever is loaded before then, with --reload too; load with "
                f"--timestamp-us {self.written_at_us + 1}, then verify with the same"
            )
        if timestamp_us:
            return (
                f"rows with timestamp_us {timestamp_us} lose to whatever was written later; load without "
                "--timestamp-us, or with a later one, then verify with the same"
            )
        return "load again with --reload, then verify"


def verify_whole_table(
    session: Session, model: type[Model], columns: Sequence[Column], rows: Sequence[Row]
) -> None:
    """Return if the table has exactly `rows`. One scan: for small tables without other writers.

    Raises:
        VerificationError: a row is absent, different, or in the table but not in `rows`.
        ClusterError: the read failed.
    """
    key_at = key_positions(columns)
    wanted = {_key_hash(row[at] for at in key_at): row for row in rows}
    found = Verification(distinct_keys=len(wanted))
    with translated_errors(f"cannot read {table_name(model)} back"):
        for stored in session.execute(SimpleStatement(_select(model), fetch_size=_PAGE_ROWS)):
            row = wanted.pop(_key_hash(stored[columns[at].name] for at in key_at), None)
            difference = "in the table, in no file" if row is None else _difference(columns, row, stored)
            if difference:
                key = ", ".join(f"{columns[at].name}={stored[columns[at].name]}" for at in key_at)
                found.differs(f"{key}: {difference}")
    for row in wanted.values():
        found.differs(f"{_key_text(columns, row)}: absent")
    found.require_equal(f"{table_name(model)} is not the row file", "measure again")


def _difference(columns: Sequence[Column], row: Row, stored: Mapping[str, object]) -> str:
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


def _select(model: type[Model]) -> str:
    return f"SELECT {', '.join(quoted_columns(model))} FROM {model.column_family_name()}"  # noqa: S608 - names come from the model


def _short(value: object) -> str:
    return repr(abbreviated(str(value), SHOWN_CHARACTERS))


_SHOWN_DIFFERENCES = 5
_PAGE_ROWS = 5000
