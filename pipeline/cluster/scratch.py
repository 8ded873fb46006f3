"""Scratch tables: made for a measurement under a name of their own, and dropped whatever happens."""

import contextlib
from collections.abc import Iterator

from cassandra import Unauthorized
from cassandra.cluster import Session
from cassandra.cqlengine.models import Model

from pipeline.cluster.keyspace import bind_model, ensure_table, find_table, table_name
from pipeline.cluster.translation import translated_errors
from pipeline.driver import table_of
from pipeline.errors import SchemaError
from pipeline.settings import KeyspaceConfig


def unused_scratch(session: Session, model: type[Model], keyspace: KeyspaceConfig, run: str) -> type[Model]:
    """Return `model` bound to the name of a run's scratch table, which must not exist yet.

    Raises:
        SchemaError: it is there already, or nothing may be created.
    """
    if not keyspace.manage_schema:
        raise SchemaError(
            "a measurement creates a scratch table, and manage_schema is false; measure on another cluster"
        )
    scratch = bind_model(model, keyspace.name, f"{table_of(model)[:12]}_timing_{run}")
    if find_table(session, scratch) is not None:
        raise SchemaError(f"scratch table {table_name(scratch)} is there already; choose another run")
    return scratch


@contextlib.contextmanager
def scratch_table(session: Session, model: type[Model]) -> Iterator[None]:
    """Create the model's table, and drop it when the block ends, whatever happens.

    Raises:
        SettingRefusedError: a guardrail forbids to drop tables; none is created.
        AccessError: the user has no right to create it.
        ClusterError: the cluster refuses, or does not answer.
    """
    # Not cqlengine's drop: it overlooks a table whose creation was interrupted.
    drop = f"DROP TABLE IF EXISTS {model.column_family_name()}"
    # Who creates a table may drop it, but not what is not there yet.
    with (
        translated_errors(f"cannot create scratch table {table_name(model)}"),
        contextlib.suppress(Unauthorized),
    ):
        session.execute(drop)
    try:
        ensure_table(session, model, manage_schema=True)
    except BaseException:
        # The first failure is the one to report; usually there is then nothing to drop.
        with contextlib.suppress(Exception):
            session.execute(drop)
        raise
    try:
        yield
    finally:
        with translated_errors(f"cannot drop table {table_name(model)}"):
            session.execute(drop)
