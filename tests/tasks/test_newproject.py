"""A new project: `python -m tasks init` writes its luigi.cfg."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from pipeline.sections import SECTIONS
from pipeline.sections.documents import text_of
from tests.harness.workspace import PROJECT


def _run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LUIGI_")}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _settings(file: Path) -> ConfigParser:
    config = ConfigParser(interpolation=None)
    assert config.read(file, encoding="utf-8") == [str(file)]
    return config


def test_it_has_what_must_be_decided(tmp_path: Path) -> None:
    """The file has the cluster, the keyspace and the output folder with their defaults, and Luigi's own."""
    done = _run(tmp_path, "tasks", "init")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"wrote {tmp_path / 'luigi.cfg'}: ")
    config = _settings(tmp_path / "luigi.cfg")
    ours = {section.name: {each.name: text_of(each.default) for each in section} for section in SECTIONS}
    assert {name: list(config[name]) for name in config.sections() if name in ours} == {
        "cassandra": ["contact_points", "datacentre", "keyspace", "replication_factor"],
        "output": ["folder"],
    }
    assert all(
        ours[name][each] == config[name][each] for name in ("cassandra", "output") for each in config[name]
    )
    whole = _settings(PROJECT / "luigi.cfg")
    of_luigi = [name for name in config.sections() if name not in ours]
    assert of_luigi == ["core", "worker", "retcode"]
    assert all(config[name].items() <= whole[name].items() for name in of_luigi)
    assert dict(config["retcode"]) == dict(whole["retcode"])


def test_a_load_can_begin_with_it(tmp_path: Path) -> None:
    """Luigi reads the file without a complaint, and knows the tasks."""
    assert _run(tmp_path, "tasks", "init").returncode == 0
    done = _run(tmp_path, "luigi", "--module", "tasks", "LoadTable", "--help-all")
    assert done.returncode == 0, done.stderr
    assert "--cassandra-contact-points" in done.stdout
    assert not done.stderr


def test_an_existing_file_stays(tmp_path: Path) -> None:
    """A second `init` changes nothing, says what to do, and exits with 1."""
    (tmp_path / "luigi.cfg").write_text("[output]\nfolder = mine\n")
    done = _run(tmp_path, "tasks", "init")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {tmp_path / 'luigi.cfg'} exists and stays as it is; edit it, or move it away and run the "
        "command again\n"
    )
    assert (tmp_path / "luigi.cfg").read_text() == "[output]\nfolder = mine\n"


def test_it_is_where_runs_look(tmp_path: Path) -> None:
    """With LUIGI_CONFIG_PATH, that file is written; the message about the missing one names the command."""
    file = tmp_path / "etc" / "luigi.cfg"
    absent = _run(tmp_path, "luigi", "--module", "tasks", "LoadUsers", LUIGI_CONFIG_PATH=str(file))
    assert absent.returncode == 1
    assert "for a new project, `python -m tasks init` writes one" in absent.stderr
    assert _run(tmp_path, "tasks", "init", LUIGI_CONFIG_PATH=str(file)).returncode == 0
    assert _settings(file)["cassandra"]["keyspace"] == "test"
    assert not (tmp_path / "luigi.cfg").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """If the file cannot be written, one line says why, and the exit code is 1."""
    (tmp_path / "file").touch()
    done = _run(tmp_path, "tasks", "init", LUIGI_CONFIG_PATH=str(tmp_path / "file" / "luigi.cfg"))
    assert done.returncode == 1
    assert f"error: cannot write {tmp_path / 'file' / 'luigi.cfg'}: File exists; " in done.stderr
    assert "Traceback" not in done.stderr
