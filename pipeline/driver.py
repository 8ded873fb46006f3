"""The private names of the driver that this project uses, here and in our own connection only.

`tests/test_driver.py` fails if an upgrade of the driver moves one. Importing this module imports no session.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cassandra.cqlengine.columns import Column
    from cassandra.cqlengine.models import Model
    from cassandra.util import OrderedMap


def columns_of(model: "type[Model]") -> "Mapping[str, Column]":
    """Return a model's columns by attribute name, in the model's order."""
    columns: Mapping[str, Column] = model._columns
    return columns


def keys_of(model: "type[Model]") -> "tuple[list[Column], list[Column]]":
    """Return the columns of a model's partition key and those of its clustering key, each in order."""
    return list(model._partition_keys.values()), list(model._clustering_keys.values())


def keyspace_of(model: "type[Model]") -> str:
    """Return the keyspace of a model."""
    keyspace: str = model._get_keyspace()
    return keyspace


def table_of(model: "type[Model]") -> str:
    """Return the name of a model's table, without its keyspace and without quotes."""
    table: str = model._raw_column_family_name()
    return table


def bound(model: "type[Model]", keyspace: str, table: str) -> "type[Model]":
    """Return a copy of a model for the table `table` in `keyspace`."""
    # cqlengine caches the table's name on the class, so a subclass would use its parent's name.
    attributes = {"__keyspace__": keyspace, "__table_name__": table, "_table_name": table}
    return type(model.__name__, (model,), attributes)


def create_table_cql(model: "type[Model]") -> str:
    """Return the CQL that creates a model's table."""
    from cassandra.cqlengine import management  # noqa: PLC0415 - it imports the driver's session

    definition: str = management._get_create_table(model)
    return definition


def forget_session(name: str) -> None:
    """Remove a closed session from cqlengine, whose own function would shut it down a second time."""
    from cassandra.cqlengine import connection  # noqa: PLC0415 - it imports the driver's session

    connection._connections.pop(name, None)


def pairs_of(values: "OrderedMap") -> list[tuple[Any, Any]]:
    """Return a map's pairs. Its lookup compares keys by their bytes, and may miss a key that it contains."""
    return list(values._items)
