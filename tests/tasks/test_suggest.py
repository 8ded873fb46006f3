"""A stranger's file is loaded by two commands: the second is printed by the first."""

import shlex

from cassandra.cluster import Session

from tests.harness.workspace import Workspace

FILE = "Date;Shop;Amount;Paid\n24.12.2026;Bonn;1.234,50;J\n24.12.2026;K\xf6ln;7,25;N\n25.12.2026;Bonn;NA;J\n"


def test_the_first_load_of_a_strangers_file_takes_two_commands(workspace: Workspace, cql: Session) -> None:
    """SuggestTable prints a statement and a command; that command creates the table and loads each row."""
    (workspace.folder / "Sales 2026.csv").write_bytes(FILE.encode("cp1252"))
    done = workspace.luigi("SuggestTable", "--input", "Sales 2026.csv")
    assert done.returncode == 0, done.stdout
    [command] = [
        line for line in done.stdout.splitlines() if line.startswith("luigi --module tasks LoadTable")
    ]
    statement = workspace.folder / f"output/suggested/{workspace.keyspace}.sales_2026.cql"
    assert statement.read_text(encoding="utf-8").strip() in done.stdout
    assert "doubt: Paid: J and N are taken for true and false" not in done.stdout
    words = shlex.split(command)[3:]
    loaded = workspace.luigi(*words)
    assert loaded.returncode == 0, loaded.stdout
    rows = cql.execute(f"SELECT * FROM {workspace.keyspace}.sales_2026")
    assert {(row["shop"], str(row["date"]), row["amount"], row["paid"]) for row in rows} == {
        ("Bonn", "2026-12-24", 1234.5, "J"),
        ("K\xf6ln", "2026-12-24", 7.25, "N"),
        ("Bonn", "2026-12-25", None, "J"),
    }
    verify = [word for word in words if word not in {"--create", words[words.index("--create") + 1]}]
    verified = workspace.luigi("VerifyTable", "--exact", *verify[1:])
    assert verified.returncode == 0, verified.stdout


def test_a_statement_must_be_of_the_table(workspace: Workspace) -> None:
    """--create takes one CREATE TABLE of the table that is loaded, and nothing else."""
    folder = workspace.folder
    (folder / "rows.csv").write_text("id\n1\n", encoding="utf-8")
    for text, message in (
        ("CREATE TABLE other.t (id int PRIMARY KEY)", "creates other.t, and the load is into test.t"),
        ("CREATE TABLE t (id int PRIMARY KEY)", "is not CREATE TABLE keyspace.table"),
        ("DROP TABLE test.t", "is not CREATE TABLE keyspace.table"),
        ("CREATE TABLE test.t (id int)", "cannot create table test.t"),
    ):
        (folder / "create.cql").write_text(text, encoding="utf-8")
        done = workspace.luigi(
            "LoadTable", "--table", "test.t", "--input", "rows.csv", "--create", "create.cql"
        )
        assert done.returncode == 30, done.stdout
        assert message in done.stdout
        assert "Traceback" not in done.stdout
    done = workspace.luigi("LoadTable", "--table", "test.t", "--input", "rows.csv", "--create", "no.cql")
    assert "create: cannot read no.cql: " in done.stdout
