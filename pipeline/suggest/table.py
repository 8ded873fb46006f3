"""A suggested table: its CREATE TABLE, and the options with which its files are loaded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cassandra.metadata import protect_name

from pipeline.rowfiles.mapping import format_mapping
from pipeline.settings.declaration import settings_of
from pipeline.settings.files import FilesConfig
from pipeline.settings.values import USUAL, ValuesConfig
from pipeline.suggest.columns import Guess
from pipeline.suggest.jobs import Suggestion
from pipeline.suggest.keys import KeyColumn
from pipeline.suggest.names import column_names
from pipeline.suggest.notes import Notes
from pipeline.suggest.sample import Sample


@dataclass(frozen=True, kw_only=True)
class SuggestedTable:
    """A table for files. `fields` are the fields' names in a mapping, `guesses` their types in this order.

    `key` are the names of the fields of its primary key, none where there is none. `has_header`: the file
    names its fields once, not in each row.
    """

    name: str
    fields: Sequence[str]
    guesses: Sequence[Guess]
    key: Sequence[str]
    columns: Sequence[KeyColumn]
    has_header: bool
    several_files: bool

    def suggestion(
        self, config: FilesConfig, values: ValuesConfig, sample: Sample, notes: Notes
    ) -> Suggestion:
        """Return the suggestion for files that are read so."""
        names = column_names([guess.name for guess in self.guesses])
        loaded = [
            (field, name, guess)
            for field, name, guess in zip(self.fields, names, self.guesses, strict=True)
            if guess.type_name
        ]
        columns = [(name, guess.type_name) for _, name, guess in loaded]
        column_of = {guess.name: name for _, name, guess in loaded}
        key = [column_of[name] for name in self.key]
        constants: list[tuple[str, str]] = []
        if not key:
            constants = list(self._place_columns(names))
            columns = [(name, "text" if value == "{file}" else "int") for name, value in constants] + columns
            key = [name for name, _ in constants]
            notes.doubt(
                f"key: no few columns tell all rows apart; {', '.join(key)} is the row's place in its file"
            )
        lines = [f"    {protect_name(name)} {kind}," for name, kind in columns]
        statement = "\n".join(
            [f"CREATE TABLE {self.name} (", *lines, f"    PRIMARY KEY ({self._key_of(key)})", ");"]
        )
        return Suggestion(
            statement=statement,
            options=(
                *_changed(config),
                *_changed(values),
                *self._ways(loaded, constants),
                *([("max_bad_rows", str(sample.bad))] if sample.bad else []),
            ),
            reasons=notes.reasons,
            doubts=notes.doubts,
        )

    def _place_columns(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the columns that say where a row stands, and the constants that feed them."""
        for place in ("file", "row") if self.several_files else ("row",):
            name = f"{place}_number" if place == "row" else place
            while name in names:
                name = f"own_{name}"
            yield name, f"{{{place}}}"

    def _key_of(self, key: Sequence[str]) -> str:
        """Return the key in CQL: the first column is the partition key, unless partitions became large."""
        names = [protect_name(name) for name in key]
        if len(names) == 1 or not self.key:
            return ", ".join(names)
        [first] = [column for column in self.columns if column.name == self.key[0]]
        if max(Counter(first.values.to_pylist()).values()) <= _PARTITION_MOST_ROWS:
            return ", ".join(names)
        *partition, last = names
        return f"({', '.join(partition)}), {last}" if partition[1:] else f"({', '.join(names)})"

    def _ways(
        self, loaded: Sequence[tuple[str, str, Guess]], constants: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield the options that say which field feeds which column."""
        is_named = all(field == name for field, name, _ in loaded)
        folded = [field.casefold() for field in self.fields]
        is_alike = (
            self.has_header
            and len(set(folded)) == len(folded)
            and all(field.casefold() == name.casefold() for field, name, _ in loaded)
        )
        if not (is_named or is_alike):
            yield "mapping", format_mapping({field: name for field, name, _ in loaded})
        elif not is_named:
            yield "match", "any_case"
        if (is_named or is_alike) and len(loaded) < len(self.fields):
            yield "surplus_fields", "skip"
        if constants:
            yield "constants", format_mapping(dict(constants))


def _changed(config: FilesConfig | ValuesConfig) -> Iterator[tuple[str, str]]:
    """Yield the settings that are not the default, as text."""
    for each in settings_of(type(config)):
        value = getattr(config, each.field)
        if value not in {each.default, getattr(USUAL, each.field, each.default)}:
            yield each.name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


_PARTITION_MOST_ROWS = 10_000
