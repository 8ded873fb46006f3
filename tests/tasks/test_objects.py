"""Objects from the command line: days, sections, verification, replay, suggestion; kills and outages."""

import gzip
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.proxy.control import Proxy, proxy
from tests.harness.stores import Store
from tests.harness.tables import TASK_FAILED, Tables
from tests.harness.workspace import until

MISSING_DATA = 20


@pytest.fixture(scope="module")
def keyspace(cql: Session) -> Iterator[str]:
    """Create a keyspace for this module's tables."""
    name = "t_objects"
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cql.execute(f"CREATE KEYSPACE IF NOT EXISTS {name} WITH replication = {replication}")
    yield name
    cql.execute(f"DROP KEYSPACE {name}")


@pytest.fixture
def tables(tmp_path: Path, endpoint: Endpoint, cql: Session, keyspace: str, store: Store) -> Tables:
    """Return a folder whose luigi.cfg names the store, with an empty table of events."""
    tables = Tables(tmp_path, endpoint, cql, keyspace)
    tables.configure(objects={"endpoint": store.config.endpoint, "region": store.config.region})
    tables.create("events", "id int PRIMARY KEY, name text, day date")
    return tables


def test_a_day_of_objects(tables: Tables, store: Store) -> None:
    """A section names a day's objects; they are waited for, loaded, verified, loaded again if replaced."""
    with (tables.folder / "luigi.cfg").open("a", encoding="utf-8") as file:
        file.write(
            f"\n[table events]\ninput = {store.uri('drop')}/{{year}}/{{month}}/{{day}}/*.csv.gz\n"
            "delimiter = ;\nconstants = day={date}\nflag_file = _SUCCESS\nmax_bad_rows = 1\n"
        )
    words = ("LoadTable", "--table", "events", "--date", "2026-11-01")
    waiting = tables.luigi(*words)
    assert waiting.returncode == MISSING_DATA, waiting.stdout
    assert "no row file at s3://rows/drop/2026/11/01/*.csv.gz; name a" in waiting.stdout
    store.put("drop/2026/11/01/a.csv.gz", gzip.compress(b"id;name\n1;a\nx;b\n2;c"))
    waiting = tables.luigi(*words)
    assert waiting.returncode == MISSING_DATA, waiting.stdout
    assert "no _SUCCESS in s3://rows/drop/2026/11/01: its files are not complete yet" in waiting.stdout
    store.put("drop/2026/11/01/_SUCCESS", "")
    loaded = tables.succeed(*words)
    assert "a.csv.gz: its last line has no line break; it was loaded as it is" in loaded
    assert {(row["id"], row["name"], str(row["day"])) for row in tables.rows("t.events")} == {
        (1, "a", "2026-11-01"),
        (2, "c", "2026-11-01"),
    }
    tables.succeed("VerifyTable", *words[1:])
    assert json.loads(tables.said("verified.json").read_text(encoding="utf-8"))["present"] == 2
    assert "1 complete ones were encountered" in tables.luigi(*words).stdout
    assert "s3://rows/drop/2026/11/01/a.csv.gz" in tables.said("bad_rows.csv").read_text(encoding="utf-8")
    rejected = tables.said("rejected.csv")
    assert rejected.read_text(encoding="utf-8") == "id;name\nx;b\n"
    rejected.write_text("id;name\n3;b\n", encoding="utf-8")
    tables.succeed("ReplayBadRows", *words[1:])
    assert {row["id"] for row in tables.rows("t.events")} == {1, 2, 3}
    store.put("drop/2026/11/01/a.csv.gz", gzip.compress(b"id;name\n4;d\n"))
    tables.succeed(*words)
    assert {row["id"] for row in tables.rows("t.events")} == {1, 2, 3, 4}


def test_a_table_for_a_strangers_object(tables: Tables, store: Store) -> None:
    """What SuggestTable says of an object loads it, and a dry run reads it to its end."""
    store.put("stranger/trips.csv", "number;from\n" + "".join(f"{at};x{at % 9}\n" for at in range(3000)))
    said = tables.succeed("SuggestTable", "--input", store.uri("stranger/trips.csv"))
    [suggested] = re.findall(r"luigi (--module tasks LoadTable .*)", said.replace("\n", " "))
    words = [word for word in suggested.split() if word]
    assert store.uri("stranger/trips.csv") in words
    options = dict(zip(words[3::2], words[4::2], strict=False))
    named = [word for pair in list(options.items()) if pair[0].startswith("--") for word in pair]
    command = ("LoadTable", *(word.strip("'\"") for word in named))
    tables.succeed(*command)
    assert len(tables.rows("t.trips")) == 3000
    assert "3000 rows would be loaded" in tables.succeed(*command, "--dry-run")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("s3://me:secret@rows/a.csv", "input: the s3:// path has a user or a key in it; take it out"),
        ("s3://rows/a.csv?secret_key=secret", "input: the s3:// path has options behind a question mark"),
        ("ftp://rows/a.csv", "input: cannot read objects of ftp://"),
        ("s3://rows/a.txt", "s3://rows/a.txt has none of the ends .csv"),
    ],
)
def test_an_input_that_is_wrong_is_refused(tables: Tables, store: Store, named: str, message: str) -> None:
    """The message says what to do, and nothing repeats a secret."""
    store.put("a.txt", "")
    done = tables.luigi("LoadTable", "--table", "events", "--input", named)
    assert done.returncode != 0
    assert message in done.stdout
    assert "secret" not in done.stdout.replace("secret_key", "")
    assert "Traceback" not in done.stdout


@pytest.fixture
def big(store: Store) -> str:
    """Make an object of 500,000 rows; return its URI."""
    rows = "".join(f"{at},{'x' * 60}{at},2026-11-01\n" for at in range(500_000))
    store.put("big.csv", f"id,name,day\n{rows}")
    return store.uri("big.csv")


@pytest.fixture
def network(tables: Tables, store: Store) -> Iterator[Proxy]:
    """Put a network between luigi and the store."""
    with proxy([("127.0.0.1", store.port)], round_trip_s=0.02) as network:
        tables.configure(objects={"endpoint": f"http://127.0.0.1:{network.port}"})
        yield network


def test_a_killed_load_goes_on(tables: Tables, store: Store, big: str) -> None:
    """After SIGKILL in the middle, the next run sends only the splits that are not settled."""
    words = ("LoadTable", "--table", "events", "--input", big)
    journals = tables.folder / "output" / "checkpoints"
    running = subprocess.Popen(
        tables.command(*words, "--rows-per-s", "60000"),
        cwd=tables.folder,
        env=tables.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: any('"split"' in file.read_text() for file in journals.glob("*.journal")))
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    said = tables.succeed(*words)
    resumed = re.search(r"goes on behind ([0-9]+) rows that a run before this one has loaded", said)
    assert resumed
    assert 0 < int(resumed[1]) < 500_000
    tables.succeed("VerifyTable", *words[1:], "--exact")
    del store


def test_a_load_survives_its_network(tables: Tables, big: str, network: Proxy) -> None:
    """Connections to the store that are reset, cut and refused again and again lose no row."""
    over = threading.Event()

    def disturb() -> None:
        while not over.wait(0.3):
            for fault in ("reset", "truncate", "refuse", "none"):
                network.set(fault=fault)
                over.wait(0.02)

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        tables.succeed("LoadTable", "--table", "events", "--input", big)
    finally:
        over.set()
        disturbing.join()
    network.set(fault="none")
    tables.succeed("VerifyTable", "--table", "events", "--input", big, "--exact")


def test_an_object_that_is_replaced_while_it_is_loaded(tables: Tables, store: Store, big: str) -> None:
    """The load fails, says why, and leaves no marker; the next run loads what is there then."""
    words = ("LoadTable", "--table", "events", "--input", big)
    journals = tables.folder / "output" / "checkpoints"
    with subprocess.Popen(
        tables.command(*words, "--rows-per-s", "60000"),
        cwd=tables.folder,
        env=tables.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        until(lambda: any('"split"' in file.read_text() for file in journals.glob("*.journal")))
        store.put("big.csv", "id,name,day\n1,new,2026-11-01\n")
        said, _ = running.communicate()
    assert running.returncode == TASK_FAILED, said
    assert "s3://rows/big.csv was replaced while it was being read: its ETag or its size is another" in said
    assert "Traceback" not in said
    tables.succeed(*words)
    [row] = tables.cql.execute(f"SELECT name FROM {tables.keyspace}.events WHERE id = 1")
    assert row["name"] == "new"
