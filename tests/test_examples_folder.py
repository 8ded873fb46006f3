"""The files in examples/: what they call exists, and what they do with an exit code is what they say."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.workspace import PROJECT

EXAMPLES = PROJECT / "examples"
TABLE_SECTION = "[table shop.orders]\ninput = incoming/{date}/*.csv\n"
# Luigi parses the words, makes the task, and refuses what it does not know; then every section is read.
ASK_LUIGI = """
import json, sys
from luigi.cmdline_parser import CmdlineParser
from luigi.configuration import get_config
words = json.loads(sys.argv[1])
with CmdlineParser.global_instance(words) as parser:
    task = parser.get_task_obj()
    from luigi.interface import core
    from luigi.retcodes import retcode
    from luigi.worker import worker
    from tasks import settings
    settings.require_known_settings()
    for section in settings.SECTIONS:
        section()
    known = {each.__name__: dict(each.get_params()) for each in (core, retcode, worker)}
    ours = {section.get_task_family() for section in settings.SECTIONS}
    for section in get_config().sections():
        if section not in ours and not section.startswith("table "):
            unknown = set(get_config().options(section)) - known[section].keys()
            assert not unknown, (section, unknown)
    print(json.dumps({"task": task.task_family, **task.to_str_params()}))
"""
# Stands for `luigi`: writes down its words, and exits as the test wishes.
FAKE_LUIGI = """#!/bin/sh
printf '%s\\n' "$@" >"$(dirname "$0")/words"
exit $(cat "$(dirname "$0")/status")
"""
# Stands for Airflow, so that the function of the DAG can be called.
FAKE_AIRFLOW = """
def dag(**_):
    return lambda function: function
def task(function):
    return lambda *_: CALLED.append(function)
CALLED = []
"""
FAKE_EXCEPTIONS = """
class AirflowException(Exception): pass
class AirflowFailException(AirflowException): pass
"""
CALL_DAG = """
import pathlib, sys
import load_orders
from airflow.sdk import CALLED
load_orders.PROJECT = pathlib.Path(sys.argv[1])
try:
    print(CALLED[0]("2026-11-01"))
except Exception as error:
    print(type(error).__name__, error)
"""


def asked(folder: Path, words: list[str], config: str = TABLE_SECTION) -> dict[str, str]:
    """Return what Luigi makes of a command line in a folder with this luigi.cfg; fail if it refuses it."""
    (folder / "luigi.cfg").write_text(config, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ASK_LUIGI, json.dumps(words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "LUIGI_CONFIG_PATH": str(folder / "luigi.cfg")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


def exit_codes() -> dict[str, int]:
    """Return the exit codes of the project's luigi.cfg by their names."""
    config = ConfigParser(interpolation=None)
    config.read(PROJECT / "luigi.cfg", encoding="utf-8")
    return {name: int(code) for name, code in config["retcode"].items()}


def installed(folder: Path, status: int) -> Path:
    """Make a project with a `luigi` that exits with `status`; return the folder of that command."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "luigi").write_text(FAKE_LUIGI)
    (programs / "luigi").chmod(0o755)
    (programs / "status").write_text(str(status))
    return programs


def unit(name: str) -> ConfigParser:
    """Return a unit of systemd; its settings keep their capitals."""
    config = ConfigParser(interpolation=None)
    config.optionxform = str  # type: ignore[assignment,method-assign] # as systemd does
    config.read(EXAMPLES / "systemd" / name, encoding="utf-8")
    return config


def test_every_file_is_tested() -> None:
    """examples/ has only the files that this module tests, and the alert rules, which tests/runs does."""
    files = {f"{file.relative_to(EXAMPLES)}" for file in EXAMPLES.rglob("*") if file.is_file()}
    assert {name for name in files if "__pycache__" not in name} == {
        "airflow/load_orders.py",
        "alerts.yml",
        "cron/crontab",
        "cron/nightly.sh",
        "kubernetes/Containerfile",
        "kubernetes/cronjob.yaml",
        "systemd/load-orders.service",
        "systemd/load-orders.timer",
    }


@pytest.mark.parametrize("status", [0, *exit_codes().values(), 1])
def test_the_script_for_cron_says_what_an_exit_code_means(tmp_path: Path, status: int) -> None:
    """nightly.sh is silent after a load, and else says in a line what happened; Luigi knows its command."""
    crontab = (EXAMPLES / "cron" / "crontab").read_text(encoding="utf-8")
    [(script, table)] = re.findall(r"(?m)^15 2 \* \* \*  /srv/load/(\S+) (\S+)$", crontab)
    text = (EXAMPLES / "cron" / script).read_text(encoding="utf-8").replace("/srv/load", str(tmp_path))
    programs = installed(tmp_path, status)
    done = subprocess.run(
        ["/usr/bin/env", "bash", "-c", text, script, table],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout == "" if status == 0 else done.stdout.startswith(f"{table}: ")
    # 1 is a code that Luigi has no name for.
    assert ("exit code" in done.stdout) == (status in {1, exit_codes()["not_run"]})
    if status == 0:
        said = asked(tmp_path, (programs / "words").read_text().splitlines())
        assert (said["task"], said["table"]) == ("VerifyTable", table)


def test_the_scripts_can_be_run() -> None:
    """The script that a crontab calls is executable."""
    assert os.access(EXAMPLES / "cron" / "nightly.sh", os.X_OK)


def test_the_service_of_systemd(tmp_path: Path) -> None:
    """Luigi knows the command of the service, its credential is loaded, and its exit codes are Luigi's."""
    service = unit("load-orders.service")["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == "luigi"
    said = asked(tmp_path, words)
    assert (said["task"], said["table"]) == ("VerifyTable", "shop.orders")
    credential = service["LoadCredential"].partition(":")[0]
    assert words[-1] == f"${{CREDENTIALS_DIRECTORY}}/{credential}"
    codes = exit_codes()
    wanted = [codes["scheduling_error"], codes["unhandled_exception"]]
    assert [int(code) for code in service["RestartPreventExitStatus"].split()] == wanted
    assert unit("load-orders.timer")["Timer"]["OnCalendar"] == "*-*-* 02:15"


def documents() -> Iterator[dict[str, Any]]:
    """Yield the objects of the Kubernetes example."""
    yield from yaml.safe_load_all((EXAMPLES / "kubernetes" / "cronjob.yaml").read_text(encoding="utf-8"))


def test_the_job_of_kubernetes(tmp_path: Path) -> None:
    """Luigi knows the arguments of the pod and its settings; the journal is the cluster's."""
    settings, job = documents()
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    image = (EXAMPLES / "kubernetes" / "Containerfile").read_text(encoding="utf-8")
    program, *words = json.loads(re.findall(r"(?m)^ENTRYPOINT (.+)$", image)[0])
    assert program == "luigi"
    said = asked(tmp_path, [*words, *container["args"]], settings["data"]["luigi.cfg"])
    assert (said["task"], said["table"]) == ("VerifyTable", "shop.orders")
    config = ConfigParser(interpolation=None)
    config.read_string(settings["data"]["luigi.cfg"])
    assert config["load"]["journal"] == "cluster"
    assert {name: int(code) for name, code in config["retcode"].items()} == exit_codes()


def test_the_names_in_the_job_agree() -> None:
    """Mounted volumes exist, exit codes are Luigi's, and the settings are where Luigi looks."""
    settings, job = documents()
    spec = job["spec"]["jobTemplate"]["spec"]
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
    [rule] = [rule for rule in spec["podFailurePolicy"]["rules"] if rule["action"] == "FailJob"]
    codes = exit_codes()
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert rule["onExitCodes"]["values"] == [codes["scheduling_error"], codes["unhandled_exception"]]
    # Kubernetes takes such a policy only with this.
    assert pod["restartPolicy"] == "Never"
    [named] = [each["value"] for each in container["env"] if each["name"] == "LUIGI_CONFIG_PATH"]
    assert named == f"{mounts['settings']}/luigi.cfg"
    assert pod["volumes"][0]["configMap"]["name"] == settings["metadata"]["name"]
    assert f"password_file = {mounts['secrets']}/" in settings["data"]["luigi.cfg"]


def test_the_image_has_what_the_project_has() -> None:
    """Every file that the Containerfile copies is there, and it says that it was not built."""
    text = (EXAMPLES / "kubernetes" / "Containerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"(?m)^COPY (.+) \S+$", text) for name in line.split()]
    assert copied == ["requirements.txt", "pyproject.toml", "README.md", "LICENSE", "pipeline", "tasks"]
    assert all((PROJECT / name).exists() for name in copied)
    assert "never built" in text


@pytest.mark.parametrize("status", [0, *exit_codes().values(), 1])
def test_the_dag_of_airflow(tmp_path: Path, status: int) -> None:
    """The DAG's task returns load.json; it is tried again after failures, but not after wrong settings."""
    file = EXAMPLES / "airflow" / "load_orders.py"
    programs = installed(tmp_path, status)
    sdk = tmp_path / "airflow" / "sdk"
    sdk.mkdir(parents=True)
    (sdk / "__init__.py").write_text(FAKE_AIRFLOW)
    (sdk / "exceptions.py").write_text(FAKE_EXCEPTIONS)
    summary = tmp_path / "output" / "loads" / "shop.orders" / "2026-11-01" / "1_orders" / "load.json"
    summary.parent.mkdir(parents=True)
    summary.write_text('{"read": 7}')
    done = subprocess.run(
        [sys.executable, "-B", "-c", CALL_DAG, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{file.parent}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if status == 0:
        assert done.stdout == "{'read': 7}\n"
        said = asked(tmp_path, (programs / "words").read_text().splitlines())
        assert (said["task"], said["date"]) == ("VerifyTable", "2026-11-01")
        return
    codes = exit_codes()
    is_final = status in {codes["scheduling_error"], codes["unhandled_exception"]}
    kind = "AirflowFailException" if is_final else "AirflowException"
    assert done.stdout.startswith(f"{kind} shop.orders of 2026-11-01: ")
