"""From which files settings are read, and to which folder their paths are relative."""

from pathlib import Path

import pytest

from tests.harness.settings_shown import shown
from tests.harness.workspace import PROJECT, Workspace


@pytest.fixture
def elsewhere(workspace: Workspace, tmp_path: Path) -> Path:
    """Move the workspace's luigi.cfg, with relative paths, to another folder; return the file."""
    file = tmp_path / "etc" / "load.cfg"
    file.parent.mkdir()
    paths = dict.fromkeys(("password_file", "tls_ca_file", "tls_certificate_file", "tls_key_file"), "a/file")
    workspace.configure(cassandra={**paths}, core={"logging_conf_file": "logging.ini"})
    (workspace.folder / "luigi.cfg").rename(file)
    (file.parent / "logging.ini").write_text(LOGGING, encoding="utf-8")
    return file


LOGGING = """
[loggers]
keys = root
[handlers]
keys = stderr
[formatters]
keys = plain
[logger_root]
handlers = stderr
[handler_stderr]
class = StreamHandler
formatter = plain
[formatter_plain]
format = as logging.ini says: %(message)s
"""


def test_relative_paths_are_seen_from_the_file_that_has_them(workspace: Workspace, elsewhere: Path) -> None:
    """Paths in luigi.cfg, ours and Luigi's, are relative to its folder; arguments to the current one."""
    found = shown(workspace, "--cassandra-password-file", "here", LUIGI_CONFIG_PATH=str(elsewhere))
    folder = elsewhere.parent
    assert found["cassandra"]["password_file"] == "here"  # noqa: S105 - a path
    for name in ("tls_ca_file", "tls_certificate_file", "tls_key_file"):
        assert found["cassandra"][name] == str(folder / "a" / "file")
    assert found["output"]["folder"] == str(folder / "output")
    assert (folder / ".luigi").is_dir()
    assert not list(workspace.folder.iterdir())
    done = workspace.luigi("SetupKeyspace", LUIGI_CONFIG_PATH=str(elsewhere))
    assert "as logging.ini says: " in done.stdout


def test_of_two_files_the_one_that_has_a_path_counts(workspace: Workspace, elsewhere: Path) -> None:
    """Luigi reads ./luigi.cfg before the named file: a path is relative to the file that contains it."""
    (workspace.folder / "luigi.cfg").write_text(
        "[cassandra]\ntls_ca_file = mine\nuser = ada\n[output]\nfolder = mine\n", encoding="utf-8"
    )
    text = elsewhere.read_text(encoding="utf-8")
    elsewhere.write_text(text.replace("folder = output\n", "").replace("user =\n", ""), encoding="utf-8")
    found = shown(workspace, LUIGI_CONFIG_PATH=str(elsewhere))
    assert found["cassandra"]["user"] == "ada"
    assert found["output"]["folder"] == "mine"
    assert found["cassandra"]["tls_ca_file"] == str(elsewhere.parent / "a" / "file")


def refused(workspace: Workspace, message: str, **environment: str) -> None:
    """Run a command that must end at once with one message, and write nothing."""
    before = sorted(workspace.folder.rglob("*"))
    done = workspace.luigi("SetupKeyspace", **environment)
    assert done.returncode == 1, done.stdout
    assert done.stdout.count(message) == 1, done.stdout
    assert done.stdout.count("error: ") == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert sorted(workspace.folder.rglob("*")) == before


@pytest.mark.parametrize("name", ["client.cfg", "luigi.toml"])
def test_a_file_of_another_name_is_no_luigi_cfg(workspace: Workspace, name: str) -> None:
    """If there is only a client.cfg or a luigi.toml, the message names the file that is needed."""
    (workspace.folder / "luigi.cfg").rename(workspace.folder / name)
    refused(workspace, f"{name} does not count, its settings belong into a luigi.cfg")


def test_a_client_cfg_beside_luigi_cfg_is_refused(workspace: Workspace) -> None:
    """Luigi also reads client.cfg, but its settings do not complete luigi.cfg: it is refused."""
    file = workspace.folder / "client.cfg"
    file.write_text("[load]\nttl_s = 60\n", encoding="utf-8")
    refused(workspace, f"{file} has [load], which luigi.cfg would cover in part; move its settings to luigi")
    file.write_text("[core]\nlog_level = INFO\n", encoding="utf-8")
    assert shown(workspace)["load"]["ttl_s"] == ""


@pytest.mark.parametrize(
    "environment", [{"LUIGI_CONFIG_PATH": "luigi.toml"}, {"LUIGI_CONFIG_PARSER": "toml"}]
)
def test_toml_is_refused(workspace: Workspace, tmp_path: Path, environment: dict[str, str]) -> None:
    """If Luigi can read TOML, a TOML file is refused, not ignored."""
    (workspace.folder / "luigi.toml").write_text("[load]\nttl_s = 60\n", encoding="utf-8")
    # Luigi reads TOML with another package; this stub has the function that Luigi calls.
    (tmp_path / "toml.py").write_text(
        "import tomllib\n\ndef load(path):\n    return tomllib.load(open(path, 'rb'))\n", encoding="utf-8"
    )
    path = f"{tmp_path}:{PROJECT}"
    refused(workspace, "settings are read from luigi.cfg, not from TOML", PYTHONPATH=path, **environment)
