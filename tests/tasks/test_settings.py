"""Settings from luigi.cfg, from the command line, and in the docs."""

import configparser
import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.sections import SECTIONS
from pipeline.settings import LoadConfig
from pipeline.settings.declaration import Setting
from tests.harness.settings_shown import shown
from tests.harness.workspace import PROJECT, Workspace, before_end


def another(declared: Setting) -> str:
    """Return a value that is not the default of a setting, in Luigi's notation."""
    if declared.choices:
        return next(each for each in declared.choices if each != declared.default)
    if declared.kind is bool:
        return str(not declared.default)
    if declared.kind in {int, float, int | None}:
        raised = (declared.default or declared.minimum or 0) + 1
        return str(float(raised) if declared.kind is float else int(raised))
    return "another"


CHOSEN = {
    "cassandra": {
        "contact_points": "10.0.0.1,10.0.0.2",
        "port": "9043",
        "datacentre": "dc1",
        "keyspace": "SalesDB",
        "replication_factor": "3",
        "consistency_level": "ONE",
        "manage_schema": "False",
        "user": "ada",
        "password_file": "/secret",
        "tls_ca_file": "/ca.pem",
        "secure_connect_bundle": "/bundle.zip",
        "tls_certificate_file": "/c.pem",
        "tls_key_file": "/k.pem",
        "tls_check_hostname": "False",
        "connect_timeout_s": "1.5",
        "request_timeout_s": "2.5",
    },
    "embedded": {"version": "4.1.10", "nodes": "2", "heap": "512M", "port": "9050"},
    "generate": {"rows": "7", "seed": "-1", "locale": "de_DE", "file_format": "parquet"},
    "files": {
        "dialect": "tsv",
        "delimiter": "|",
        "quote": "none",
        "escape": "~",
        "header": "false",
        "encoding": "cp1252",
        "comment": "#",
        "skip_rows": "2",
        "trim": "true",
        "null_words": "NA,-",
        "empty": "text",
        "quoted_nulls": "false",
        "final_newline": "require",
        "compression": "zstd",
    },
    "objects": {"endpoint": "http://127.0.0.1:9000", "region": "eu-central-1"},
    "columns": {},
    "values": {
        "timestamp_formats": "%d.%m.%Y|epoch_s",
        "date_formats": "%Y%m%d",
        "time_zone": "Europe/Berlin",
        "decimal_mark": ",",
        "thousands_mark": ".",
        "true_words": "yes,y",
        "false_words": "no,n",
        "blob_form": "base64",
        "nested_form": "cql",
        "whole_floats": "True",
    },
    "load": {
        "method": "prepared",
        "pool_size": "auto",
        "batch_size_bytes": "100",
        "batch_rows": "7",
        "processes": "2",
        "rows_per_s": "9.5",
        "nulls": "write",
        "ttl_s": "60",
        "max_bad_rows": "1.5%",
        "retry_budget_s": "3.0",
    },
    "dask": {"scheduler": "tcp://127.0.0.1:8786"},
    "spark": {"master": "spark://127.0.0.1:7077", "conf": "spark.executor.memory=1g"},
    "timing": {"latencies_s": "0,0.25", "sync_repeats": "1", "async_repeats": "2"},
    "experiment": {
        "time_budget": "0 w 0 d 2 h 0 m 0 s",
        "precision": "0.1",
        "repeat_s": "1.0",
        "pool_sizes": "5,6",
    },
    "output": {"folder": "/elsewhere", "keep_days": "30", "log_format": "json"},
    "metrics": {"folder": "/metrics", "pushgateway": "127.0.0.1:9091"},
    "webhook": {"file": "/hook", "when": "always", "form": "slack"},
}
"""A value for each setting whose values follow rules, none of them its default, in Luigi's notation."""

GIVEN = {
    section.name: {
        each.name: CHOSEN[section.name].get(each.name) or another(each) for each in section if each.is_in_file
    }
    for section in SECTIONS
}
"""A value for each setting that is declared."""


def documented() -> dict[str, dict[str, str]]:
    """Return the defaults in docs/settings.md by section and name, empty ones as ''."""
    sections: dict[str, dict[str, str]] = {}
    for line in (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## (?:\[(\w+)\])?", line):
            section = heading[1] or ""
        elif row := re.match(r"\| (`[^|]*`) \| (?:`(.*?)`|empty) \|", line):
            for name in re.findall(r"`(\w+)`", row[1]):
                sections.setdefault(section, {})[name] = row[2] or ""
    return sections


def configured() -> dict[str, dict[str, str]]:
    """Return the values in the project's luigi.cfg, of the sections that are in the docs."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(PROJECT / "luigi.cfg", encoding="utf-8")
    return {section: dict(config[section]) for section in documented()}


def flags(values: dict[str, dict[str, str]]) -> list[str]:
    """Return the arguments that give these settings on a command line."""
    return [
        word
        for section, settings in values.items()
        for name, value in settings.items()
        for word in (f"--{section}-{name}".replace("_", "-"), value)
    ]


def test_every_setting_can_be_given_on_the_command_line(workspace: Workspace) -> None:
    """Each documented setting has an option `--SECTION-NAME value`, and this value is used."""
    assert {section: set(settings) for section, settings in GIVEN.items()} == {
        section: set(settings) for section, settings in documented().items()
    }
    assert shown(workspace, *flags(GIVEN)) == GIVEN


LOAD = {
    "method": "prepared",
    "pool_size": 7,
    "batch_size_bytes": 100,
    "batch_rows": 7,
    "rows_per_s": 9.5,
    "nulls": "write",
    "ttl_s": 60,
    "max_bad_rows": "1.5%",
}


def test_a_setting_of_a_load_reaches_it(workspace: Workspace) -> None:
    """A load uses the command line's value, else luigi.cfg's, else the default, each of its own type."""
    neither = dataclasses.asdict(LoadConfig())
    assert shown(workspace, task="ShowLoad") == neither
    workspace.configure(load={**LOAD, "retry_budget_s": 3})
    in_file = {**neither, **LOAD, "retry_budget_s": 3.0}
    assert shown(workspace, task="ShowLoad") == in_file
    words = ("--method", "batch", "--pool-size", "8", "--ttl-s", "", "--timestamp-us", "5")
    given = {"method": "batch", "pool_size": 8, "ttl_s": None, "timestamp_us": 5}
    assert shown(workspace, *words, task="ShowLoad") == {**in_file, **given}


def test_a_percent_sign_in_luigi_cfg_is_one(workspace: Workspace) -> None:
    """`max_bad_rows = 1.5%` is read as in the docs, and so is `%%`, which configparser requires."""
    for text in ("1.5%", "1.5%%"):
        workspace.configure(load={"max_bad_rows": text})
        assert shown(workspace)["load"]["max_bad_rows"] == "1.5%"


def test_a_reference_to_nothing_is_refused(workspace: Workspace) -> None:
    """A reference to an environment variable that is not set ends the run with the variable's name."""
    workspace.configure(cassandra={"user": "${NO_SUCH_USER}"})
    done = workspace.luigi("SetupKeyspace")
    assert done.returncode != 0
    assert done.stdout.count("error: [cassandra] user cannot be read: Config refers to a nonexisting") == 1
    assert "Traceback" not in done.stdout
    assert shown(workspace, NO_SUCH_USER="ada")["cassandra"]["user"] == "ada"


def test_an_empty_value_on_the_command_line_counts(workspace: Workspace) -> None:
    """Optional settings can be empty for one run; the others refuse an empty value by name."""
    may_be_empty = {
        section: {name: "" for name, value in settings.items() if not value}
        for section, settings in documented().items()
    }
    workspace.configure(cassandra={**GIVEN["cassandra"]}, load={"ttl_s": 60})
    found = shown(workspace, *flags(may_be_empty))
    for section, names in may_be_empty.items():
        assert {name: found[section][name] for name in names} == names
    done = workspace.luigi("SetupKeyspace", "--cassandra-port", "")
    assert done.returncode == 35, done.stdout
    assert before_end(done.stdout).count("[cassandra] port is ''; it must be a whole number") == 1


DEFAULTS = """
import json, sys
from tasks.settings import SECTIONS
texts = json.load(sys.stdin)
listed = {}
for section in SECTIONS:
    family = section.get_task_family()
    for name, parameter in section.get_params():
        text = texts.get(family, {}).get(name)
        default = parameter.serialize(parameter._default)
        value = None if text is None else parameter.serialize(parameter.normalize(parameter.parse(text)))
        listed[f"{family} {name}"] = [value, default]
print(json.dumps(listed))
"""


@pytest.mark.parametrize("where", [documented, configured])
def test_names_and_defaults_are_those_of_the_code(where: Callable[[], dict[str, dict[str, str]]]) -> None:
    """docs/settings.md and luigi.cfg have exactly the settings of the code, with their defaults."""
    texts = where()
    done = subprocess.run(
        [sys.executable, "-c", DEFAULTS],
        cwd=PROJECT,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    code = json.loads(done.stdout)
    assert set(code) == {f"{section} {name}" for section, names in texts.items() for name in names}
    assert {name: listed for name, (listed, _) in code.items()} == {
        name: default for name, (_, default) in code.items()
    }


@pytest.mark.parametrize(
    "words", [("LoadUsers", "--help"), ("ContenderReport", "--help"), ("LoadTable", "--help-all")]
)
def test_help_is_printed_in_full(words: tuple[str, ...]) -> None:
    """A percent sign in a parameter's description is printed by --help."""
    luigi = Path(sys.executable).with_name("luigi")
    done = subprocess.run(
        [luigi, "--module", "tasks", *words], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "%" in done.stdout
    assert "%%" not in done.stdout
