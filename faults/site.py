"""The place of a scenario's loads: a folder with a luigi.cfg and row files, a keyspace, and its table."""

import configparser
import contextlib
import copy
import csv
import json
import os
import random
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast

from cassandra import ConsistencyLevel, DriverException, InvalidRequest, RequestExecutionException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import ConstantReconnectionPolicy, RoundRobinPolicy

from faults.outcome import ScenarioError, ScenarioOutcome, TableDifference
from faults.running import RunningLoad
from pipeline import embedded
from pipeline.embedded import ClusterSpec, Endpoint
from pipeline.errors import OutputError
from pipeline.load.eventlogs.file import FileLog
from pipeline.load.journal import read_journal

PROJECT = Path(__file__).resolve().parent.parent
Users = Mapping[str, tuple[str, str]]


class Site:
    """A folder and a keyspace for the loads of one scenario."""

    def __init__(
        self, folder: Path, endpoint: Endpoint, session: Session, settings: Mapping[str, Mapping[str, object]]
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.session = session
        self.keyspace = "f_" + re.sub(r"\W", "_", folder.name)
        self.endpoint = endpoint
        shutil.copyfile(PROJECT / "luigi.cfg", folder / "luigi.cfg")
        cassandra = {
            "contact_points": ",".join(endpoint.contact_points),
            "port": endpoint.port,
            "keyspace": self.keyspace,
            **settings.get("cassandra", {}),
        }
        self.configure(**{**settings, "cassandra": cassandra})
        self.kinds_of_retries: set[str] = set()
        self._runs = 0
        self.done("SetupKeyspace")

    def configure(self, **sections: Mapping[str, object]) -> None:
        """Change settings in luigi.cfg, by their sections."""
        config = configparser.ConfigParser(interpolation=None)
        config.read(self.folder / "luigi.cfg", encoding="utf-8")
        for section, values in sections.items():
            for name, value in values.items():
                config.set(section, name, str(value))
        with (self.folder / "luigi.cfg").open("w", encoding="utf-8") as file:
            config.write(file)

    def users(self, rows: int, *, name: str = "users.csv", seed: int = 1) -> Users:
        """Write a file of users; return them by key."""
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        keys = (str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(rows))
        users = {key: ("Ada", f"Lovelace {at}") for at, key in enumerate(keys)}
        with (self.folder / name).open("w", encoding="utf-8", newline="") as text:
            lines = csv.writer(text, lineterminator="\n")
            lines.writerow(("user_id", "first_name", "last_name"))
            lines.writerows((key, *names) for key, names in users.items())
        return users

    def load(self, *words: str, name: str = "users.csv") -> list[str]:
        """Return the arguments of the command that loads a file of users."""
        return ["LoadUsers", "--input", name, *words]

    def begin(self, *words: str, limit: str = "", log: str = "") -> RunningLoad:
        """Start a `luigi` command; `limit` holds arguments of ulimit, `log` is a file for its output."""
        command = [str(Path(sys.executable).with_name("luigi")), "--module", "tasks", *words]
        if limit:
            command = ["/bin/sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command]
        self._runs += 1
        return RunningLoad(
            command,
            self.folder,
            Path(log) if log else self.folder / f"run{self._runs}.log",
            {**os.environ, "PYTHONPATH": str(PROJECT)},
        )

    def done(self, *words: str) -> RunningLoad:
        """Run a `luigi` command to its end.

        Raises:
            ScenarioError: it fails or hangs.
        """
        run = self.begin(*words)
        if code := run.wait():
            raise ScenarioError(f"{' '.join(words)} exited with {code}:\n{run.output[-3000:]}")
        return run

    def again_until_done(self, *words: str, most: int = 3) -> int:
        """Run the same command again until it succeeds; return the number of runs.

        Raises:
            ScenarioError: it fails `most` times, or hangs.
        """
        for time_number in range(1, most + 1):
            run = self.begin(*words)
            if run.wait() == 0:
                return time_number
        raise ScenarioError(f"{' '.join(words)} failed {most} times:\n{run.output[-3000:]}")

    def report(self) -> Mapping[str, object]:
        """Return the load.json of the last load."""
        reports = sorted(
            self.folder.glob("output/loads/*/*/*/load.json"), key=lambda file: file.stat().st_mtime
        )
        report: Mapping[str, object] = json.loads(reports[-1].read_text(encoding="utf-8"))
        return report

    def resumed(self) -> int:
        """Return behind how many settled rows the last load went on; 0 where no load wrote a report."""
        reports = any(self.folder.glob("output/loads/*/*/*/load.json"))
        return int(str(self.report()["resumed"])) if reports else 0

    def retries(self) -> int:
        """Return how many requests the last load sent again, and add their kinds to `kinds_of_retries`."""
        retries = cast("dict[str, int]", self.report()["retries"])
        self.kinds_of_retries |= retries.keys()
        return sum(retries.values())

    def elsewhere(self, *names: str) -> "Site":
        """Return the place of another machine with the same files and settings, and nothing of our output."""
        other = copy.copy(self)
        other.folder = self.folder.with_name(f"{self.folder.name}_elsewhere{self._runs}")
        other.folder.mkdir()
        for name in ("luigi.cfg", *names):
            shutil.copyfile(self.folder / name, other.folder / name)
        return other

    def settled(self, journal: str) -> int:
        """Return how many rows are settled in the journals of this site: in files, or in the cluster."""
        if journal == "cluster":
            return self._settled_in_cluster()
        rows = 0
        for file in self.folder.glob("output/checkpoints/*.journal"):
            # The load can create or remove it at the same time.
            with contextlib.suppress(OutputError):
                rows += sum(record.rows for record in read_journal(FileLog(file)).splits.values())
        return rows

    def _settled_in_cluster(self) -> int:
        with contextlib.suppress(InvalidRequest):  # without the table
            found = self.session.execute(f"SELECT event, said FROM {self.keyspace}.load_journal")  # noqa: S608
            splits = [json.loads(row.said)["split"] for row in found if row.event.startswith("split ")]
            return sum(split["rows"] for split in splits)
        return 0

    def has_rows(self) -> bool:
        """Tell whether the users' table holds a row."""
        # The table may not exist yet, or only on some nodes and for some threads of a node.
        with contextlib.suppress(DriverException, RequestExecutionException, NoHostAvailable):
            return bool(self.session.execute(f"SELECT user_id FROM {self.keyspace}.user LIMIT 1").one())  # noqa: S608
        return False

    def begin_anew(self) -> None:
        """Drop the users' table and delete the journals, so that the next load sends every row."""
        self.cql("DROP TABLE IF EXISTS {}")
        self.session.execute(f"DROP TABLE IF EXISTS {self.keyspace}.load_journal", timeout=60)
        for file in self.folder.glob("output/checkpoints/*.journal"):
            file.unlink()

    def cql(self, statement: str) -> None:
        """Execute a statement on the users' table; {} in it is replaced by the table's name."""
        self.session.execute(statement.format(f"{self.keyspace}.user"), timeout=60)

    def compare(self, users: Users, table: str = "user") -> TableDifference:
        """Read the whole table, and return how it differs from the users of a file."""
        found = self.session.execute(f"SELECT user_id, first_name, last_name FROM {self.keyspace}.{table}")  # noqa: S608
        extra = equal = 0
        for row in found:
            key, names = str(row.user_id), (row.first_name, row.last_name)
            if users.get(key) == names:
                equal += 1
            elif key not in users:
                extra += 1
        return TableDifference(lost=len(users) - equal, extra=extra)


class Environment:
    """A running cluster, and the sites on it."""

    def __init__(self, spec: ClusterSpec, folder: Path) -> None:
        self.spec = spec
        began_s = time.monotonic()
        self.endpoint = embedded.start(spec)
        self._start_s = (time.monotonic() - began_s) / spec.nodes
        self._folder = folder
        profile = ExecutionProfile(
            load_balancing_policy=RoundRobinPolicy(),
            consistency_level=ConsistencyLevel.QUORUM,
            request_timeout=60,
        )
        self._cluster = Cluster(
            list(self.endpoint.contact_points),
            port=self.endpoint.port,
            protocol_version=4,
            connect_timeout=60,
            control_connection_timeout=60,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            reconnection_policy=ConstantReconnectionPolicy(1, None),
        )
        self.session = self._cluster.connect()

    @property
    def restart_s(self) -> float:
        """The longest time of a node's restart under load, in seconds: the nodes share the machine."""
        return (3 + self.spec.nodes) * self._start_s

    @property
    def replicated(self) -> Mapping[str, object]:
        """Settings that store a row on every node, and let a write wait for a majority of them."""
        return {"replication_factor": self.spec.nodes, "consistency_level": "QUORUM"}

    @contextlib.contextmanager
    def site(
        self, name: str, *, endpoint: Endpoint | None = None, **settings: Mapping[str, object]
    ) -> Iterator[Site]:
        """Yield a site with these settings in its luigi.cfg; its keyspace is dropped at the end."""
        site = Site(self._folder / name, endpoint or self.endpoint, self.session, settings)
        try:
            yield site
        finally:
            self.session.execute(f"DROP KEYSPACE IF EXISTS {site.keyspace}", timeout=60)

    def close(self) -> None:
        """Stop the cluster."""
        self._cluster.shutdown()
        embedded.stop(self.spec.folder)


def repeat(site: Site, users: Users, times: int, load: Callable[[int], int | None]) -> ScenarioOutcome:
    """Call `load` `times` times, each time with a new table; it may return how many requests were sent again.

    Returns the sums of these requests and of the rows by which the tables differ from `users`.
    """
    lost = extra = retries = 0
    for number in range(times):
        site.begin_anew()
        retries += load(number) or 0
        difference = site.compare(users)
        lost += difference.lost
        extra += difference.extra
    return ScenarioOutcome(times=times, lost=lost, extra=extra, retries=retries)
