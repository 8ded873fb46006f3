"""Users' own files, loaded and verified by the real `luigi` command."""

import uuid

import pytest
from cassandra.cluster import Session

from tests.harness.users import read_csv, stored, succeed, summary, table_id, users, write_csv
from tests.harness.workspace import Workspace


def test_load_is_done_once_for_a_table_and_an_input(shared: Workspace, cql: Session) -> None:
    """A load is repeated only if its table is dropped or recreated, its input edited, or on request."""
    file = write_csv(shared.folder / "once.csv", users(30))
    load = ("LoadUsers", "--input", file.name)
    assert "1 ran successfully" in succeed(shared, *load)
    again = succeed(shared, *load)
    assert "1 complete ones were encountered" in again
    assert "Did not run any tasks" in again

    cql.execute(f"DROP TABLE {shared.keyspace}.user")
    assert "1 LoadUsers" in summary(succeed(shared, *load))
    assert stored(shared, cql) == read_csv(file)

    cql.cluster.refresh_table_metadata(shared.keyspace, "user")
    definition = cql.cluster.metadata.keyspaces[shared.keyspace].tables["user"].as_cql_query()
    cql.execute(f"DROP TABLE {shared.keyspace}.user")
    cql.execute(definition)
    assert "1 LoadUsers" in summary(succeed(shared, *load))
    assert stored(shared, cql) == read_csv(file)

    cql.execute(f"TRUNCATE {shared.keyspace}.user")
    write_csv(file, users(31, "Grace"))
    assert "1 LoadUsers" in summary(succeed(shared, *load))
    assert stored(shared, cql) == read_csv(file)

    cql.execute(f"TRUNCATE {shared.keyspace}.user")
    assert "1 LoadUsers" in summary(succeed(shared, *load, "--reload"))
    assert stored(shared, cql) == read_csv(file)


@pytest.mark.parametrize("pattern", ["{}/one.csv", "{}", "{}/*e.csv"], ids=["file", "folder", "glob"])
def test_input_is_a_file_a_folder_or_a_glob(
    shared: Workspace, cql: Session, pattern: str, request: pytest.FixtureRequest
) -> None:
    """`--input` loads exactly the user's own files, given as a file, a folder or a glob."""
    folder = shared.folder / f"own {request.node.callspec.id}"
    rows = {name: users(10, name) for name in ("one", "three", "two")}
    for name, some in rows.items():
        write_csv(folder / f"{name}.csv", some)
    (folder / "notes.txt").write_text("not rows", encoding="utf-8")
    wanted = {"file": ["one"], "folder": ["one", "three", "two"], "glob": ["one", "three"]}
    succeed(shared, "LoadUsers", "--input", pattern.format(folder))
    names = wanted[request.node.callspec.id]
    assert stored(shared, cql) == sorted(row for name in names for row in rows[name])


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_later_of_two_rows_with_one_key_wins(shared: Workspace, cql: Session, processes: str) -> None:
    """One process or two load every row; of rows with the same key the last in the file stays."""
    rows = users(100)
    repeated = [(key, f"{first} {time}", last) for time in range(5) for key, first, last in rows]
    file = write_csv(shared.folder / f"repeated{processes}.csv", repeated)
    succeed(shared, "LoadUsers", "--input", file.name, "--processes", processes)
    assert stored(shared, cql) == [(key, f"{first} 4", last) for key, first, last in rows]


def test_verify_names_the_rows_that_changed_behind_its_back(shared: Workspace, cql: Session) -> None:
    """VerifyUsers fails, and names the keys, if a row was changed or deleted after the load."""
    changed, deleted, *rest = users(20)
    file = write_csv(shared.folder / "changed.csv", [changed, deleted, *rest])
    succeed(shared, "LoadUsers", "--input", file.name)
    table = f"{shared.keyspace}.user"
    cql.execute(f"UPDATE {table} SET last_name = 'Byron' WHERE user_id = {changed[0]}")
    cql.execute(f"DELETE FROM {table} WHERE user_id = {deleted[0]}")
    done = shared.luigi("VerifyUsers", "--input", file.name)
    assert done.returncode == 30, done.stdout
    assert "2 of 20 rows differ" in done.stdout
    assert f"user_id='{changed[0]}': last_name is 'Byron', the file has '{changed[2]}'" in done.stdout
    assert f"user_id='{deleted[0]}': absent" in done.stdout


def test_exact_verification_finds_a_row_that_no_file_has(shared: Workspace, cql: Session) -> None:
    """A row that was added after the load fails VerifyUsers with `--exact`, and only then."""
    file = write_csv(shared.folder / "exact.csv", users(20))
    added = uuid.uuid4()
    cql.execute(f"INSERT INTO {shared.keyspace}.user (user_id, last_name) VALUES ({added}, 'Nobody')")
    succeed(shared, "VerifyUsers", "--input", file.name)
    done = shared.luigi("VerifyUsers", "--input", file.name, "--exact")
    assert done.returncode == 30, done.stdout
    assert f"user_id='{added}': in the table, in no file" in done.stdout


def test_drop_makes_the_table_anew(shared: Workspace, cql: Session) -> None:
    """`SetupKeyspace --drop` drops the table with its rows and creates it again."""
    cql.execute(f"INSERT INTO {shared.keyspace}.user (user_id, last_name) VALUES (uuid(), 'Old')")
    before = table_id(shared, cql)
    succeed(shared, "SetupKeyspace", "--drop")
    assert table_id(shared, cql) not in {None, before}
    assert stored(shared, cql) == []


def test_load_says_how_many_rows_it_wrote_and_how_fast(shared: Workspace) -> None:
    """One line of a load's log states its rows and its rows per second."""
    file = write_csv(shared.folder / "said.csv", users(20))
    output = succeed(shared, "LoadUsers", "--input", file.name)
    [line] = [line for line in output.splitlines() if "rows/s" in line]
    assert " INFO " in line
    assert " LoadUsers: 20 rows in " in line
