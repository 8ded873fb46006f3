import dataclasses
from collections.abc import Sequence

import pytest

from pipeline.cql.types.names import cql_type
from pipeline.settings.files import FilesConfig
from pipeline.settings.values import ValuesConfig
from tests.published.files import PublishedFile, published_files

FILES: Sequence[PublishedFile] = [*published_files(), *published_files(kept_aside=True)]
SETTINGS = {field.name for config in (FilesConfig, ValuesConfig) for field in dataclasses.fields(config)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_answers(file: PublishedFile) -> None:
    """The answers about a file name its columns, types of CQL, and settings that exist."""
    for name in (*file.columns.values(), *(name for names in file.also.values() for name in names)):
        cql_type(name)
    assert set(file.primary_key) | set(file.also) <= set(file.columns)
    assert set(file.settings) <= SETTINGS
    assert [column for column, others in file.also.items() if file.columns[column] in others] == []


def test_list() -> None:
    """No two files have one name in the folder, and some are kept aside of each text format."""
    assert len({file.name for file in FILES}) == len(FILES)
    assert {file.format for file in published_files(kept_aside=True)} == {"csv", "jsonl", "json", "parquet"}
