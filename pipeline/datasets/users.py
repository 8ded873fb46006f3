"""The article's table: users with a first and a last name."""

from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model

from pipeline.datasets.dataset import Dataset
from pipeline.datasets.sampling import FakerTable, RandomUuid


class User(Model):
    """One user."""

    __table_name__ = "user"
    user_id = columns.UUID(primary_key=True)
    first_name = columns.Text()
    last_name = columns.Text()


DATASET = Dataset(
    model=User,
    recipe={
        "user_id": RandomUuid(),
        "first_name": FakerTable("first_name"),
        "last_name": FakerTable("last_name"),
    },
)
