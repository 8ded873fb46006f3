"""The plan of a load: the table as it is in the cluster, and the fields of the files that go into it."""

from collections.abc import Sequence
from dataclasses import replace

from cassandra.cluster import Session

from pipeline.cluster.system import server_version
from pipeline.cluster.table import find_table_of
from pipeline.cql.tables import Table
from pipeline.datasets.dataset import named_table
from pipeline.errors import SchemaError, SettingError
from pipeline.load.jobs import Load, LoadPlan
from pipeline.rowfiles.fields import Field, using_fields
from pipeline.rowfiles.files import plan_fields


def plan_of(session: Session, load: Load) -> LoadPlan:
    """Return the plan of a load into its table as it is in the cluster.

    Raises:
        PipelineError: there is no such table, or the files do not fit it.
    """
    table = find_table_of(session, load.keyspace.name, named_table(load.dataset, load.table))
    return replace(plan_into(table, load), server_version=server_version(session))


def plan_into(table: Table, load: Load) -> LoadPlan:
    """Return the plan of a load into a table.

    Raises:
        PipelineError: the files do not fit it.
    """
    fields = plan_fields(load.files, table.columns, load.columns, load.values)
    _require_writable(load, table, fields)
    return LoadPlan(
        load=load,
        table=table,
        fields=tuple(fields),
        using=using_fields(load.columns, load.values),
    )


def _require_writable(load: Load, table: Table, fields: Sequence[Field]) -> None:
    """Return if rows can have a time to live and a write timestamp of their own, as far as they shall.

    Raises:
        SettingError: another setting says the same, or the method cannot write them.
        SchemaError: a list would have elements twice.
    """
    columns, config = load.columns, load.config
    for name, field, other, is_set in (
        ("ttl_field", columns.ttl_field, "ttl_s", config.ttl_s is not None),
        ("timestamp_field", columns.timestamp_field, "timestamp_us", config.timestamp_us > 0),
    ):
        if field and is_set:
            raise SettingError(f"{name} is {field!r}, and {other} is set too; leave one of them out")
        if field and config.method == "create":
            raise SettingError(f"method create cannot write {name}; use method batch or prepared")
    if columns.timestamp_field and table.has_lists([field.column.name for field in fields]):
        raise SchemaError(
            f"table {table} has a list that is not frozen, whose elements would stand twice if a row with a "
            "timestamp_field were sent twice; leave the list or timestamp_field out"
        )
