"""Row files that are objects: found, described and read as files of this machine are."""

import bz2
import gzip
import json
from pathlib import Path

import pytest

from pipeline.cql.columns import Row
from pipeline.errors import AbsentInputError, RowFileError, StoreError
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.files import plan_fields, read_rows, read_splits, write_rows
from pipeline.rowfiles.finding import find_files, listed, passed_over, require_flags
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.rejected import write_rejected
from pipeline.rowfiles.sources import describe_file, is_untouched, require_unchanged, with_splits
from pipeline.rowfiles.splits import SourceFile
from pipeline.rowfiles.stores.paths import ObjectPath, path_of
from tests.harness.rowfiles import NAMES, SOME
from tests.harness.stores import Store, running_store

MIB = 1 << 20


def rows_of(path: ObjectPath) -> list[Row]:
    """Return all rows of an object."""
    return list(read_rows(RowsToRead(files=(describe_file(path),)), NAMES))


def many(count: int) -> str:
    """Return a CSV file of so many rows, each of 100 bytes."""
    return "id,name,born\n" + "".join(f"{at:08d},{'x' * 79},2026-11-01\n" for at in range(count))


@pytest.mark.parametrize("end", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "json"])
def test_an_object_has_the_rows_of_a_file(store: Store, tmp_path: Path, file_format: str, end: str) -> None:
    """Quotes, line breaks and nulls are the same in each format of text, packed or not."""
    file = tmp_path / f"rows.{file_format}"
    write_rows(file, NAMES, SOME)
    content = file.read_bytes()
    packed = {"": content, ".gz": gzip.compress(content), ".bz2": bz2.compress(content)}[end]
    path = store.put(f"same/rows.{file_format}{end}", packed)
    assert rows_of(path) == rows_of_file(file)
    assert describe_file(path).estimated_places == describe_file(file).places


def rows_of_file(file: Path) -> list[Row]:
    """Return all rows of a file of this machine."""
    return list(read_rows(RowsToRead(files=(describe_file(file),)), NAMES))


def places_and_lines(file: SourceFile) -> list[tuple[int, int, int]]:
    """Return for each row the split's number, its place and its line."""
    return [
        (split.number, place, line)
        for split in read_splits(file, plan_fields([file], NAMES))
        for place, line in zip(split.places.tolist(), split.lines.tolist(), strict=True)
    ]


@pytest.mark.parametrize("name", ["many.csv", "many.csv.gz", "many.jsonl", "many.json"])
def test_splits_are_those_of_a_file(store: Store, tmp_path: Path, name: str) -> None:
    """A stream is divided where a file is, and its size is known well enough from its beginning."""
    text = many(250_000)
    if "json" in name:
        lines = [
            json.dumps(dict(zip(("id", "name", "born"), (int(line[:8]), line[9:88], line[89:]), strict=True)))
            for line in text.splitlines()[1:]
        ]
        text = "[" + ",\n".join(lines) + "]" if name.endswith("json") else "\n".join([*lines, ""])
    content = gzip.compress(text.encode(), 1) if name.endswith("gz") else text.encode()
    (tmp_path / name).write_bytes(content)
    local, described = describe_file(tmp_path / name), describe_file(store.put(name, content))
    assert len(local.content.splits) > 2
    assert described.content.splits == ()
    assert 0.8 < described.estimated_places / local.places < 1.25
    assert described.places >= local.places
    assert places_and_lines(described) == places_and_lines(local)
    whole = with_splits(described)
    assert whole.content.splits == local.content.splits
    assert places_and_lines(whole) == places_and_lines(local)


def test_bad_rows_have_the_uri_and_are_rejected(store: Store, tmp_path: Path) -> None:
    """What is wrong names the object; its rows are written as those of a file are."""
    described = describe_file(store.put("bad.csv.gz", gzip.compress(b'id,name,born\n1,a,\n2,b\n3,"c"x,\n')))
    fields = plan_fields([described], NAMES)
    bad = [row for split in read_splits(described, fields) for row in split.bad]
    assert [(row.file, row.line) for row in bad] == [("s3://rows/bad.csv.gz", 3), ("s3://rows/bad.csv.gz", 4)]
    target = tmp_path / "rejected.csv"
    assert write_rejected(target, fields, bad, [described]) == {target: 2}
    assert target.read_text(encoding="utf-8") == 'id,name,born\n2,b\n3,"c"x,\n'


def test_parquet_is_described_by_its_footer(store: Store, tmp_path: Path) -> None:
    """Its splits are known before it is read, and a row that is wrong is rejected."""
    file = tmp_path / "rows.parquet"
    write_rows(file, NAMES, ((at, f"{at}" * 9, None) for at in range(200_000)))
    local, described = describe_file(file), describe_file(store.put("big.parquet", file))
    assert described.content.splits == local.content.splits
    assert described.content.stream is None
    assert places_and_lines(described) == places_and_lines(local)
    fields = plan_fields([described], NAMES)
    bad = BadRow(file=described.path, line=150_000, column="id", value="", reason="")
    assert sum(write_rejected(tmp_path / "rejected.csv", fields, [bad], [described]).values()) == 1
    assert "149999149999" in (tmp_path / "rejected.csv").read_text(encoding="utf-8")


def test_objects_are_found_as_files_are(store: Store) -> None:
    """A path, a folder and a glob mean what they mean for files; what is passed over is listed."""
    for key in (
        "2026/11/a.csv",
        "2026/11/b.csv.gz",
        "2026/11/.c.csv",
        "2026/11/n.txt",
        "2026/12/d.csv",
        "e.csv",
    ):
        store.put(f"found/{key}", "id\n1\n")

    def found(pattern: str) -> list[str]:
        files = find_files(store.uri(f"found/{pattern}"), objects=store.config)
        return [str(file).removeprefix(store.uri("found/")) for file in files]

    assert found("e.csv") == ["e.csv"]
    assert found("2026/11") == found("2026/11/") == ["2026/11/a.csv", "2026/11/b.csv.gz"]
    assert found("2026/*/*.csv") == ["2026/11/a.csv", "2026/12/d.csv"]
    assert found("2026/1[12]/?.csv") == ["2026/11/a.csv", "2026/12/d.csv"]
    assert found("**/*.csv") == ["2026/11/a.csv", "2026/12/d.csv", "e.csv"]
    passed = passed_over(store.uri("found/2026"), objects=store.config)
    assert listed(passed) == "11/, 12/"
    assert listed(passed_over(store.uri("found/2026/11"), objects=store.config)) == ".c.csv, n.txt"
    with pytest.raises(AbsentInputError, match="no row file at s3://rows/found/x/"):
        found("x/*.csv")
    with pytest.raises(RowFileError, match=r"cannot read s3://rows/found/2026/11: it is a folder"):
        found("2026/*")
    files = find_files(store.uri("found/2026/11"), objects=store.config)
    with pytest.raises(AbsentInputError, match="no _SUCCESS in s3://rows/found/2026/11"):
        require_flags(files, "_SUCCESS")
    store.put("found/2026/11/_SUCCESS", "")
    require_flags(files, "_SUCCESS")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://me:secret@bucket/rows.csv", "has a user or a key in it; take it out"),
        ("gs://secret@bucket/rows.csv", "has a user or a key in it"),
        ("abfss://c:secret@account.dfs.core.windows.net/rows.csv", "has a user or a key in it"),
        ("s3://bucket/rows.csv?secret_key=secret", "has options behind a question mark"),
        ("abfss://c@account.dfs.core.windows.net/rows.csv?sv=1&sig=secret", "has options behind"),
        ("ftp://host/rows.csv", "cannot read objects of ftp://: there are s3://, gs://"),
        ("s3:///rows.csv", "no bucket; write it as bucket/path"),
        ("abfss://container/rows.csv", "no account; write it as abfss://"),
    ],
)
def test_a_uri_with_a_secret_is_refused(uri: str, message: str) -> None:
    """Credentials never come by a URI, and what may be one is not repeated."""
    with pytest.raises(RowFileError, match=message) as error:
        path_of(uri)
    assert "secret" not in str(error.value)


def test_an_object_is_known_by_its_version(store: Store) -> None:
    """The same content by another name is the same; a replaced object is another, and found out."""
    path = store.put("a.csv", "id,name,born\n1,a,\n")
    first, moved = describe_file(path), describe_file(store.put("moved.csv", "id,name,born\n1,a,\n"))
    assert first.sha256 == moved.sha256
    assert is_untouched(first)
    store.put("a.csv", "id,name,born\n1,b,\n")
    assert not is_untouched(first)
    with pytest.raises(RowFileError, match=r"s3://rows/a.csv was replaced while it was being read: its ETag"):
        require_unchanged(first)
    with pytest.raises(RowFileError, match="was replaced while it was being read"):
        list(read_splits(first, plan_fields([first], NAMES)))


def test_what_is_not_there_or_forbidden_is_said_at_once(store: Store) -> None:
    """Neither is retried: the message names the object, what the store says, and what to do."""
    with pytest.raises(RowFileError, match=r"cannot read s3://rows/none.csv: there is no such object; check"):
        describe_file(store.path("none.csv"))
    with running_store(INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        message = r"cannot read s3://rows/a.*: the store refuses it: .*check the credentials"
        with pytest.raises(StoreError, match=message):
            describe_file(strict.path("a.csv"))
        with pytest.raises(StoreError, match=message):
            find_files(strict.uri("a/*.csv"), objects=strict.config)


def test_a_stream_with_more_rows_than_its_beginning_tells_is_an_error(store: Store) -> None:
    """A guess that was wrong is no reason to give two rows one place."""
    wide, narrow = "x" * 3000, "\n".join(f"{at},," for at in range(200_000))
    text = "id,name,born\n" + "".join(f"{at},{wide},\n" for at in range(3000)) + narrow + "\n"
    described = describe_file(store.put("grows.csv", text))
    with pytest.raises(RowFileError, match="more rows than its beginning made expect: 50,000 were allotted"):
        list(read_splits(described, plan_fields([described], NAMES)))
