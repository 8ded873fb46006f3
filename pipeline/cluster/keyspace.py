"""The keyspace and its tables: created if absent, compared with the model if present, never altered."""

import contextlib

from cassandra import AlreadyExists
from cassandra.cluster import Session
from cassandra.cqlengine import management
from cassandra.cqlengine.columns import Column
from cassandra.cqlengine.models import Model
from cassandra.metadata import KeyspaceMetadata, TableMetadata

from pipeline import driver
from pipeline.cluster.agreement import await_schema, schema_change
from pipeline.cluster.system import has_system_column, read_system
from pipeline.cql.tables import quoted
from pipeline.errors import SchemaError
from pipeline.settings import KeyspaceConfig


def bind_model(model: type[Model], keyspace: str, table: str | None = None) -> type[Model]:
    """Return a copy of `model` in `keyspace`, with the table name `table` if it is given."""
    return driver.bound(model, keyspace, table or driver.table_of(model))


def ensure_keyspace(session: Session, config: KeyspaceConfig, datacentre: str) -> None:
    """Create the keyspace if it is absent: with SimpleStrategy, or in `datacentre` if that is not empty.

    An existing keyspace keeps its replication.

    Raises:
        SchemaError: it is absent and `manage_schema` is false, the nodes differ in their versions or schemas,
            or the cluster refuses it.
        AccessError: the user has no permission to create it.
    """
    if config.name in session.cluster.metadata.keyspaces:
        return
    if not config.manage_schema:
        strategy, options = _replication(config, datacentre)
        wanted = KeyspaceMetadata(
            config.name, durable_writes=True, strategy_class=strategy, strategy_options=options
        )
        raise SchemaError(
            f"keyspace {config.name} is absent and manage_schema is false; have it created: "
            f"{wanted.as_cql_query()}"
        )
    with schema_change(session, f"cannot create keyspace {config.name}"):
        try:
            if datacentre:
                replicas = {datacentre: config.replication_factor}
                management.create_keyspace_network_topology(config.name, replicas)
            else:
                management.create_keyspace_simple(config.name, config.replication_factor)
        except AlreadyExists:
            # Another process has created it in the meantime.
            session.cluster.refresh_keyspace_metadata(config.name)
        await_schema(
            f"keyspace {config.name}",
            lambda: config.name in session.cluster.metadata.keyspaces,
            lambda: session.cluster.refresh_keyspace_metadata(config.name),
        )


def ensure_table(session: Session, model: type[Model], *, manage_schema: bool) -> None:
    """Create the model's table with `sync_table` if it is absent; change nothing if it is present.

    Raises:
        SchemaError: its columns or keys differ from the model, it is absent and `manage_schema` is false, or
            the nodes differ in their versions or schemas.
        AccessError: the user has no permission to create it.
    """
    if (table := find_table(session, model)) is not None:
        require_same_columns(model, table)
        return
    if not manage_schema:
        definition = driver.create_table_cql(model)
        raise SchemaError(
            f"table {table_name(model)} is absent and manage_schema is false; have it created: {definition}"
        )
    with schema_change(session, f"cannot create table {table_name(model)}"):
        try:
            management.sync_table(model)
        except AlreadyExists as error:
            # Another process has created it in the meantime.
            session.cluster.refresh_table_metadata(error.keyspace, error.table)
            ensure_table(session, model, manage_schema=False)
        await_schema(
            f"table {table_name(model)}",
            lambda: find_table(session, model) and _is_active(session, *_names_of(model)),
            lambda: session.cluster.refresh_table_metadata(driver.keyspace_of(model), driver.table_of(model)),
        )


def create_table(session: Session, config: KeyspaceConfig, table: str, statement: str) -> None:
    """Create a table by a statement of the user's if it is absent.

    Raises:
        SchemaError: it is absent and `manage_schema` is false, or the nodes differ in version or schema.
        AccessError: the user has no permission to create it.
        ClusterError: the cluster refuses the statement, or does not answer.
    """
    what = f"table {config.name}.{table}"
    if find_table_id(session, config.name, table):
        return
    if not config.manage_schema:
        raise SchemaError(f"{what} is absent and manage_schema is false; have it created: {statement}")
    with schema_change(session, f"cannot create {what}"):
        with contextlib.suppress(AlreadyExists):  # by another process, in the meantime
            session.execute(statement)
        await_schema(
            what,
            lambda: find_table_id(session, config.name, table) and _is_active(session, config.name, table),
            lambda: session.cluster.refresh_table_metadata(config.name, table),
        )


def _names_of(model: type[Model]) -> tuple[str, str]:
    return driver.keyspace_of(model), driver.table_of(model)


def _is_active(session: Session, keyspace: str, table: str) -> bool:
    """Tell whether a table can be used; Amazon Keyspaces has its state in a table of its own."""
    if not has_system_column(session, _KEYSPACES_TABLES, "status"):
        return True
    rows = read_system(
        session,
        f"SELECT status FROM {_KEYSPACES_TABLES} WHERE keyspace_name = %s AND table_name = %s",  # noqa: S608 - our own name
        (keyspace, table),
    )
    return [row["status"] for row in rows] == ["ACTIVE"]


def drop_table(session: Session, model: type[Model]) -> None:
    """Drop the model's table if it exists.

    Raises:
        SchemaError: the nodes differ in their versions or schemas.
        AccessError: the user has no permission to drop it.
        ClusterError: the cluster refuses, or does not answer.
    """
    with schema_change(session, f"cannot drop table {table_name(model)}"):
        management.drop_table(model)


def find_table(session: Session, model: type[Model]) -> TableMetadata | None:
    """Return the metadata of the model's table, None if there is no such table."""
    keyspace = session.cluster.metadata.keyspaces.get(driver.keyspace_of(model))
    return keyspace.tables.get(driver.table_of(model)) if keyspace else None


def find_table_id(session: Session, keyspace: str, name: str) -> str | None:
    """Return the id that the cluster gave the table when it was created, None if there is no table."""
    rows = read_system(
        session,
        "SELECT id FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s",
        (keyspace, name),
    )
    return str(rows[0]["id"]) if rows else None


def table_name(model: type[Model]) -> str:
    """Return `keyspace.table`, without quotes."""
    return f"{driver.keyspace_of(model)}.{driver.table_of(model)}"


def quoted_columns(model: type[Model]) -> list[str]:
    """Return the names of the model's columns, in its order, each quoted for CQL."""
    return [quoted(column.db_field_name) for column in driver.columns_of(model).values()]


def require_same_columns(model: type[Model], table: TableMetadata) -> None:
    """Check that the table's columns and keys are those of the model.

    Raises:
        SchemaError: they differ; the message names every difference.
    """
    wanted = {column.db_field_name: column.db_type for column in driver.columns_of(model).values()}
    found = {name: column.cql_type for name, column in table.columns.items()}
    differences = [
        f"column {name} is {found.get(name, 'absent')}, the model has {wanted.get(name, 'none')}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
    partition_key, clustering_key = driver.keys_of(model)
    for kind, table_key, model_key in (
        ("partition key", table.partition_key, partition_key),
        ("clustering key", table.clustering_key, clustering_key),
    ):
        found_key = [f"{column.name} desc" if column.is_reversed else column.name for column in table_key]
        wanted_key = [
            f"{column.db_field_name} desc" if _is_descending(column) else column.db_field_name
            for column in model_key
        ]
        if found_key != wanted_key:
            differences.append(
                f"its {kind} is ({', '.join(found_key)}), the model has ({', '.join(wanted_key)})"
            )
    if differences:
        raise SchemaError(
            f"table {table_name(model)} is not what its model says: {'; '.join(differences)}; "
            "alter the table or the model, or drop the table with --drop"
        )


def _is_descending(column: Column) -> bool:
    return bool(column.clustering_order) and column.clustering_order.lower() == "desc"


def _replication(config: KeyspaceConfig, datacentre: str) -> tuple[str, dict[str, int]]:
    if datacentre:
        return "NetworkTopologyStrategy", {datacentre: config.replication_factor}
    return "SimpleStrategy", {"replication_factor": config.replication_factor}


_KEYSPACES_TABLES = "system_schema_mcs.tables"
"""Documented in the developer guide of Amazon Keyspaces, "Check table creation status"."""
