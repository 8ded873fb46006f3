"""A table that differs from the article's: a clustering key, a timestamp, numbers and a set."""

from datetime import datetime, timedelta
from decimal import Decimal

from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model
from faker import Faker

from pipeline.datasets.dataset import Dataset


class Reading(Model):
    """A measurement of one sensor."""

    __table_name__ = "reading"
    sensor = columns.Text(partition_key=True)
    measured_at = columns.DateTime(primary_key=True, clustering_order="DESC")
    battery_percent = columns.Integer()
    celsius = columns.Decimal()
    tags = columns.Set(columns.Text)


def _measured_at(fake: Faker) -> datetime:
    days = timedelta(days=fake.random_int(0, 3650))
    return datetime(2020, 1, 1) + days + timedelta(milliseconds=fake.random_int(0, 86_399_999))  # noqa: DTZ001 - UTC, as the driver has it


def _celsius(fake: Faker) -> Decimal:
    return Decimal(fake.random_int(-4000, 6000)).scaleb(-2)


DATASET = Dataset(
    model=Reading,
    recipe={
        "sensor": lambda fake: f"sensor-{fake.random_int(1, 5)}",
        "measured_at": _measured_at,
        "battery_percent": lambda fake: fake.random_int(0, 100),
        "celsius": _celsius,
        "tags": lambda fake: set(fake.words(nb=2)),
    },
)
