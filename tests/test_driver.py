"""Undocumented names that `pipeline.driver` and our connection use, because an upgrade can change them."""

from cassandra.connection import Connection
from cassandra.cqlengine import columns, connection
from cassandra.cqlengine.models import Model
from cassandra.util import OrderedMap

from pipeline import driver


class Sample(Model):
    """A table whose names need quotes."""

    __keyspace__ = "SalesDB"
    __table_name__ = "sample"
    first = columns.Text(partition_key=True, db_field="First")
    second = columns.Integer(primary_key=True, clustering_order="desc")
    third = columns.Text()


def test_a_models_columns_keys_and_names_are_where_they_were() -> None:
    """Columns by attribute, keys in order, keyspace and table names unchanged and without quotes."""
    assert list(driver.columns_of(Sample)) == ["first", "second", "third"]
    partition_key, clustering_key = driver.keys_of(Sample)
    assert [column.db_field_name for column in partition_key] == ["First"]
    assert [column.db_field_name for column in clustering_key] == ["second"]
    assert (driver.keyspace_of(Sample), driver.table_of(Sample)) == ("SalesDB", "sample")
    assert "PRIMARY KEY" in driver.create_table_cql(Sample)


def test_a_copy_of_a_model_has_names_of_its_own() -> None:
    """A copy of a model whose name was cached is bound to its own table; the first model is unchanged."""
    assert driver.table_of(Sample) == "sample"
    other = driver.bound(Sample, "elsewhere", "other")
    assert (driver.keyspace_of(other), driver.table_of(other)) == ("elsewhere", "other")
    assert other.column_family_name() == "elsewhere.other"
    assert driver.table_of(Sample) == "sample"


def test_a_map_gives_all_of_its_pairs() -> None:
    """All pairs are returned, also of a map with a key that it cannot find."""
    pairs = [("b", 1), ("a", 2)]
    assert driver.pairs_of(OrderedMap(pairs)) == pairs


def test_a_session_that_is_unknown_is_forgotten_without_a_word() -> None:
    """Cqlengine keeps its sessions by name in a dict."""
    driver.forget_session("nobody")
    assert isinstance(connection._connections, dict)  # noqa: SLF001 - the promise is about this name


def test_the_drivers_connection_has_what_ours_overrides_or_calls() -> None:
    """Our connection is a subclass: the methods that it uses from its parent exist."""
    names = ["_connect_socket", "_send_options_message", "process_msg", "defunct", "error_all_requests"]
    assert [name for name in names if not callable(getattr(Connection, name, None))] == []
