"""luigi.cfg and docs/settings.md are generated from the declarations."""

import shutil
from pathlib import Path

import pytest

from pipeline.errors import SettingError
from pipeline.sections.documents import documents
from tests.harness.workspace import PROJECT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of luigi.cfg and docs/settings.md."""
    (tmp_path / "docs").mkdir()
    for name in ("luigi.cfg", "docs/settings.md"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["luigi.cfg", "docs/settings.md"])
def test_the_files_are_those_of_the_declarations(name: str) -> None:
    """Each section of luigi.cfg and each table of the docs equals what is generated from the declarations."""
    file = PROJECT / name
    assert file.read_text(encoding="utf-8") == documents(PROJECT)[file], (
        f"{name} differs from the declarations in the code: run `make settings-docs`"
    )


@pytest.mark.parametrize(
    ("name", "declared", "edited"),
    [
        ("luigi.cfg", "pool_size = 100\n", "pool_size = 99\n"),
        ("luigi.cfg", "port = 9042\n", "port = 9042\nno_such_setting = 1\n"),
        ("luigi.cfg", "# Each node's Java heap.\n", ""),
        ("docs/settings.md", "| `port` | `9042` |", "| `port` | `9043` |"),
        ("docs/settings.md", "each node's Java heap", "the heap"),
        ("docs/settings.md", "## [load]: how", "## [load]: why"),
    ],
)
def test_an_edit_is_undone(copy: Path, name: str, declared: str, edited: str) -> None:
    """An edited default, setting, sentence or heading is replaced by the declared one."""
    file = copy / name
    text = file.read_text(encoding="utf-8")
    assert declared in text
    file.write_text(text.replace(declared, edited, 1), encoding="utf-8")
    assert documents(copy)[file] == text


@pytest.mark.parametrize(("name", "added"), [("luigi.cfg", "# Mine.\n"), ("docs/settings.md", "Mine.\n")])
def test_what_is_written_by_hand_stays(copy: Path, name: str, added: str) -> None:
    """Text outside of the sections is not changed."""
    file = copy / name
    text = added + file.read_text(encoding="utf-8") + added
    file.write_text(text, encoding="utf-8")
    assert documents(copy)[file] == text


@pytest.mark.parametrize(("name", "head"), [("luigi.cfg", "[load]"), ("docs/settings.md", "## [load]")])
def test_a_section_without_a_place_is_refused(copy: Path, name: str, head: str) -> None:
    """If a file has no place for a section, the message names the file and the missing line."""
    file = copy / name
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(head, head.replace("load", "loads")), encoding="utf-8")
    with pytest.raises(SettingError, match=rf"{name} has 0 lines that begin with .*\[load\]'; have one"):
        documents(copy)
