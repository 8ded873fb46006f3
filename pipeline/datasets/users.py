"""The article's table: users with a first and a last name."""

from operator import methodcaller

from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model

from pipeline.datasets import Dataset


class User(Model):
    """One user."""

    __table_name__ = "user"
    user_id = columns.UUID(primary_key=True)
    first_name = columns.Text()
    last_name = columns.Text()


DATASET = Dataset(
    model=User,
    recipe={
        "user_id": methodcaller("uuid4", cast_to=None),
        "first_name": methodcaller("first_name"),
        "last_name": methodcaller("last_name"),
    },
)
