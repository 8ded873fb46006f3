import subprocess

import pytest

from tests.harness.refusals import GOOD, ID, SCHEDULING_ERROR, TASK_FAILED, Refusals


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rows.txt", "rows.txt has none of the ends .csv, .*; name its format with --format, or convert it"),
        ("folder", "cannot read folder/x.csv: Is a directory; check that it is a file"),
    ],
)
def test_an_input_that_is_no_row_file_is_refused(refusals: Refusals, name: str, message: str) -> None:
    """An --input that cannot be read ends the command at scheduling."""
    (refusals.folder / "folder" / "x.csv").mkdir(parents=True)
    (refusals.folder / "rows.txt").write_text(GOOD, encoding="utf-8")
    refusals.refused("LoadUsers", "--input", name, code=SCHEDULING_ERROR, message=message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv: empty; a row file has at least a header"),
        (
            "cut.parquet",
            b"PAR1" + bytes(64),
            "cut.parquet: not a whole Parquet file: .*; write or copy it ag",
        ),
        (
            "latin.csv",
            f"{GOOD}{ID},J\xfcrg,X\n".encode("latin-1"),
            r"latin.csv:3: column first_name: not UTF-8 \(byte 0xfc\); co",
        ),
        (
            "type.csv",
            f"{GOOD}nonsense,a,b\n".encode(),
            "type.csv:3: column user_id: 'nonsense' is not a valid uuid: ",
        ),
    ],
)
def test_a_bad_row_file_loads_not_one_row(
    refusals: Refusals, name: str, content: bytes, message: str
) -> None:
    """A fault anywhere in a row file stops its load before the first row, with the place and the value."""
    (refusals.folder / name).write_bytes(content)
    refusals.refused("LoadUsers", "--input", name, code=TASK_FAILED, message=message)


def test_an_output_folder_that_cannot_be_written(refusals: Refusals) -> None:
    """If a path is below a regular file, the message names the file that could not be written."""
    (refusals.folder / "file").touch()
    refusals.configure(output={"folder": "file/output"})
    refusals.refused(
        "GenerateUsers",
        code=TASK_FAILED,
        message="cannot write file/output/rows/users/.*csv: Not a directory; check that the folder exists",
    )


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_no_room_for_the_file_leaves_no_half_file(refusals: Refusals, file_format: str) -> None:
    """If a row file exceeds the system's limit, no part of it is left, and the message says so."""
    words = ("GenerateUsers", "--rows", "5000", "--file-format", file_format)
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 64 && exec "$@"', "sh", *refusals.command(*words)],
        cwd=refusals.folder,
        env=refusals.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    refusals.require_refusal(
        done,
        code=TASK_FAILED,
        message=rf"cannot write output/rows/users/.*\.{file_format}: File too large; .* the disk has room",
    )
    assert not [file for file in refusals.folder.glob("output/rows/**/*") if file.is_file()]
