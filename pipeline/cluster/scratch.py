"""Scratch tables: created for a measurement under an unused name, and dropped in every case."""

import contextlib
import time
from collections.abc import Iterator

from cassandra import Unauthorized
from cassandra.cluster import Session
from cassandra.cqlengine.models import Model

from pipeline.cluster.agreement import schema_change
from pipeline.cluster.keyspace import bind_model, ensure_table, find_table, find_table_id, table_name
from pipeline.cluster.translation import translated_errors
from pipeline.driver import keyspace_of, table_of
from pipeline.errors import SchemaError
from pipeline.settings import KeyspaceConfig


def unused_scratch(session: Session, model: type[Model], keyspace: KeyspaceConfig, run: str) -> type[Model]:
    """Return `model` bound to the scratch table of one run, which does not exist yet.

    Raises:
        SchemaError: the table exists already, or `manage_schema` is false.
    """
    if not keyspace.manage_schema:
        raise SchemaError(
            "a measurement creates a scratch table, and manage_schema is false; measure on another cluster"
        )
    scratch = bind_model(model, keyspace.name, f"{table_of(model)[:12]}_timing_{run}")
    if find_table(session, scratch) is not None:
        raise SchemaError(f"scratch table {table_name(scratch)} exists already; choose another run")
    return scratch


@contextlib.contextmanager
def scratch_table(session: Session, model: type[Model]) -> Iterator[None]:
    """Create the model's table, and drop it when the block ends, also after an error.

    Raises:
        SettingRefusedError: a guardrail forbids dropping tables; no table is created.
        AccessError: the user has no permission to create it.
        ClusterError: the cluster refuses, or does not answer.
    """
    # cqlengine's own drop overlooks a table whose creation was interrupted.
    drop = f"DROP TABLE IF EXISTS {model.column_family_name()}"
    # A role may drop the tables that it creates, but maybe not a table that does not exist yet.
    with (
        schema_change(session, f"cannot create scratch table {table_name(model)}"),
        contextlib.suppress(Unauthorized),
    ):
        session.execute(drop)
    try:
        ensure_table(session, model, manage_schema=True)
    except BaseException:
        # The first error is the one to report, and usually there is no table to drop.
        with contextlib.suppress(Exception):
            _drop_until_gone(session, model, drop)
        raise
    try:
        yield
    finally:
        with translated_errors(f"cannot drop table {table_name(model)}"):
            session.execute(drop)


def _drop_until_gone(session: Session, model: type[Model], drop: str) -> None:
    """Drop a table whose creation was interrupted: a server may list it a moment before it can drop it."""
    until_s = time.monotonic() + _DROP_S
    session.execute(drop)
    while find_table_id(session, keyspace_of(model), table_of(model)) and time.monotonic() < until_s:
        time.sleep(_POLL_S)
        session.execute(drop)


_DROP_S, _POLL_S = 10.0, 0.1
