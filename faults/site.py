"""Where a scenario loads: a folder with a luigi.cfg of its own, row files, a keyspace, and its table."""

import configparser
import contextlib
import csv
import json
import os
import random
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import psutil
from cassandra import ConsistencyLevel, DriverException, RequestExecutionException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import ConstantReconnectionPolicy, RoundRobinPolicy

from faults.outcome import ScenarioError, TableDifference
from pipeline import embedded
from pipeline.embedded import ClusterSpec, Endpoint
from pipeline.errors import OutputError
from pipeline.load.journal import read_journal

PROJECT = Path(__file__).resolve().parent.parent
Users = Mapping[str, tuple[str, str]]


class RunningLoad:
    """A `luigi` command under way, in a process group of its own."""

    def __init__(self, command: Sequence[str], folder: Path, log: Path) -> None:
        with log.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._log = log

    @property
    def output(self) -> str:
        """What it has printed so far, its errors included."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.is_file() else ""

    @property
    def has_ended(self) -> bool:
        """Whether it has come to its end."""
        return self.process.poll() is not None

    def wait(self) -> int:
        """Return its exit code once it ends.

        Raises:
            ScenarioError: it hangs.
        """
        try:
            return self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ScenarioError(
                f"the load had not ended after {_PATIENCE_S:g} s:\n{self.output[-3000:]}"
            ) from error

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds.

        Raises:
            ScenarioError: the command ends before.
        """
        while not condition():
            if self.has_ended:
                raise ScenarioError(f"the load ended too early:\n{self.output[-3000:]}")
            time.sleep(_POLL_S)

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes below it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.process.pid).children(recursive=True)
            return [process for process in below if _is_worker(process)]
        return []

    def kill(self) -> None:
        """End it and all below it by SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()


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
        config = configparser.ConfigParser(interpolation=None)
        config.read(PROJECT / "luigi.cfg", encoding="utf-8")
        cassandra = {
            "contact_points": ",".join(endpoint.contact_points),
            "port": endpoint.port,
            "keyspace": self.keyspace,
            **settings.get("cassandra", {}),
        }
        for section, values in {**settings, "cassandra": cassandra}.items():
            for name, value in values.items():
                config.set(section, name, str(value))
        with (folder / "luigi.cfg").open("w", encoding="utf-8") as file:
            config.write(file)
        self.kinds_of_retries: set[str] = set()
        self._runs = 0
        self.done("SetupKeyspace")

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
        """Return the words of the command that loads a file of users."""
        return ["LoadUsers", "--input", name, *words]

    def begin(self, *words: str, limit: str = "", log: str = "") -> RunningLoad:
        """Begin a `luigi` command; `limit` is for the shell's ulimit, `log` is where it says what it does."""
        command = [str(Path(sys.executable).with_name("luigi")), "--module", "tasks", *words]
        if limit:
            command = ["/bin/sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command]
        self._runs += 1
        return RunningLoad(command, self.folder, Path(log) if log else self.folder / f"run{self._runs}.log")

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
        """Run the same command again until it succeeds; return how often it took.

        Raises:
            ScenarioError: it never does.
        """
        for time_number in range(1, most + 1):
            run = self.begin(*words)
            if run.wait() == 0:
                return time_number
        raise ScenarioError(f"{' '.join(words)} failed {most} times:\n{run.output[-3000:]}")

    def report(self) -> Mapping[str, object]:
        """Return what the last load said of itself."""
        reports = sorted(
            self.folder.glob("output/loads/*/*/*/load.json"), key=lambda file: file.stat().st_mtime
        )
        said: Mapping[str, object] = json.loads(reports[-1].read_text(encoding="utf-8"))
        return said

    def retries(self) -> int:
        """Return how many requests the last load sent again, and keep of what kinds."""
        retries = cast("dict[str, int]", self.report()["retries"])
        self.kinds_of_retries |= retries.keys()
        return sum(retries.values())

    def settled(self) -> int:
        """Return how many rows the journals of this site say are settled."""
        rows = 0
        for file in self.folder.glob("output/checkpoints/*.journal"):
            # It may go, or begin, while it is read.
            with contextlib.suppress(OutputError):
                rows += sum(record.rows for record in read_journal(file).splits.values())
        return rows

    def has_rows(self) -> bool:
        """Tell whether the users' table holds a row."""
        # It may not be there yet, or be there for some nodes and some threads of a node only.
        with contextlib.suppress(DriverException, RequestExecutionException, NoHostAvailable):
            return bool(self.session.execute(f"SELECT user_id FROM {self.keyspace}.user LIMIT 1").one())  # noqa: S608
        return False

    def begin_anew(self) -> None:
        """Drop the users' table and forget its journals: the next load makes it anew, nothing is settled."""
        self.cql("DROP TABLE IF EXISTS {}")
        for file in self.folder.glob("output/checkpoints/*.journal"):
            file.unlink()

    def cql(self, statement: str) -> None:
        """Carry out a statement on the users' table, whose name stands where it has {}."""
        self.session.execute(statement.format(f"{self.keyspace}.user"), timeout=60)

    def compare(self, users: Users, table: str = "user") -> TableDifference:
        """Read the whole table, and return which rows of the file it lacks and which it has beside them."""
        found = self.session.execute(f"SELECT user_id, first_name, last_name FROM {self.keyspace}.{table}")  # noqa: S608
        extra, whole = 0, 0
        for row in found:
            key, names = str(row.user_id), (row.first_name, row.last_name)
            if users.get(key) == names:
                whole += 1
            elif key not in users:
                extra += 1
        return TableDifference(lost=len(users) - whole, extra=extra)


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
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            reconnection_policy=ConstantReconnectionPolicy(1, None),
        )
        self.session = self._cluster.connect()

    @property
    def restart_s(self) -> float:
        """How many seconds a node's restart takes under load at most: nodes share the machine."""
        return (3 + self.spec.nodes) * self._start_s

    @property
    def replicated(self) -> Mapping[str, object]:
        """The settings by which a row is on every node, and a write waits for most of them."""
        return {"replication_factor": self.spec.nodes, "consistency_level": "QUORUM"}

    @contextlib.contextmanager
    def site(
        self, name: str, *, endpoint: Endpoint | None = None, **settings: Mapping[str, object]
    ) -> Iterator[Site]:
        """Yield a site with these settings in its luigi.cfg; its keyspace is dropped in the end."""
        site = Site(self._folder / name, endpoint or self.endpoint, self.session, settings)
        try:
            yield site
        finally:
            self.session.execute(f"DROP KEYSPACE IF EXISTS {site.keyspace}", timeout=60)

    def close(self) -> None:
        """End the cluster."""
        self._cluster.shutdown()
        embedded.stop(self.spec.folder)


def _is_worker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return "pipeline.worker" in process.cmdline()
    return False


_PATIENCE_S = 400.0
_POLL_S = 0.05
