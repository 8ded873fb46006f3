"""What is told of runs of the real `luigi` command: nights as they happen."""

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from tests.harness.listeners import listening, receiving_mail
from tests.harness.workspace import Workspace

VALUE = "not-a-uuid-4711"
HEADER = "user_id,first_name,last_name"
GOOD = "123e4567-e89b-42d3-a456-426614174000,Ada,Lovelace"


def lines(workspace: Workspace) -> list[dict[str, str]]:
    """Return the lines of loads.csv."""
    with (workspace.folder / "output" / "loads.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ledger(workspace: Workspace, cql: Session) -> list[dict[str, Any]]:
    """Return the lines of the ledger in the cluster, in the order of their runs."""
    rows = cql.execute(f"SELECT * FROM {workspace.keyspace}.load_ledger WHERE table_name = 'user'")
    return sorted(rows, key=lambda row: str(row["run_id"]))


def metric(workspace: Workspace, name: str) -> float:
    """Return a metric of the users' table that has no label of its own."""
    [file] = (workspace.folder / "output" / "metrics").glob("*.prom")
    [line] = [
        line
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"cassandra_load_{name}{{")
    ]
    return float(line.rpartition(" ")[2])


def write(workspace: Workspace, *rows: str) -> None:
    """Write the input's one file."""
    folder = workspace.folder / "drop"
    folder.mkdir(exist_ok=True)
    (folder / "a.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")


def assert_nothing_of_a_row(folder: Path) -> None:
    """Check every file that is told from: none has a value of a row."""
    told = [folder / "loads.csv", *(folder / "metrics").iterdir(), *(folder / "runs").iterdir()]
    for file in told:
        assert VALUE not in file.read_text(encoding="utf-8"), file


def test_nights_tell_the_same_story_everywhere(workspace: Workspace, cql: Session) -> None:
    """A missing file, bad rows, a good load: ledger, CSV, metrics, webhook and exit code agree on each."""
    command = ("VerifyUsers", "--input", "drop/*.csv")
    with listening() as (address, got):
        secret = {"LOAD_WEBHOOK_URL": f"http://{address}/T0SECRET"}
        missing = workspace.luigi(*command, **secret)
        again = workspace.luigi(*command, **secret)
        write(workspace, f"{VALUE},Ada,Lovelace")
        bad = workspace.luigi(*command, **secret)
        write(workspace, GOOD)
        good = workspace.luigi(*command, **secret)
        workspace.luigi(*command, **secret)
    assert [missing.returncode, again.returncode, bad.returncode, good.returncode] == [20, 20, 30, 0]
    # The verification that the last command runs anew is a success after a success.
    outcomes = ["missing", "failed", "loaded", "verified", "verified"]
    assert [line["outcome"] for line in lines(workspace)] == outcomes
    assert [line["outcome"] for line in ledger(workspace, cql)] == outcomes
    assert [json.loads(sent.text)["outcome"] for sent in got] == ["missing", "failed", "loaded"]
    assert {sent.path for sent in got} == {"/T0SECRET"}
    assert metric(workspace, "run_success") == metric(workspace, "verification_run_success") == 1
    failed = lines(workspace)[1]["error"]
    assert "drop/a.csv:2: column user_id" in failed
    assert VALUE in bad.stdout
    assert not any(VALUE in sent.text for sent in got)
    assert VALUE not in repr(ledger(workspace, cql))
    assert_nothing_of_a_row(workspace.folder / "output")
    assert not any("T0SECRET" in run.stdout for run in (missing, bad, good))


def test_a_load_is_told_as_it_was(workspace: Workspace, cql: Session) -> None:
    """The line of a load has its rows, its steps, the server and the settings that are not the defaults."""
    assert workspace.luigi("LoadUsers", "--method", "prepared").returncode == 0
    [line] = lines(workspace)
    counts = {name: line[f"rows_{name}"] for name in ("read", "sent", "acknowledged", "bad")}
    assert counts == {"read": "20", "sent": "20", "acknowledged": "20", "bad": "0"}
    assert list(json.loads(line["step_seconds"])) == ["plan", "begin", "load", "finish"]
    assert sum(json.loads(line["step_seconds"]).values()) <= float(line["seconds"])
    assert json.loads(line["settings"]) == {"method": "prepared"}
    [row] = ledger(workspace, cql)
    assert f"{row['run_id']}" == line["run_id"]
    assert row["digest"] == line["digest"]
    assert row["seconds"] == float(line["seconds"])
    assert row["server_version"] == line["server_version"] != ""
    assert metric(workspace, "run_duration_seconds") == float(line["seconds"])
    assert metric(workspace, "request_duration_seconds_count") >= 1


def test_what_does_nothing_is_not_told(workspace: Workspace) -> None:
    """Neither a dry run nor a load that finds its marker has a line."""
    assert workspace.luigi("LoadUsers").returncode == 0
    for more in ([], ["--dry-run"]):
        workspace.luigi("LoadUsers", *more)
    assert [line["outcome"] for line in lines(workspace)] == ["loaded"]


def test_a_night_without_the_cluster_follows_later(workspace: Workspace, cql: Session) -> None:
    """If no node answers, the run is told here, and its line is in the ledger after the next run: once."""
    write(workspace, GOOD)
    command = ("LoadUsers", "--input", "drop/*.csv")
    down = workspace.luigi(*command, "--cassandra-port", "1")
    assert down.returncode == 35
    assert "Connection refused" in lines(workspace)[0]["error"]
    assert metric(workspace, "run_success") == 0
    assert len(list((workspace.folder / "output" / "ledger").iterdir())) == 1
    assert workspace.luigi(*command).returncode == 0
    assert [line["outcome"] for line in ledger(workspace, cql)] == ["failed", "loaded"]
    assert list((workspace.folder / "output" / "ledger").iterdir()) == []


@pytest.mark.parametrize("wrong", ["metrics", "webhook", "file", "pushgateway"])
def test_telling_never_fails_a_load(workspace: Workspace, wrong: str) -> None:
    """Whatever cannot be told is a warning of one line, without the secret, and the load succeeds."""
    environment = {}
    if wrong == "metrics":
        (workspace.folder / "taken").write_text("", encoding="utf-8")
        workspace.configure(metrics={"folder": "taken"})
    elif wrong == "pushgateway":
        workspace.configure(metrics={"pushgateway": "127.0.0.1:1"})
    elif wrong == "webhook":
        workspace.configure(webhook={"when": "always"})
        environment["LOAD_WEBHOOK_URL"] = "http://127.0.0.1:1/T0SECRET"
    else:
        workspace.configure(webhook={"file": "absent"})
    done = workspace.luigi("LoadUsers", **environment)
    assert done.returncode == 0, done.stdout
    warnings = [line for line in done.stdout.splitlines() if "warning: " in line]
    assert len(warnings) == 1
    assert "Traceback" not in done.stdout
    assert "T0SECRET" not in done.stdout
    assert [line["outcome"] for line in lines(workspace)] == ["loaded"]


def test_luigis_e_mail_tells_of_a_failure_without_its_values(workspace: Workspace) -> None:
    """Luigi's own settings send an e-mail for a failed load; it names the task, and no value of a row."""
    write(workspace, f"{VALUE},Ada,Lovelace")
    with receiving_mail() as (port, got):
        with (workspace.folder / "luigi.cfg").open("a", encoding="utf-8") as config:
            config.write(
                "\n[email]\nreceiver = data@example.com\nsender = load@example.com\nmethod = smtp\n"
                f"\n[smtp]\nhost = 127.0.0.1\nport = {port}\n"
            )
        assert workspace.luigi("LoadUsers", "--input", "drop/*.csv").returncode == 30
        write(workspace, GOOD)
        assert workspace.luigi("LoadUsers", "--input", "drop/*.csv").returncode == 0
    [message] = got
    assert message["To"] == "data@example.com"
    assert "LoadUsers" in message["Subject"]
    [text] = [part.get_content() for part in message.walk() if part.get_content_type() == "text/plain"]
    assert "drop/a.csv:2: column user_id" in text
    assert VALUE not in text


def test_the_ledger_needs_no_right_to_create_tables(workspace: Workspace, cql: Session) -> None:
    """With manage_schema = false the load succeeds, and says the CREATE TABLE of the absent ledger."""
    assert workspace.luigi("SetupKeyspace").returncode == 0
    workspace.configure(cassandra={"manage_schema": "false"})
    done = workspace.luigi("LoadUsers")
    assert done.returncode == 0, done.stdout
    assert f"have it created: CREATE TABLE {workspace.keyspace}.load_ledger" in done.stdout
    assert "load_ledger" not in {
        row["table_name"]
        for row in cql.execute(
            f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{workspace.keyspace}'"
        )
    }


def test_the_history_has_the_nights_of_the_ledger_and_of_this_machine(
    make_workspace: Callable[[], Workspace],
) -> None:
    """LoadHistory writes its files of the ledger, and where the cluster is down, of this machine's runs."""
    workspace = make_workspace()
    date = f"{dt.date.today() - dt.timedelta(days=3)}"  # noqa: DTZ011 - as the task means it
    assert workspace.luigi("LoadUsers", "--date", date).returncode == 0
    history = workspace.folder / "output" / "history.csv"
    # A table of another keyspace, without a section, as after a load of `--table shop.orders`.
    workspace.configure(keyspace={"name": "elsewhere"})
    assert workspace.luigi("LoadHistory").returncode == 0
    assert workspace.keyspace in history.read_text(encoding="utf-8")
    workspace.configure(keyspace={"name": workspace.keyspace})
    (workspace.folder / "output" / "loads.csv").unlink()
    with (workspace.folder / "luigi.cfg").open("a", encoding="utf-8") as config:
        config.write(f"\n[table {workspace.keyspace}.user]\ninput = drop/{{date}}.csv\n")
    assert workspace.luigi("LoadHistory", "--days", "30").returncode == 0
    with history.open(encoding="utf-8", newline="") as file:
        states = [(row["date"] == date, row["state"]) for row in csv.DictReader(file)]
    assert states == [(True, "loaded"), (False, "absent"), (False, "absent")]
    page = history.with_suffix(".html").read_text(encoding="utf-8")
    assert "From the ledger in the cluster" in page
    assert workspace.luigi("LoadHistory", "--table", "user", "--days", "2").returncode == 0
    assert len(history.read_text(encoding="utf-8").splitlines()) == 1
    assert workspace.luigi("LoadUsers", "--date", date, "--reload").returncode == 0
    assert workspace.luigi("LoadHistory", "--cassandra-port", "1").returncode == 0
    assert "From the runs of this machine alone" in history.with_suffix(".html").read_text(encoding="utf-8")
    assert date in history.read_text(encoding="utf-8")


def test_a_history_has_at_least_a_day(workspace: Workspace) -> None:
    """A number of days below 1 is refused by name."""
    done = workspace.luigi("LoadHistory", "--days", "0")
    assert done.returncode == 40
    assert "days is 0" in done.stdout
