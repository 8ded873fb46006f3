"""What loads need, looked at before the night: `luigi --module tasks CheckSetup`."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import luigi

from pipeline.checks.findings import Finding, Status, failure, looked_at, ok, warning
from pipeline.checks.folder import look_at_folder, size_of
from pipeline.checks.jobs import CheckCluster, CheckTable, Row
from pipeline.errors import AbsentInputError, PipelineError, SetupError
from pipeline.rowfiles import finding
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings import ClusterConfig, ColumnsConfig, LoadConfig, ValuesConfig
from pipeline.workers.client import run_job
from tasks import settings
from tasks.inputs import find, passed_over
from tasks.origins import look_at_section_of_table, look_at_settings
from tasks.parameters import Day, Input, SettingParameter
from tasks.tables import LoadTable
from tasks.tablesections import named_sections
from tasks.targets import named_table


class CheckSetup(luigi.Task):
    """Look at everything that loads need, and write nothing; fail if a load would fail."""

    date = Day(description="The day whose input is looked for.")
    table = SettingParameter(
        default="", description="keyspace.table; else each that has a [table …] section in luigi.cfg."
    )
    input = Input(default="", description="The table's row files; else those that its section names.")

    def complete(self) -> bool:
        """Never: whoever names it wants to know how things are now."""
        return False

    def run(self) -> None:
        """Look at all of it, and print a line a look.

        Raises:
            SetupError: something is not as loads need it.
        """
        self._found: list[Finding] = []
        self._largest_bytes = 0
        self._show(looked_at("setting", look_at_settings))
        cluster = self._look_at_cluster()
        tables = [self.table] if self.table else named_sections()
        for table in tables:
            self._look_at_table(table, cluster)
        if not tables:
            self._show(looked_at("keyspace", lambda: self._keyspace(cluster)))
        self._show(looked_at("folder", lambda: look_at_folder(settings.output_folder(), self._largest_bytes)))
        counts = {status: sum(each.status is status for each in self._found) for status in Status}
        listed = ", ".join(f"{status}: {count}" for status, count in counts.items())
        if counts[Status.FAILURE]:
            self._show([failure("setup", listed, "correct what is a failure above")])
            raise SetupError(f"a load would fail ({listed}); correct what is a failure above")
        self._show([ok("setup", listed)])

    def _show(self, findings: Iterable[Finding]) -> None:
        """Print findings, those that were printed already left out: tables share a keyspace and a server."""
        from tasks.seen.printed import show_finding  # noqa: PLC0415 - rich, which other tasks do not need

        for each in findings:
            if each not in self._found:
                self._found.append(each)
                show_finding(each)

    def _look_at_cluster(self) -> ClusterConfig | None:
        """Return the cluster if there is a session on it."""
        try:
            cluster = settings.cluster_config_as_set()
        except PipelineError:
            # What is wrong is among the findings on the settings.
            self._show([warning("cluster", "is not looked at: its settings are wrong", "correct them first")])
            return None
        if cluster is None:
            advice = "the first load starts it, or: make start"
            self._show(
                [warning("cluster", "the embedded Cassandra does not run, so it is not looked at", advice)]
            )
            return None
        try:
            checked = run_job(CheckCluster(cluster=cluster))
        except PipelineError as error:
            self._show([failure("cluster", str(error))])
            return None
        self._show(checked.findings)
        return cluster if checked.is_open else None

    def _keyspace(self, cluster: ClusterConfig | None) -> tuple[Finding, ...]:
        if cluster is None:
            return ()
        checked = run_job(
            CheckTable(
                cluster=cluster,
                keyspace=settings.keyspace_config(),
                table="",
                config=settings.build(LoadConfig, pool_size=settings.load().pool_size or _POOL_SIZE),
                columns=ColumnsConfig(),
                values=ValuesConfig(),
            )
        )
        return checked.findings

    def _look_at_table(self, table: str, cluster: ClusterConfig | None) -> None:
        self._show(looked_at("setting", lambda: look_at_section_of_table(table)))
        rows: list[Row] = []
        self._show(looked_at(f"table {table}", lambda: self._table(table, cluster, rows)))
        if rows:
            from tasks.seen.printed import show_first_rows  # noqa: PLC0415 - same

            show_first_rows(named_table(table).quoted, rows)

    def _table(self, table: str, cluster: ClusterConfig | None, rows: list[Row]) -> Iterator[Finding]:
        """Yield what is found of a table and its input; `rows` gets the first rows."""
        load = self._load_of(table)
        files: list[FilePath] = []
        yield from looked_at(f"input {table}", lambda: self._look_for_input(load, files))
        checked = run_job(
            CheckTable(
                cluster=cluster,
                keyspace=load.table_ref.keyspace,
                table=load.table_ref.table,
                config=settings.build(LoadConfig, load, pool_size=load.pool_size or _POOL_SIZE),
                files=load.to_read(files),
                columns=load.columns_config(),
                values=load.values_config(),
                processes=load.processes or 1,
            )
        )
        rows += checked.first_rows
        yield from checked.findings

    def _load_of(self, table: str) -> LoadTable:
        """Return the table's load of the day, with an empty input if none is named.

        Raises:
            SettingError: a setting in the table's section is wrong.
        """
        if self.input:
            return LoadTable(table=table, date=self.date, input=self.input)
        with contextlib.suppress(luigi.parameter.MissingParameterException):
            return LoadTable(table=table, date=self.date)
        return LoadTable(table=table, date=self.date, input="")

    def _look_for_input(self, load: LoadTable, files: list[FilePath]) -> Iterator[Finding]:
        """Yield whether the input of the day is there; `files` gets its files."""
        ref, named = load.table_ref, load.named_input()
        subject = f"input {ref.keyspace.name}.{ref.table}"
        if not named:
            yield warning(subject, "none is named", f"set input in [table {load.table}], or give --input")
            return
        try:
            files += load.find(named)
        except AbsentInputError as error:
            yield warning(subject, str(error), "it may come later: a load waits for it")
            return
        size_bytes = sum(file.stat().st_size for file in files if isinstance(file, Path))
        self._largest_bytes = max(self._largest_bytes, size_bytes)
        yield ok(
            subject,
            f"{len(files)} file{'s' * (len(files) > 1)}{_sized(size_bytes)}: {finding.listed(files)}",
        )
        if passed := passed_over(named, any_ending=bool(load.format)):
            yield warning(subject, f"not read: {passed}", "see format in [files]")
        if load.flag_file:
            try:
                find(named, any_ending=bool(load.format), flag_file=load.flag_file)
            except AbsentInputError as error:
                yield warning(subject, str(error), "a load waits for it")
            else:
                yield ok(subject, f"{load.flag_file} is there")


def _sized(size_bytes: int) -> str:
    """Return the size of an input for a sentence; nothing where it is not known, as that of objects."""
    return f", {size_of(size_bytes)}" if size_bytes else ""


_POOL_SIZE = LoadConfig().pool_size
"""What stands for `auto`, which a load looks up."""
