import subprocess
import sys
from pathlib import Path

from tests.harness.workspace import PROJECT, Workspace


def test_without_luigi_cfg_a_run_ends_at_once(workspace: Workspace, tmp_path: Path) -> None:
    """Without a luigi.cfg, or with an absent one that is named: one message, and nothing is written."""
    (workspace.folder / "luigi.cfg").unlink()
    for named in ("", str(tmp_path / "absent.cfg")):
        done = workspace.luigi("LoadTable", "--table", "k.t", "--input", "a.csv", LUIGI_CONFIG_PATH=named)
        assert done.returncode != 0
        assert "error: there is no luigi.cfg" in done.stdout
        assert named in done.stdout
        assert str(workspace.folder / "luigi.cfg") in done.stdout
        assert "Traceback" not in done.stdout
        assert not list(workspace.folder.iterdir())


def test_output_is_beside_the_luigi_cfg_that_is_named(workspace: Workspace, tmp_path: Path) -> None:
    """With LUIGI_CONFIG_PATH the output folder is relative to that file, and a flag takes a value."""
    other = tmp_path / "other"
    other.mkdir()
    config = workspace.folder / "luigi.cfg"
    keyspace, workspace.folder = workspace.folder, other
    done = workspace.luigi(
        "LoadUsers", "--cassandra-manage-schema", "true", "--reload", LUIGI_CONFIG_PATH=str(config)
    )
    assert done.returncode == 0, done.stdout
    assert (keyspace / "output" / "rows").is_dir()
    assert not (other / "output").exists()


def test_names_of_tables_are_read_as_cql_reads_them() -> None:
    """A dot inside CQL's quotes is part of the name; an invalid name is refused."""
    script = """
import warnings
warnings.simplefilter("ignore")
from pipeline.errors import SettingError
from tasks.targets import named_table
table_ref = named_table('k."a.b""c"')
print(table_ref.keyspace.name, table_ref.table)
for name in ("", ".t", "k.", "a.b.c", '"t', 'k."t"x'):
    try:
        print(named_table(name))
    except SettingError:
        print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ['k a.b"c', *["refused"] * 6]


def test_a_tasks_switch_may_stand_before_it(workspace: Workspace) -> None:
    """A task's own flag takes no value, at any position; a flag of a setting does."""
    done = workspace.luigi("--dry-run", "LoadUsers", "--cassandra-manage-schema", "false")
    assert done.returncode == 30
    assert "is absent and manage_schema is false" in done.stdout
