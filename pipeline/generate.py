"""Fake rows for a dataset, the same for the same dataset, date, seed and locale."""

import hashlib
from collections.abc import Iterator
from datetime import date

from faker import Faker

from pipeline.datasets import Dataset
from pipeline.errors import SettingError
from pipeline.rowfiles import Row


def generate_rows(dataset: Dataset, day: date, *, rows: int, seed: int, locale: str) -> Iterator[Row]:
    """Yield `rows` rows in the order of the model's columns.

    The first n rows are the same whatever `rows` is.

    Raises:
        SettingError: the locale is empty, or Faker has none of that name.
    """
    if not locale:
        raise SettingError("locale is empty; name one that Faker has, such as en_US")
    try:
        fake = Faker(locale)
    except (AttributeError, ImportError, ValueError) as error:
        raise SettingError(f"locale is {locale!r}: {error}; use one that Faker has, such as en_US") from error
    origin = f"{dataset.table}|{day}|{seed}|{locale}"
    fake.seed_instance(int.from_bytes(hashlib.sha256(origin.encode()).digest()))
    recipe = [dataset.recipe[attribute] for attribute in dataset.attributes]
    for _ in range(rows):
        yield tuple(column(fake) for column in recipe)
