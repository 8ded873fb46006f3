"""What a person sees of `CheckSetup`: a line a look, an exit code, and nothing written."""

from pathlib import Path

from pipeline.embedded import Endpoint
from tests.harness.tables import TASK_FAILED, Tables
from tests.harness.workspace import Workspace

ORDERS = "id int PRIMARY KEY, placed_at timestamp, note text"
SECTION = "\n[table {table}]\ninput = {input}\n{more}"


def line_of(output: str, status: str, subject: str) -> str:
    """Return the only line of this status and subject, without them."""
    found = [line for line in output.splitlines() if line.startswith(f"{status:<8} {subject} ")]
    assert len(found) == 1, output
    return found[0].removeprefix(f"{status:<8} {subject} ").strip()


def add_sections(workspace: Workspace, *sections: tuple[str, str, str]) -> None:
    """Add sections for tables to luigi.cfg: the table, its input, and other settings."""
    with (workspace.folder / "luigi.cfg").open("a", encoding="utf-8") as file:
        for table, named, more in sections:
            file.write(SECTION.format(table=table, input=named, more=more))


def test_a_setup_that_works_is_all_ok_and_writes_nothing(tables: Tables) -> None:
    """Each look is a line, where a setting comes from is said, and the first rows are shown as CQL."""
    table = tables.create("orders", ORDERS)
    before = tables.cql.execute("SELECT keyspace_name, table_name FROM system_schema.tables").all()
    tables.write(
        "o-2026-11-28.csv",
        "id;placed_at;note\n1;2026-11-28T01:02:03Z;it's\n2;;\n",
    )
    add_sections(tables, (table, "o-{date}.csv", "dialect = excel\n"))
    done = tables.luigi(
        "CheckSetup", "--date", "2026-11-28", "--load-pool-size", "50", "--LoadTable-ttl-s", "60"
    )
    output = done.stdout
    assert done.returncode == 0, output
    assert "\nwarning " not in output
    assert "\nfailure " not in output
    assert f"[cassandra] keyspace = {tables.keyspace} (luigi.cfg)" in output
    assert "[load] pool_size = 50 (command line)" in output
    assert "ttl_s = 60 (command line)" in output
    assert f"[table {table}] dialect = excel (luigi.cfg)" in output
    assert line_of(output, "ok", f"input {table}") == "1 file, 50 B: o-2026-11-28.csv"
    assert line_of(output, "ok", f"dialect {table}") == "csv, delimiter ';'; fields id, placed_at, note"
    assert line_of(output, "ok", f"columns {table}") == "3 of 3 are fed: id, note, placed_at"
    assert line_of(output, "ok", f"rows {table}") == "the first 2 can be loaded"
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
    assert cells == [
        ["id", "1", "2"],
        ["note", "'it''s'", "(left as it is)"],
        ["placed_at", "'2026-11-28T01:02:03.000Z'", "(left as it is)"],
    ]
    assert not (tables.folder / "output").exists()
    after = tables.cql.execute("SELECT keyspace_name, table_name FROM system_schema.tables").all()
    assert after == before


def test_without_tables_the_keyspace_is_looked_at(tables: Tables) -> None:
    """A project that names no table yet sees its settings, the cluster and the keyspace."""
    done = tables.luigi("CheckSetup")
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout
    assert "needs 1" in line_of(done.stdout, "ok", f"keyspace {tables.keyspace}")


def test_one_run_shows_all_that_is_wrong(tables: Tables) -> None:
    """A look that fails does not keep others from being taken; the exit code is that of a failed task."""
    fits, other, late = (tables.create(name, ORDERS) for name in ("fits", "other", "late"))
    tables.write("fits.csv", "id,placed_at,note\n1,today,a\nx,,b\n3,,c\n")
    tables.write("other.csv", "id,placed,note\n1,,a\n")
    add_sections(
        tables,
        (fits, "fits.csv", ""),
        (other, "other.csv", ""),
        (late, "late-{date}.csv", "flag_file = _SUCCESS\n"),
        ("gone", "fits.csv", "dialekt = excel\n"),
    )
    (tables.folder / "file").write_text("", encoding="utf-8")
    tables.configure(
        load={"max_bad_rows": "few", "pool_sice": 3},
        cassandra={"prot": 1},
        timing={"sync_repeats": "x"},
        output={"folder": "file/output"},
    )
    done = tables.luigi("CheckSetup", "--date", "2026-11-28")
    output = done.stdout
    assert done.returncode == TASK_FAILED, output
    assert "Traceback" not in output
    failures = [line for line in output.splitlines() if line.startswith("failure ")]
    for part in (
        "setting                  [cassandra] has no setting 'prot'; did you mean 'port'?",
        "setting                  [load] has no setting 'pool_sice'; did you mean 'pool_size'?",
        "max_bad_rows is 'few'; it must be a number of rows",
        "[table gone] has no setting 'dialekt'; did you mean 'dialect'?",
        "[timing] sync_repeats is 'x'; it must be a whole number",
        f"columns {other}",
        "file is not a folder",
    ):
        assert any(part in line for line in failures), (part, output)
    assert line_of(output, "ok", "login")
    assert "it may come later: a load waits" in line_of(output, "warning", f"input {late}")
    assert "no row file at late-2026-11-28.csv" in line_of(output, "warning", f"input {late}")
    assert line_of(output, "failure", "setup").endswith("; correct what is a failure above")


def test_bad_rows_are_shown_as_bad_rows_are(tables: Tables) -> None:
    """The first rows' faults have file, line, column and reason; more than may be is a failure."""
    table = tables.create("faulty", ORDERS)
    tables.write("faulty.csv", "id,placed_at,note\n1,today,a\nx,,b\n3,,c\n")
    words = ("CheckSetup", "--table", table, "--input", "faulty.csv")
    output = tables.refused(*words)
    assert line_of(output, "failure", f"rows {table}").startswith("2 of the first 3 are bad, 0 may be")
    assert f"failure  bad row {table}" in output
    assert "faulty.csv:2: column placed_at: 'today' is not a valid timestamp" in output
    assert "faulty.csv:3: column id: 'x' is not a valid int" in output
    output = tables.succeed(*words, "--load-max-bad-rows", "2")
    assert f"warning  rows {table}" in output


def test_an_embedded_cluster_is_not_started(tmp_path: Path) -> None:
    """Where the embedded Cassandra does not run, that is a warning, and it is not started; files are read."""
    workspace = Workspace(tmp_path, "t_check", Endpoint(contact_points=("127.0.0.1",), port=9042))
    workspace.configure(cassandra={"contact_points": ""})
    (tmp_path / "rows.csv").write_text("id\n1\n", encoding="utf-8")
    done = workspace.luigi("CheckSetup", "--table", "orders", "--input", "rows.csv")
    assert done.returncode == 0, done.stdout
    assert "it is not looked at; the first load starts it, or: make start" in done.stdout
    assert line_of(done.stdout, "ok", "dialect t_check.orders").endswith("fields id")
    assert not (tmp_path / "output").exists()


def test_a_password_is_named_and_not_shown(tmp_path: Path) -> None:
    """That the password is in the environment is said, not what it is; no node is there to take it."""
    workspace = Workspace(tmp_path, "t_check", Endpoint(contact_points=("127.0.0.1",), port=1))
    workspace.configure(cassandra={"user": "ada"})
    done = workspace.luigi("CheckSetup", CASSANDRA_PASSWORD="not to be shown")  # noqa: S106 - a test's
    assert done.returncode == TASK_FAILED, done.stdout
    assert "the password is set (environment CASSANDRA_PASSWORD)" in done.stdout
    assert "Connection refused; check contact_points, port and firewalls" in done.stdout
    assert "not to be shown" not in done.stdout


def test_a_cluster_whose_settings_are_wrong_is_left_out(tmp_path: Path) -> None:
    """A port that is no number is a failure by itself; the folder and the files are looked at still."""
    workspace = Workspace(tmp_path, "t_check", Endpoint(contact_points=("127.0.0.1",), port=1))
    workspace.configure(cassandra={"port": "many"})
    (tmp_path / "rows.csv").write_text("id\n1\n", encoding="utf-8")
    done = workspace.luigi("CheckSetup", "--table", "shop.orders", "--input", "rows.csv")
    assert done.returncode == TASK_FAILED, done.stdout
    assert line_of(done.stdout, "warning", "cluster").startswith("is not looked at: its settings are wrong")
    assert "[cassandra] port is 'many'; it must be a whole number" in done.stdout
    assert line_of(done.stdout, "ok", "folder output")
