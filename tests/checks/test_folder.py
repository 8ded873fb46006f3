import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.checks.folder import look_at_folder, size_of


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights in this block; root may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    """A folder that the first load makes is no fault, and is not made."""
    [found] = look_at_folder(tmp_path / "a" / "b", 0)
    assert found.status == "ok"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """A file in the place of a folder, and a folder that is another user's, are named."""
    (tmp_path / "output").write_text("", encoding="utf-8")
    [found] = look_at_folder(tmp_path / "output" / "loads", 0)
    assert (found.status, found.found) == ("failure", f"{tmp_path / 'output'} is not a folder")
    with as_nobody():
        [found] = look_at_folder(Path("/output"), 0)
        [hidden] = look_at_folder(tmp_path / "output", 0)
    assert (found.status, found.found) == ("failure", "/ cannot be written by this user")
    assert hidden.status == "failure"


def test_a_disk_with_less_room_than_the_input_is_a_warning(tmp_path: Path) -> None:
    """As much as the input has may be written as bad rows."""
    [found] = look_at_folder(tmp_path, 1 << 62)
    assert (found.status, found.advice) == ("warning", "bad rows may need as much")


def test_sizes_have_units() -> None:
    """A number of bytes is shown in the largest unit of which there is one."""
    assert [size_of(count) for count in (0, 1023, 1 << 20, 3 << 49)] == [
        "0 B",
        "1023 B",
        "1.0 MiB",
        "1536.0 TiB",
    ]
