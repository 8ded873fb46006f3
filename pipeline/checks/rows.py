"""The input: how its files are read, whether their fields fit the table, and their first rows."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from pipeline.checks.findings import Finding, failure, looked_at, ok, warning
from pipeline.checks.jobs import CheckTable, Row
from pipeline.checks.literals import literal_of
from pipeline.cql.tables import Table
from pipeline.load.encoded import InsertPlan, encode_fields, faulty_rows
from pipeline.load.jobs import Load, LoadPlan
from pipeline.load.planning import plan_into
from pipeline.rowfiles.badrows import BadRow, ErrorBudget
from pipeline.rowfiles.dialect import Dialect, differences
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.files import read_splits
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.stores.paths import path_of
from pipeline.settings import ClusterConfig


class InputLook:
    """A look at the files of a load; `first_rows` are those that would be loaded, once they are read."""

    def __init__(self, job: CheckTable, table: Table | None) -> None:
        self.first_rows: tuple[Row, ...] = ()
        self._job, self._table = job, table
        self._plan: LoadPlan | None = None
        self._subject = f"{job.keyspace.name}.{job.table}"

    def findings(self) -> Iterator[Finding]:
        """Yield what is found of the files; those beyond a gigabyte are left to the load."""
        files = []
        for file in self._files():
            if file.content.fault:
                yield failure(f"input {self._subject}", file.content.fault)
            else:
                files.append(file)
            if file.content.remark:
                yield warning(f"input {self._subject}", file.content.remark)
        if not files:
            return
        left = len(self._job.files) - len(files)
        yield ok(
            f"dialect {self._subject}",
            _described(files[0]) + (f"; {left} more files not read" if left else ""),
        )
        if self._table is None or self._job.cluster is None:
            yield warning(f"columns {self._subject}", "are not compared: the table is not known")
            return
        table, cluster = self._table, self._job.cluster
        yield from looked_at(f"columns {self._subject}", lambda: self._look_at_columns(files, table, cluster))
        if plan := self._plan:
            yield from looked_at(f"rows {self._subject}", lambda: self._look_at_rows(files[0], plan))

    def _files(self) -> Iterator[SourceFile]:
        """Yield the files as a load knows them, until enough is read.

        Raises:
            RowFileError: one cannot be read.
        """
        read_bytes = 0
        for file in self._job.files:
            if read_bytes > _ENOUGH_BYTES:
                return
            path = path_of(file.path, file.objects)
            if isinstance(path, Path):
                read_bytes += path.stat().st_size
            yield describe_file(path, file.dialect)

    def _look_at_columns(
        self, files: list[SourceFile], table: Table, cluster: ClusterConfig
    ) -> Iterator[Finding]:
        job = self._job
        load = Load(
            cluster=cluster,
            keyspace=job.keyspace,
            table=job.table,
            files=tuple(files),
            columns=job.columns,
            values=job.values,
            config=job.config,
            checkpoints="",
            bad_rows="",
        )
        self._plan = plan = plan_into(table, load)
        names = ", ".join(field.column.name for field in plan.fields)
        yield ok(f"columns {self._subject}", f"{len(plan.fields)} of {len(table.columns)} are fed: {names}")

    def _look_at_rows(self, file: SourceFile, plan: LoadPlan) -> Iterator[Finding]:
        """Yield what is found of the rows of a file's first split."""
        shape = InsertPlan.of(plan)
        splits = None if file.content.stream else file.content.splits[:1]
        split_rows = next(read_splits(file, shape.read, splits), None)
        if split_rows is None:
            yield warning(f"rows {self._subject}", f"{file.path} has no rows", "look at what writes it")
            return
        values, _, faults = encode_fields(split_rows, shape)
        bad = sorted([*split_rows.bad, *faulty_rows(split_rows, shape, faults)], key=lambda row: row.place)
        wrong = {at for at, _, _ in faults}
        good = (at for at in range(len(values[0])) if at not in wrong)
        self.first_rows = tuple(
            tuple(
                (field.column.name, self._shown(field, array[at].as_py()))
                for field, array in zip(shape.read, values, strict=True)
            )
            for at in itertools.islice(good, _SHOWN)
        )
        read = len(values[0]) + len({row.place for row in split_rows.bad})
        yield from self._judged(bad, read, is_whole=len(file.content.splits) == 1 == len(self._job.files))

    def _shown(self, field: Field, value: bytes | None) -> str:
        if value is None:
            return _ABSENT[self._job.config.nulls]
        return literal_of(field.column.cql_type, value)

    def _judged(self, bad: list[BadRow], read: int, *, is_whole: bool) -> Iterator[Finding]:
        """Yield a line for each of the first faults, as a failure if a load may not have so many."""
        subject, count = f"rows {self._subject}", len({row.place for row in bad})
        budget = ErrorBudget.parse(self._job.config.max_bad_rows)
        if not bad:
            yield ok(subject, f"the first {read} can be loaded")
            return
        say = failure if budget.exceeded(count, read, at_end=is_whole) else warning
        yield say(
            subject,
            f"{count} of the first {read} are bad, {budget} may be",
            "correct them, or see max_bad_rows",
        )
        for row in bad[:_SHOWN]:
            column = f"column {row.column}: " if row.column else ""
            yield say(f"bad row {self._subject}", f"{row.where}: {column}{row.reason}")


def _described(file: SourceFile) -> str:
    """Return how a file is read, in a line."""
    about = [file.format.name if file.format.has_lines else f"{file.format.name}, with types of its own"]
    if file.format.has_lines:
        differing = {**differences(Dialect()), **differences(file.dialect)}
        about += [f"{name} {value!r}" for name, value in differing.items() if name != "format"] or [
            "as RFC 4180 has it, UTF-8"
        ]
    header = file.content.header
    return ", ".join(about) + (f"; fields {', '.join(header)}" if header else "")


_ENOUGH_BYTES = 1 << 30
_SHOWN = 5
_ABSENT = {"unset": "(left as it is)", "write": "null"}
