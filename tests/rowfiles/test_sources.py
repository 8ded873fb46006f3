"""A file that another machine has described is the same here by its size and time, or by its content."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import RowFileError
from pipeline.rowfiles.sources import as_seen_here, describe_file, still_same


def test_a_file_of_the_same_size_and_time_is_the_same(tmp_path: Path) -> None:
    """Device and inode of another machine say nothing here; from then on those of this machine do."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    there = replace(describe_file(file), version=(0, 0, *describe_file(file).version[2:]))
    here = as_seen_here(there)
    assert here.content == there.content
    assert still_same(here) == here


def test_a_copy_of_another_time_is_the_same_by_its_content(tmp_path: Path) -> None:
    """A copy with another time of change is read; one with another content is refused."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    there = describe_file(file)
    os.utime(file, ns=(1, 1))
    assert as_seen_here(there).sha256 == there.sha256
    for content in ("id\n2\n", "id\n10\n"):
        file.write_text(content, encoding="utf-8")
        os.utime(file, ns=(1, 1))
        with pytest.raises(RowFileError, match=r"rows\.csv has another content here"):
            as_seen_here(there)


def test_a_file_that_is_not_here_says_what_to_do(tmp_path: Path) -> None:
    """The message says that each worker needs the files, and how to do without."""
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    there = describe_file(file)
    file.unlink()
    with pytest.raises(RowFileError, match=r"cannot read .*rows\.csv: No such file.*engine processes"):
        as_seen_here(there)
