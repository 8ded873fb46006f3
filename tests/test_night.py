"""A night acted out on a node of its own: files that come late or never, a bad row, a node that restarts."""

import csv
import datetime as dt
import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.running import RunningLoad
from faults.site import Environment, Site
from pipeline import embedded
from pipeline.embedded import ClusterSpec
from tests.harness.listeners import listening, receiving_mail

pytestmark = pytest.mark.server

FIRST, SECOND, THIRD = (dt.date.today() - dt.timedelta(days=days) for days in (3, 2, 1))  # noqa: DTZ011 - as tasks mean it
VALUE = "not-a-uuid-4711"
ROWS_PER_S = 2_000


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Start a node of the module's own, which the night restarts."""
    folder = tmp_path_factory.mktemp("night")
    environment = Environment(ClusterSpec(folder=folder / "cassandra", heap="512M"), folder / "sites")
    yield environment
    environment.close()


def write(site: Site, date: dt.date, rows: int, *more: str) -> None:
    """Write the file of a day: so many good rows, and those that are given."""
    rng = random.Random(date.toordinal())  # noqa: S311 - repeatable, not secret
    keys = (uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(rows))
    lines = ["user_id,first_name,last_name", *(f"{key},Ada,Lovelace" for key in keys), *more, ""]
    (site.folder / f"{date}.csv").write_text("\n".join(lines), encoding="utf-8")


def begin(site: Site, date: dt.date) -> RunningLoad:
    """Start the nightly command for a day."""
    words = ("VerifyUsers", "--input", "{date}.csv", "--date", f"{date}", "--rows-per-s", f"{ROWS_PER_S}")
    return site.begin(*words)


def act(environment: Environment, site: Site) -> list[int]:
    """Let three nights pass; return the exit codes of their commands."""
    late = begin(site, FIRST).wait()
    restart_s = environment.restart_s
    write(site, FIRST, round(ROWS_PER_S * restart_s))
    run = begin(site, FIRST)
    run.until(site.has_rows)
    embedded.stop_node(environment.spec.folder, 1)
    embedded.start(environment.spec)
    assert not run.has_ended
    there = run.wait()
    assert site.retries() > 0
    write(site, SECOND, 10, f"{VALUE},Ada,Lovelace")
    bad = begin(site, SECOND).wait()
    write(site, SECOND, 11)
    corrected = begin(site, SECOND).wait()
    return [late, there, bad, corrected, begin(site, THIRD).wait()]


def tell(site: Site, address: str, mail_port: int) -> None:
    """Schedule the table, and have its nights told to a webhook and by e-mail."""
    (site.folder / "hook").write_text(f"http://{address}/T0SECRET\n", encoding="utf-8")
    config = site.folder / "luigi.cfg"
    site.configure(webhook={"file": "hook"})
    text = config.read_text(encoding="utf-8")
    text += f"\n[table {site.keyspace}.user]\ninput = {{date}}.csv\n"
    text += "\n[email]\nreceiver = data@example.com\nsender = load@example.com\nmethod = smtp\n"
    text += f"\n[smtp]\nhost = 127.0.0.1\nport = {mail_port}\n"
    config.write_text(text, encoding="utf-8")


def metrics(site: Site) -> dict[str, float]:
    """Return the metrics of the users' table without their labels; sums where there are several."""
    [file] = (site.folder / "output" / "metrics").glob("*.prom")
    found: dict[str, float] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name = line.partition("{")[0].removeprefix("cassandra_load_")
            found[name] = found.get(name, 0) + float(line.rpartition(" ")[2])
    return found


def table_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_night_is_told_alike_everywhere(environment: Environment) -> None:
    """Exit codes, ledger, CSV, metrics, history, webhook and e-mail tell the same story, which is true.

    A load waits for its only node to restart, succeeds without a new run, and loses nothing.
    """
    with listening() as (address, got), receiving_mail() as (port, mails), environment.site("night") as site:
        tell(site, address, port)
        assert act(environment, site) == [20, 0, 30, 0, 20]
        loaded = len(table_of(site.folder / f"{FIRST}.csv")) + 11
        assert len(list(site.session.execute(f"SELECT user_id FROM {site.keyspace}.user"))) == loaded
        site.done("LoadHistory", "--days", "5")
        ledger = sorted(
            site.session.execute(f"SELECT * FROM {site.keyspace}.load_ledger"), key=lambda row: row.run_id
        )

    output = site.folder / "output"
    first, second, third = map(str, (FIRST, SECOND, THIRD))
    story = [
        (first, "missing"),
        (first, "loaded"),
        (first, "verified"),
        (second, "failed"),
        (second, "loaded"),
        (second, "verified"),
        (third, "missing"),
    ]
    lines = table_of(output / "loads.csv")
    assert [(line["date"], line["outcome"]) for line in lines] == story
    assert [(str(row.date), row.outcome) for row in ledger] == story
    retried = [sum(json.loads(line["retries"] or "{}").values()) for line in lines]
    assert retried[1] > 0
    assert not any(retried[:1] + retried[2:])
    assert {line["rows_acknowledged"] for line in lines if line["outcome"] == "loaded"} == {
        f"{loaded - 11}",
        "11",
    }

    nights = {night["date"]: night for night in table_of(output / "history.csv")}
    assert {date: night["state"] for date, night in nights.items()} == {
        first: "verified",
        second: "verified",
        third: "missing",
    }
    assert [nights[date]["failures"] for date in (first, second)] == ["0", "1"]
    page = (output / "history.html").read_text(encoding="utf-8")
    assert all(date in page for date in (first, second, third))

    posted = [json.loads(sent.text) for sent in got]
    assert [(each["date"], each["outcome"]) for each in posted] == [story[at] for at in (0, 1, 3, 4, 6)]
    assert len(mails) == 1
    mail = "".join(part.get_content() for part in mails[0].walk() if part.get_content_type() == "text/plain")
    assert f"{second}.csv:12: column user_id" in mail
    told = metrics(site)
    assert (told["run_success"], told["verification_run_success"]) == (0, 1)
    assert told["success_timestamp_seconds"] < told["run_timestamp_seconds"]
    everything = [sent.text for sent in got] + [mail, page, f"{lines}", f"{ledger}"]
    assert not any(VALUE in each or "T0SECRET" in each for each in everything)
