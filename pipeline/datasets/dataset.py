"""What a dataset is: a table's model, and a recipe for each of its columns."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cassandra.cqlengine.models import Model
from faker import Faker

from pipeline import driver
from pipeline.cql.columns import Column
from pipeline.errors import SettingError

Recipe = Callable[[Faker], object]
"""Returns one value of a column from a seeded Faker. `pipeline.datasets.sampling` has faster recipes."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A table's model and a recipe for each of its columns.

    A recipe's value may depend on its Faker alone, not on earlier rows, because several processes generate
    the rows in blocks. So `fake.unique` is unique within a block of 10,000 rows only.

    Raises:
        SettingError: the recipe's columns are not the model's.
    """

    model: type[Model]
    recipe: Mapping[str, Recipe]

    def __post_init__(self) -> None:
        if set(self.attributes) != set(self.recipe):
            raise SettingError(
                f"the recipe of {self.model.__name__} names {sorted(self.recipe)}, "
                f"its model has {sorted(self.attributes)}; give one recipe a column"
            )

    @property
    def table(self) -> str:
        """The table's name, without its keyspace."""
        return driver.table_of(self.model)

    @property
    def attributes(self) -> list[str]:
        """The model's attributes, in its order."""
        return list(driver.columns_of(self.model))

    @property
    def columns(self) -> list[Column]:
        """The table's columns, in the same order."""
        return [
            Column(column.db_field_name, column.db_type, column.primary_key)
            for column in driver.columns_of(self.model).values()
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


def named_table(dataset: str, table: str) -> str:
    """Return the name of a table that is named by its dataset's module, or, where there is none, as it is.

    Raises:
        SettingError: there is no such module, or it defines no dataset.
    """
    return find_dataset(dataset).table if dataset else table
