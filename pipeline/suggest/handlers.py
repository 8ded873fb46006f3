"""Looking at row files, as a worker does it: what they are, their rows, a table and the options for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rowfiles.formats import compression_of, format_of
from pipeline.rowfiles.formats.protocol import FileFormat
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.stores.paths import FilePath, path_of
from pipeline.settings.files import FilesConfig
from pipeline.settings.values import ValuesConfig
from pipeline.suggest.columns import Guess, Values, distinct_of, guess, note_forms, shared_values
from pipeline.suggest.content import beginning, compression_in, encoding_of, format_in
from pipeline.suggest.dialects import with_dialect
from pipeline.suggest.jobs import Suggestion, SuggestTable
from pipeline.suggest.keys import KeyColumn, find_key
from pipeline.suggest.names import numbered
from pipeline.suggest.notes import Notes
from pipeline.suggest.objects import fields_of
from pipeline.suggest.sample import Sample, described, sample_of
from pipeline.suggest.table import SuggestedTable
from pipeline.workers.jobs import Progress


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Files as they are read with some settings: the names of their fields, and some rows.

    `fields` are the names in a mapping: numbers where there is no header, or where two fields have one name.
    """

    config: FilesConfig
    names: Sequence[str]
    fields: Sequence[str]
    sources: Sequence[SourceFile]
    sample: Sample

    @property
    def format(self) -> FileFormat:
        """The format of the files."""
        return self.sources[0].format


def suggest_table(job: SuggestTable, _: Progress) -> Suggestion:
    """Return a table for some files, and the options that read them.

    Raises:
        RowFileError: a file cannot be read, or has no rows, or the key that is named is none.
        SettingError: settings that are given contradict each other.
    """
    notes = Notes()
    files = [path_of(file, job.objects) for file in job.files]
    config, keys = _read_as(files[0], job.given, notes)
    reading = _with_short_rows(files, _reading(files, config, keys, notes), notes)
    values, guesses, forms = _guessed(reading, notes)
    if _needs_trim(reading, values, guesses):
        notes.reason("blanks stand around its values")
        reading = _reading(files, replace(reading.config, trim="true"), keys, notes)
        values, guesses, forms = _guessed(reading, notes)
    null_words = note_forms(guesses, values, notes)
    config = reading.config
    if null_words:
        config = replace(config, null_words=tuple(dict.fromkeys((*config.null_words, *null_words))))
    sample = reading.sample
    _note_sample(sample, notes)
    columns = [
        KeyColumn(each.name, each.type_name, _without_words(array, null_words))
        for each, array in zip(guesses, sample.columns, strict=True)
    ]
    table = SuggestedTable(
        name=job.table,
        fields=reading.fields,
        guesses=guesses,
        key=find_key(columns, job.key, notes, is_whole=sample.is_whole),
        columns=columns,
        has_header=reading.format.has_header,
        several_files=len(files) > 1,
    )
    return table.suggestion(config, forms, sample, notes)


def _reading(files: Sequence[FilePath], config: FilesConfig, keys: Sequence[str], notes: Notes) -> Reading:
    """Read files with some settings; `keys` are the names of the fields of JSON."""
    sources = described(files, config)
    names = fields = list(keys or sources[0].content.header)
    if len(set(names)) < len(names):
        notes.reason("names in its header stand twice: its fields are taken by their numbers")
        config = replace(config, header="false", skip_rows=config.skip_rows + 1)
        fields = [str(number) for number in range(1, len(names) + 1)]
        names = numbered(names)
        sources = described(files, config)
    return Reading(
        config=config, names=names, fields=fields, sources=sources, sample=sample_of(sources, fields)
    )


def _with_short_rows(files: Sequence[FilePath], reading: Reading, notes: Notes) -> Reading:
    """Return the reading in which short rows are filled, if fewer rows are bad then."""
    bad = reading.sample.bad
    if not bad or reading.format.name != "csv":
        return reading
    config = replace(reading.config, short_rows="fill")
    sources = described(files, config)
    sample = sample_of(sources, reading.fields)
    if sample.bad >= bad:
        return reading
    notes.doubt(f"{bad - sample.bad} rows have fewer fields than the first: these are null")
    return replace(reading, config=config, sources=sources, sample=sample)


def _read_as(file: FilePath, given: FilesConfig, notes: Notes) -> tuple[FilesConfig, list[str]]:
    """Return how a file is read, and the names of its fields where it is JSON."""
    config = given
    if not config.compression:
        config = replace(config, compression=compression_in(file, notes))
    compression = config.compression or compression_of(file)
    begin = beginning(file, compression)
    if not config.format:
        config = replace(config, format=format_in(file, begin, notes))
    name = format_of(file, config.format).name
    if name == "parquet":
        return config, []
    if not config.encoding and not config.dialect:
        config = replace(config, encoding=encoding_of(file, compression, notes))
    text = begin.decode(config.encoding or "utf-8-sig", errors="replace")
    if name == "csv":
        return with_dialect(text, config, notes), []
    return config, fields_of(text, notes)


def _guessed(reading: Reading, notes: Notes) -> tuple[list[Values], list[Guess], ValuesConfig]:
    """Return the values of each field, its type, and the settings of [values] that all share."""
    values = [
        Values(
            name,
            distinct_of([array]),
            len(array),
            array.null_count,
            may_be_null=reading.format.name == "csv",
            is_text=reading.format.has_lines,
        )
        for name, array in zip(reading.names, reading.sample.columns, strict=True)
    ]
    guesses = [guess(each, notes) for each in values]
    return values, guesses, shared_values(guesses, values, notes)


def _needs_trim(reading: Reading, values: Sequence[Values], guesses: Sequence[Guess]) -> bool:
    """Return whether a field of text would have another type without the blanks around its values."""
    if reading.format.name != "csv" or reading.config.trim:
        return False
    for each, found in zip(values, guesses, strict=True):
        if found.type_name != "text" or not len(each.distinct):
            continue
        trimmed = pc.utf8_trim_whitespace(each.distinct)
        if trimmed.equals(each.distinct):
            continue
        again = Values(each.name, pc.unique(trimmed), each.rows, each.nulls, may_be_null=True)
        if guess(again, Notes()).type_name != "text":
            return True
    return False


def _without_words(array: pa.Array, words: Sequence[str]) -> pa.Array:
    if not words or not pa.types.is_string(array.type):
        return array
    is_word = pc.is_in(array, value_set=pa.array(words, pa.string()))
    return pc.if_else(is_word, pa.scalar(None, array.type), array)


def _note_sample(sample: Sample, notes: Notes) -> None:
    if not sample.is_whole:
        notes.doubt(f"{sample.rows} rows were read, not all: others may have other values")
    if sample.bad:
        notes.doubt(f"{sample.bad} rows cannot be taken apart, the first: line {sample.first_fault}")
