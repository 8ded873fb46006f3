"""The chain as its users run it: the real `luigi` command, the real server, the real files."""

from cassandra.cluster import Session

from tests.conftest import Workspace


def test_bare_command_loads_the_generated_rows(workspace: Workspace, cql: Session) -> None:
    """`luigi --module tasks LoadUsers`, with no other flag, puts every generated row into the table."""
    done = workspace.luigi("LoadUsers")
    assert done.returncode == 0, done.stdout
    [file] = workspace.folder.glob("output/rows/users/*/*.csv")
    lines = file.read_text(encoding="utf-8").splitlines()
    stored = {
        f"{row['user_id']},{row['first_name']},{row['last_name']}"
        for row in cql.execute(f"SELECT * FROM {workspace.keyspace}.user")
    }
    assert len(lines) == 21
    assert stored == set(lines[1:])
