"""Looking at row files, as a worker does it: what they are, their rows, a table and the options for it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rowfiles.formats import compression_of, format_of
from pipeline.rowfiles.formats.protocol import FileFormat
from pipeline.rowfiles.splits import SourceFile
from pipeline.settings.files import FilesConfig
from pipeline.settings.values import ValuesConfig
from pipeline.suggest.columns import Guess, Values, distinct_of, guess, note_forms, shared_values
from pipeline.suggest.content import beginning, compression_in, encoding_of, format_in
from pipeline.suggest.dialects import with_dialect
from pipeline.suggest.jobs import Suggestion, SuggestTable
from pipeline.suggest.keys import KeyColumn, find_key
from pipeline.suggest.notes import Notes
from pipeline.suggest.objects import fields_of
from pipeline.suggest.sample import Sample, described, sample_of
from pipeline.suggest.table import SuggestedTable
from pipeline.workers.jobs import Progress


def suggest_table(job: SuggestTable, _: Progress) -> Suggestion:
    """Return a table for some files, and the options that read them.

    Raises:
        RowFileError: a file cannot be read, or has no rows, or the key that is named is none.
        SettingError: settings that are given contradict each other.
    """
    notes = Notes()
    files = [Path(file) for file in job.files]
    config, names = _read_as(files, job.given, notes)
    sources = described(files, config)
    names = names or list(sources[0].content.header)
    if len(set(names)) < len(names) and not config.header:
        notes.reason("names in its header stand twice: its fields are taken by their numbers")
        config = replace(config, header="false", skip_rows=config.skip_rows + 1)
        fields = [str(number) for number in range(1, len(names) + 1)]
        sources = described(files, config)
    else:
        fields = names
    sample = sample_of(sources, fields)
    is_csv = sources[0].format.name == "csv"
    if sample.bad and is_csv and config.short_rows == "refuse":
        filling = replace(config, short_rows="fill")
        filled = sample_of(described(files, filling), fields)
        if filled.bad < sample.bad:
            notes.doubt(f"{sample.bad - filled.bad} rows have fewer fields than the first: these are null")
            config, sample = filling, filled
    values, guesses, forms = _guessed(names, sample, notes, sources[0].format)
    if _needs_trim(sources[0], config, values, guesses):
        notes.reason("blanks stand around its values")
        config = replace(config, trim="true")
        sources = described(files, config)
        if config.header != "false":
            names = fields = list(sources[0].content.header)
        sample = sample_of(sources, fields)
        values, guesses, forms = _guessed(names, sample, notes, sources[0].format)
    null_words = note_forms(guesses, values, notes)
    if null_words:
        config = replace(config, null_words=tuple(dict.fromkeys((*config.null_words, *null_words))))
    _note_sample(sample, notes)
    columns = [
        KeyColumn(each.name, each.type_name, _without_words(array, null_words))
        for each, array in zip(guesses, sample.columns, strict=True)
    ]
    table = SuggestedTable(
        name=job.table,
        fields=fields,
        guesses=guesses,
        key=find_key(columns, job.key, notes, is_whole=sample.is_whole),
        columns=columns,
        several_files=len(files) > 1,
    )
    return table.suggestion(config, forms, sample, notes)


def _read_as(files: Sequence[Path], given: FilesConfig, notes: Notes) -> tuple[FilesConfig, list[str]]:
    """Return how the first file is read, and the names of its fields where it is JSON."""
    file = files[0]
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


def _guessed(
    names: Sequence[str], sample: Sample, notes: Notes, file_format: FileFormat
) -> tuple[list[Values], list[Guess], ValuesConfig]:
    """Return the values of each field, its type, and the settings of [values] that all share."""
    values = [
        Values(
            name,
            distinct_of([array]),
            len(array),
            array.null_count,
            may_be_null=file_format.name == "csv",
            is_text=file_format.has_lines,
        )
        for name, array in zip(names, sample.columns, strict=True)
    ]
    guesses = [guess(each, notes) for each in values]
    return values, guesses, shared_values(guesses, values, notes)


def _needs_trim(
    file: SourceFile, config: FilesConfig, values: Sequence[Values], guesses: Sequence[Guess]
) -> bool:
    """Return whether a field of text would have another type without the blanks around its values."""
    if file.format.name != "csv" or config.trim:
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
