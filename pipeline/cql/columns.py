"""The columns of a table, and its rows as values."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import SettingError

if TYPE_CHECKING:
    from pipeline.cql.types import CqlType

COUNTER = "counter"
"""The one type that cannot be loaded: a write that is sent again would count twice."""

Row = tuple[object, ...]
"""One row's values in the order of the table's columns; None is null."""


@dataclass(frozen=True)
class Column:
    """A table's column: its name, the CQL name of its type, and whether it is in the primary key.

    `user_types` has the fields of each user-defined type that the type may name.
    """

    name: str
    type_name: str
    is_key: bool
    user_types: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    @functools.cached_property
    def cql_type(self) -> "CqlType":
        """The type of its values, with their forms in row files.

        Raises:
            SettingError: row files cannot carry values of this type.
        """
        from pipeline.cql.types import cql_type  # noqa: PLC0415 - it needs Arrow

        try:
            return cql_type(self.type_name, self.user_types)
        except SettingError as error:
            raise SettingError(f"column {self.name}: {error}; leave it out by --mapping") from error

    @property
    def is_counter(self) -> bool:
        """Whether it is a counter, which cannot be loaded."""
        return self.type_name == COUNTER


def key_positions(columns: Sequence[Column]) -> list[int]:
    """Return the positions of the primary key's columns in a row."""
    return [at for at, column in enumerate(columns) if column.is_key]
