import lzma
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cql.columns import Row
from pipeline.errors import OutputError, RowFileError
from pipeline.files import write_text
from pipeline.rowfiles.files import write_rows
from pipeline.rowfiles.finding import find_files
from pipeline.rowfiles.sources import describe_file, digest
from tests.harness.rowfiles import FORMATS, NAMES, SOME, written


def test_digest_is_of_contents(tmp_path: Path) -> None:
    """The digest ignores names and order; it depends on contents and on where each file ends."""
    one, two, renamed = (
        describe_file(written(tmp_path, name, text))
        for name, text in (("1.csv", "a"), ("2.csv", "b"), ("3.csv", "a"))
    )
    joined, empty = (
        describe_file(written(tmp_path, name, text)) for name, text in (("4.csv", "ab"), ("5.csv", ""))
    )
    assert digest([one, two], "") == digest([two, renamed], "")
    others = [([one], ""), ([one, two, two], ""), ([joined], ""), ([empty, joined], ""), ([one, two], "ttl")]
    assert len({digest(files, options) for files, options in [([one, two], ""), *others]}) == 1 + len(others)
    with pytest.raises(RowFileError, match=r"cannot read .*no.csv: No such file or directory; check"):
        describe_file(tmp_path / "no.csv")


def test_find_files_takes_a_file_a_folder_or_a_glob(tmp_path: Path) -> None:
    """A file, a folder's row files, or a glob's matches are found in order; hidden files are not."""
    for name in ("b.csv", "a.parquet", ".a.csv.1.tmp", ".hidden.csv", "notes.txt"):
        written(tmp_path, name, "x")
    both = (tmp_path / "a.parquet", tmp_path / "b.csv")
    assert find_files(str(tmp_path)) == both
    assert find_files(f"{tmp_path}/[ab].*") == both
    assert find_files(str(tmp_path / "b.csv")) == both[1:]
    odd = written(tmp_path, "[odd] *.csv", "x")
    assert find_files(str(odd)) == (odd,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "no.csv",
            "no row file at .*no.csv; name a .csv or .* or .json file, a folder of them, or a glob",
        ),
        ("*.no", "no row file at "),
        ("empty", "no row file at "),
        (
            "notes.txt",
            "notes.txt has none of the ends .csv, .*, .json, with or .*; name its format with --format, or",
        ),
        ("*.txt", "notes.txt has none of the ends .csv"),
    ],
)
def test_find_files_refuses_what_is_no_row_file(tmp_path: Path, name: str, message: str) -> None:
    """Nothing, an empty folder, and files of another kind are refused, not loaded as no rows."""
    (tmp_path / "empty").mkdir()
    written(tmp_path, "notes.txt", "x")
    with pytest.raises(RowFileError, match=message):
        find_files(str(tmp_path / name))


def _failing_rows() -> Iterator[Row]:
    yield from SOME
    raise ZeroDivisionError


@FORMATS
def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path: Path, file_format: str) -> None:
    """If writing fails, the existing file is unchanged and no temporary file stays."""
    file = tmp_path / f"rows.{file_format}"
    write_rows(file, NAMES, SOME[:1])
    before = file.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write_rows(file, NAMES, _failing_rows())
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@FORMATS
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, file_format: str) -> None:
    """If the disk is full, the error says so, and the existing file is unchanged."""
    file = tmp_path / f"rows.{file_format}"
    write_rows(file, NAMES, SOME[:1])
    before = file.read_bytes()
    # /dev/full, which is always full, under the name that this process will write to.
    (tmp_path / f".{file.name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=f"cannot write .*{file.name}: No space left on device; check"):
        write_rows(file, NAMES, SOME)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """The next writer of a file removes the temporary file of a dead process, not of a living one."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1, check=True)
    file = tmp_path / "rows.csv"
    left = written(tmp_path, f".rows.csv.{int(gone.stdout)}.tmp", "half")
    alive = written(tmp_path, f".rows.csv.{os.getppid()}.tmp", "half")
    other = written(tmp_path, f".other.csv.{int(gone.stdout)}.tmp", "half")
    write_rows(file, NAMES, SOME)
    assert not left.exists()
    assert alive.exists()
    assert other.exists()


def test_a_target_that_is_a_folder_is_named(tmp_path: Path) -> None:
    """If a file cannot be put into its place, the error names it, and no temporary file stays."""
    target = tmp_path / "text"
    target.mkdir()
    with pytest.raises(OutputError, match=f"cannot write {target}: Is a directory; check that the folder"):
        write_text(target, "whole")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("trailing", [b"rubbish", b"\0\0\0", b"\xfd7zXZ"])
def test_what_follows_a_packed_file_is_no_end(tmp_path: Path, trailing: bytes) -> None:
    """Bytes behind an xz stream that are no stream are damage; another stream, or padding, is not."""
    text = b"id\n1\n"
    file = tmp_path / "rows.csv.xz"
    file.write_bytes(lzma.compress(text) + trailing)
    assert "damaged, cut off, or not xz" in describe_file(file).content.fault
    file.write_bytes(lzma.compress(text) + bytes(4) + lzma.compress(b"2\n") + bytes(8))
    assert describe_file(file).places == 2
