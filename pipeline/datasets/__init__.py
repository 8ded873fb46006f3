"""Datasets: one module a table, each a cqlengine model plus a Faker recipe for every column.

A dataset's module defines `DATASET`; nothing else in the project knows its table.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cassandra.cqlengine.models import Model
from faker import Faker

from pipeline.errors import SettingError
from pipeline.rowfiles import Column


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A table's model and, for each of its columns, what to ask a seeded Faker for.

    Raises:
        SettingError: the recipe's columns are not the model's.
    """

    model: type[Model]
    recipe: Mapping[str, Callable[[Faker], object]]

    def __post_init__(self) -> None:
        if set(self.attributes) != set(self.recipe):
            raise SettingError(
                f"the recipe of {self.model.__name__} names {sorted(self.recipe)}, "
                f"its model has {sorted(self.attributes)}; give one recipe a column"
            )

    @property
    def table(self) -> str:
        """The table's name, without its keyspace."""
        name: str = self.model._raw_column_family_name()
        return name

    @property
    def attributes(self) -> list[str]:
        """The model's attributes, in its order."""
        return list(self.model._columns)

    @property
    def columns(self) -> list[Column]:
        """The table's columns, in the same order."""
        return [
            Column(column.db_field_name, column.db_type, column.primary_key)
            for column in self.model._columns.values()
        ]


def find_dataset(module: str) -> Dataset:
    """Return the `DATASET` of a module, such as `pipeline.datasets.users`.

    Raises:
        SettingError: there is no such module, or it defines no dataset.
    """
    try:
        found = importlib.import_module(module).DATASET
    except (ImportError, AttributeError) as error:
        raise SettingError(f"no dataset in module {module!r}: {error}; it must define DATASET") from error
    if not isinstance(found, Dataset):
        raise SettingError(f"{module}.DATASET is a {type(found).__name__}; it must be a Dataset")
    return found
