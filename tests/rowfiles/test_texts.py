"""The text of a file: what is unpacked, in UTF-8, and no more of it than is needed at a time."""

import bz2
import gzip
import lzma
import os
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.texts import open_text
from tests.harness.memory import reading_of
from tests.harness.rowfiles import splits_of_file
from tests.rowfiles.test_csvfile import by_rows, by_splits, fields_of, sizes

NAMES = ("x", "y")
MOST_BYTES = 300 << 20
LINE = (b"a" * 1_000_000, 200)
COMMENTS = (b"#" + b"a" * 999_998 + b"\n", 130)
LINE_BREAKS = (b"\n" * 1_000_000, 130)
MOST_ROWS = 300_000


def packed(*parts: bytes | tuple[bytes, int]) -> bytes:
    """Return parts packed by gzip, each as a member of its own; of some there are many."""
    members = [(part, 1) if isinstance(part, bytes) else part for part in parts]
    return b"".join(gzip.compress(content, compresslevel=1, mtime=0) * count for content, count in members)


@pytest.mark.parametrize(
    ("end", "parts", "dialect", "good", "reason", "most_mib"),
    [
        ("csv", (b"x,y\n1,2\n", LINE, b"\n3,4\n"), Dialect(), 2, "longer than 32 MiB", 300),
        ("csv", (LINE, b",y\n3,4\n"), Dialect(), 0, "rows.csv.gz:1: longer than 32 MiB", 300),
        ("csv", (b"x,y\n1,2\n", COMMENTS, b"3,4\n"), Dialect(comment="#"), 2, "", 100),
        ("csv", (COMMENTS, b"x,y\n3,4\n"), Dialect(comment="#"), 1, "", 100),
        ("csv", (b"x,y\n1,2\n#", LINE, b"\n3,4\n"), Dialect(comment="#"), 2, "", 300),
        ("csv", (LINE, b"\nx,y\n3,4\n"), Dialect(skipped_lines=1), 1, "", 100),
        ("csv", (b"x,y\n1,2\n", LINE_BREAKS), Dialect(), 1, "", 100),
        ("jsonl", (b'{"x":1}\n', LINE, b"\n"), Dialect(), 0, "rows.jsonl.gz:2: longer than 32 MiB", 300),
    ],
    ids=[
        "line",
        "header",
        "comments",
        "comments before the header",
        "comment",
        "passed over",
        "line breaks",
        "JSON Lines",
    ],
)
def test_a_file_of_any_size_is_read_in_bounded_memory(
    tmp_path: Path,
    end: str,
    parts: tuple[bytes | tuple[bytes, int], ...],
    dialect: Dialect,
    good: int,
    reason: str,
    most_mib: int,
) -> None:
    """200 MB that are packed in some kB, and are one line or nothing but comments, are not held in memory."""
    file = tmp_path / f"rows.{end}.gz"
    file.write_bytes(packed(*parts))
    reading = reading_of(file, replace(dialect, compression="gzip"))
    assert (reading.good, len(reading.reasons)) == (good, 1 if reason else 0)
    assert all(reason in said for said in reading.reasons)
    assert reading.peak_bytes < most_mib << 20


def test_a_plain_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """Nor is a line of 220 MB in a file that is its own text: it takes much less than its size."""
    file = tmp_path / "rows.csv"
    file.write_bytes(b"x,y\n1,2\n3,")
    os.truncate(file, 220_000_000)
    reading = reading_of(file, Dialect())
    assert (reading.good, len(reading.reasons)) == (1, 1)
    assert reading.peak_bytes < 180_000_000


def test_going_back_keeps_nothing_before_the_place(tmp_path: Path) -> None:
    """A text that is unpacked again, for a place that was released, is not held up to this place."""
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(packed((b"1,2\n" * 250_000, 30)))
    with open_text(file, Dialect(compression="gzip")) as source:
        source.release(29_000_000)
        tracemalloc.start()
        assert source.window(28_000_000, 4) == b"1,2\n"
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 10_000_000


def test_an_endless_row_is_rejected_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is too long to be read is in the rejected rows from its first byte to its last."""
    sizes(monkeypatch, split_rows=1 << 16, row=1 << 17)
    monkeypatch.setattr("pipeline.rowfiles.formats.csv.format.ROW_MAX_BYTES", 1 << 17)
    line = b"2," + b"b" * 3_000_000 + b"\n"
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(packed(b"x,y\n1,2\n", line, b"3,4\n", line, b"5\n"))
    bad = [row for split in splits_of_file(file, fields_of(*NAMES)) for row in split.bad]
    assert [row.line for row in bad] == [3, 5, 6]
    write_rejected(tmp_path / "rejected.csv", fields_of(*NAMES), bad, [describe_file(file)])
    assert (tmp_path / "rejected.csv").read_bytes() == b"x,y\n" + line + line + b"5\n"


def test_a_long_comment_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment that is longer than any row may be is passed over; the rows around it are read."""
    sizes(monkeypatch, split_rows=1 << 16, row=1 << 17)
    file = tmp_path / "rows.csv"
    file.write_bytes(b"x,y\n1,2\n#" + b"a" * 3_000_000 + b"\n3,4\n")
    dialect = Dialect(comment="#")
    rows, bad = by_splits(file, NAMES, dialect)
    assert (rows, bad) == by_rows(file, NAMES, dialect)
    assert (rows, bad) == ([(2, ("1", "2")), (4, ("3", "4"))], [])


@pytest.mark.parametrize(
    ("name", "begin", "line", "end"),
    [
        ("rows.csv", b"x\n", b"\n", b"1\n"),
        ("rows.csv", b"x\n", b'""\n', b"1\n"),
        ("rows.csv", b"x,y\n", b'"\n', b"1\n"),
        ("rows.jsonl", b"", b"\n", b"{}\n"),
        ("rows.jsonl", b"", b"{\n", b"{}\n"),
        ("rows.json", b"[", b"0,", b"{}]"),
        ("rows.json", b"[", b"{},", b"{}]"),
    ],
    ids=[
        "CSV",
        "CSV, quotes",
        "CSV, open quotes",
        "JSON Lines",
        "JSON Lines, braces",
        "JSON",
        "JSON, braces",
    ],
)
def test_a_split_has_a_limited_number_of_rows(
    tmp_path: Path, name: str, begin: bytes, line: bytes, end: bytes
) -> None:
    """Lines of a few bytes, all of which may be bad rows, are divided into more splits than others."""
    file = tmp_path / name
    file.write_bytes(begin + line * (2 * MOST_ROWS) + end)
    counts = [split.place_count for split in describe_file(file).content.splits]
    assert counts == [MOST_ROWS, MOST_ROWS, 1]


@pytest.mark.skipif(sys.version_info < (3, 11, 5), reason="possessive groups match wrongly (gh-106052)")
def test_a_delimiter_of_several_bytes_costs_no_memory(tmp_path: Path) -> None:
    """A field of 10 MB takes no more memory where the delimiter has several bytes, which may be in it."""
    file = tmp_path / "rows.csv"
    # Its letter begins with the same byte as the delimiter.
    file.write_bytes("x\u00a6y\n1\u00a6{}\n".format("\u00a9" * 5_000_000).encode())
    reading = reading_of(file, Dialect(delimiter="\u00a6"))
    assert (reading.good, reading.reasons) == (1, [])
    assert reading.peak_bytes < MOST_BYTES


@pytest.mark.parametrize(
    ("end", "pack"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)],
    ids=["gz", "bz2", "xz"],
)
def test_members_may_be_empty(tmp_path: Path, end: str, pack: Callable[[bytes], bytes]) -> None:
    """Any number of members without content, before others and behind them, are part of a good file."""
    file = tmp_path / f"rows.csv.{end}"
    file.write_bytes(pack(b"") * 3 + pack(b"x,y\n1") + pack(b"") * 1000 + pack(b",2\n") + pack(b"") * 3)
    [split_rows] = splits_of_file(file, fields_of(*NAMES))
    assert [column.to_pylist() for column in split_rows.columns] == [["1"], ["2"]]


def test_streams_of_xz_may_have_zeros_behind_them(tmp_path: Path) -> None:
    """Zeros behind a stream are no content; where they are not four, or a multiple of it, it is damaged."""
    file = tmp_path / "rows.csv.xz"
    file.write_bytes(lzma.compress(b"x,y\n1") + bytes(4) + lzma.compress(b",2\n") + bytes(100_000))
    [split_rows] = splits_of_file(file, fields_of(*NAMES))
    assert [column.to_pylist() for column in split_rows.columns] == [["1"], ["2"]]
    file.write_bytes(file.read_bytes()[:-1])
    assert "99999 zeros behind a stream" in describe_file(file).content.fault


@pytest.mark.parametrize(
    ("encoding", "content", "reason"),
    [
        ("utf-16", "x,y\n1,2\n".encode("utf-16-le"), "BOM); name the file's encoding, such as utf-16-le or"),
        ("utf-32", b"x,y\n1,2\n", "BOM); name the file's encoding, such as utf-32-le or"),
        ("punycode", b"x,y\n1,2\n", "not punycode text (Unsupported error handling"),
    ],
    ids=["utf-16", "utf-32", "punycode"],
)
def test_what_an_encoding_gives_up_on_is_refused(
    tmp_path: Path, encoding: str, content: bytes, reason: str
) -> None:
    """Text that an encoding cannot begin with, or cannot be read past a fault in, is refused by name."""
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    fault = describe_file(file, Dialect(encoding=encoding)).content.fault
    assert fault.startswith(f"{file}: not {encoding} text (")
    assert reason in fault


@pytest.mark.parametrize(
    ("encoding", "value"),
    [("utf-7", b"+2AA-"), ("unicode_escape", rb"\ud800"), ("unicode_escape", rb"\udcff")],
)
def test_half_a_character_is_a_bad_row(tmp_path: Path, encoding: str, value: bytes) -> None:
    """Where an encoding can have half of a surrogate pair as a letter, its row is bad, and no other."""
    file = tmp_path / "rows.csv"
    file.write_bytes(b"x,y\n1,a\n2,%b\n3,c\n" % value)
    [split_rows] = splits_of_file(file, fields_of(*NAMES), dialect=Dialect(encoding=encoding))
    assert split_rows.columns[1].to_pylist() == ["a", "c"]
    assert [(bad.line, bad.reason) for bad in split_rows.bad] == [
        (3, f"not {encoding} text; name the file's encoding")
    ]


def test_nothing_but_a_byte_order_mark_is_refused(tmp_path: Path) -> None:
    """A file of JSON Lines with nothing but a byte-order mark is empty, and not a bad row."""
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\xef\xbb\xbf")
    assert describe_file(file).content.fault.startswith(f"{file}: empty")
