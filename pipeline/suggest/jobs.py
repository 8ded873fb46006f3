"""The job that looks at row files and suggests a table for them."""

from dataclasses import dataclass, field
from functools import partial

from pipeline.settings.files import FilesConfig
from pipeline.settings.objects import ObjectsConfig
from pipeline.workers.jobs import Handler, Job


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A table for row files: its CREATE TABLE, and the options with which `LoadTable` reads them.

    `reasons` say what was seen; `doubts` what a person should look at.
    """

    statement: str
    options: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SuggestTable(Job[Suggestion]):
    """Look at row files.

    `table` is the table's name as CQL has it. `key` names the fields of the primary key; the first is the
    partition key; without it one is looked for. What `given` says of the files is taken as it is.
    """

    files: tuple[str, ...]
    table: str
    key: tuple[str, ...]
    given: FilesConfig
    objects: ObjectsConfig = field(default_factory=ObjectsConfig)

    def handler(self) -> Handler[Suggestion]:
        """Look at them."""
        from pipeline.suggest.handlers import suggest_table  # noqa: PLC0415 - it needs Arrow

        return partial(suggest_table, self)
