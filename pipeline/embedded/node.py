"""One Cassandra process of an embedded cluster: its settings on disk, its start, its readiness, its end.

All files of a node are in its folder: data, commit log, logs, settings, temporary files, and the record of
its process.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.embedded import detached
from pipeline.embedded.machine import accepts, answers_cql
from pipeline.embedded.releases import Release
from pipeline.files import write_text

MAIN_CLASS = "org.apache.cassandra.service.CassandraDaemon"

JAVA_OPTIONS: Sequence[str] = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=300",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+PerfDisableSharedMem",
)

# The packages that Cassandra accesses on Java 17, as in the options file of its own distribution.
_OPENS = {
    "java.base": (
        "java.io java.lang java.lang.module java.lang.reflect java.net java.nio "
        "java.util java.util.concurrent java.util.concurrent.atomic jdk.internal.loader "
        "jdk.internal.math jdk.internal.module jdk.internal.ref jdk.internal.reflect "
        "jdk.internal.util.jar sun.nio.ch"
    ),
    "jdk.management": "com.sun.management.internal",
    "jdk.management.jfr": "jdk.management.jfr",
}
_EXPORTS = {
    "java.base": "java.lang.ref jdk.internal.misc jdk.internal.ref jdk.internal.util sun.nio.ch",
    "java.management.rmi": "com.sun.jmx.remote.internal.rmi",
    "java.rmi": "sun.rmi.registry sun.rmi.server sun.rmi.transport.tcp",
    "java.sql": "java.sql",
    "jdk.unsupported": "sun.misc",
}
# Only at this level, StorageService logs that another node joins.
_LOGBACK = """\
<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>system.log</file>
    <append>false</append>
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <logger name="org.apache.cassandra.service.StorageService" level="DEBUG"/>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
"""
# The most informative reason for a failed start comes first.
_REASONS = (
    "insufficient memory",
    "Could not reserve",
    "is in use by another process",
    "No space left",
    "encountered during startup: ",
    "Exception: ",
    "ERROR",
    "Error",
    "not found",
)
# The JVM would read options or classes from these variables.
_JVM_VARIABLES = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What every node of a cluster is started with: Java, Cassandra's jars, the heap as for `-Xmx`."""

    java: Path
    jars: Sequence[Path]
    heap: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: its folder, and where it listens, on loopback only."""

    folder: Path
    address: str
    native_port: int
    storage_port: int
    encrypted: bool
    release: Release

    @property
    def system_log(self) -> Path:
        """Cassandra's log of the current or last run."""
        return self.folder / "system.log"

    @property
    def pid(self) -> int | None:
        """The id of the node's process, None if it does not run."""
        return detached.find(self.folder / "process")

    def launch(self, runtime: Runtime, settings: Mapping[str, object]) -> None:
        """Start the process with `settings`, its addresses and ports as its cassandra.yaml; do not wait.

        Raises:
            EmbeddedError: the process cannot be started.
            OutputError: its folder cannot be written.
        """
        for log in (self.system_log, self.folder / "console.log"):
            log.unlink(missing_ok=True)
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        where = {
            "listen_address": self.address,
            "rpc_address": self.address,
            "native_transport_port": self.native_port,
            "storage_port": self.storage_port,
        }
        # JSON is valid YAML.
        write_text(self.folder / "cassandra.yaml", json.dumps({**settings, **where}, indent=2))
        write_text(self.folder / "logback.xml", _LOGBACK)
        # In a file, so that a list of processes shows the folder of this node instead of a hundred jars.
        write_text(self.folder / "java.args", "\n".join(map(_quoted, self._java_arguments(runtime))) + "\n")
        environment = {name: value for name, value in os.environ.items() if name not in _JVM_VARIABLES}
        detached.launch(
            [str(runtime.java), f"@{self.folder / 'java.args'}"],
            record=self.folder / "process",
            # Without it, Java cannot open a folder whose name is not ASCII.
            environment={**environment, "LC_ALL": "C.UTF-8"},
        )

    def has_started(self) -> bool:
        """Tell whether the current or last run completed its startup."""
        return self._logged("Startup complete")

    def is_ready(self) -> bool:
        """Tell whether the process serves requests: its startup is complete, and it answers on its port."""
        probe = accepts if self.encrypted else answers_cql
        return self.pid is not None and self.has_started() and probe(self.address, self.native_port)

    def knows(self, address: str) -> bool:
        """Tell whether this node has seen the node at `address` join the ring."""
        return self._logged(self.release.joined.format(address=address, port=self.storage_port))

    def ask_to_end(self) -> None:
        """Ask the process to flush and end, if it runs.

        Raises:
            EmbeddedError: it belongs to another user.
        """
        detached.terminate(self.folder / "process")

    def end(self, *, grace_s: float) -> None:
        """Wait for the process to end; kill it after `grace_s` seconds.

        Raises:
            EmbeddedError: it belongs to another user.
        """
        detached.reap(self.folder / "process", grace_s=grace_s)

    def lost_a_port(self) -> bool:
        """Return whether the last run failed because another process listened on one of its ports."""
        return any(
            "Failed to bind" in line or "is in use by another process" in line for line in self._lines()
        )

    def last_words(self, count: int = 20) -> str:
        """Return why the last run failed, if its logs show it, the path of the log, and the last lines."""
        lines = self._lines()
        telling = (line for reason in _REASONS for line in lines if reason in line)
        reason = next(telling, "its logs give no reason")
        return "\n  ".join([reason.strip(), f"the last lines of {self.system_log}:", *lines[-count:]])

    def _logged(self, text: str) -> bool:
        try:
            with self.system_log.open(encoding="utf-8", errors="replace") as lines:
                return any(text in line for line in lines)
        except FileNotFoundError:
            return False

    def _lines(self) -> list[str]:
        lines = []
        for log in (self.folder / "console.log", self.system_log):
            if log.exists():
                lines += log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines

    def _java_arguments(self, runtime: Runtime) -> list[str]:
        jamm = next(str(jar) for jar in runtime.jars if jar.name.startswith("jamm-"))
        temporary = self.folder / "tmp"
        return [
            f"-Xms{runtime.heap}",
            f"-Xmx{runtime.heap}",
            *JAVA_OPTIONS,
            f"-javaagent:{jamm}",
            *(f"--add-opens={module}/{package}=ALL-UNNAMED" for module, package in _pairs(_OPENS)),
            *(f"--add-exports={module}/{package}=ALL-UNNAMED" for module, package in _pairs(_EXPORTS)),
            "-Djdk.attach.allowAttachSelf=true",
            "-Dio.netty.tryReflectionSetAccessible=true",
            f"-Djava.io.tmpdir={temporary}",
            f"-Djna.tmpdir={temporary}",
            f"-Dlogback.configurationFile={(self.folder / 'logback.xml').as_uri()}",
            f"-Dcassandra.config={(self.folder / 'cassandra.yaml').as_uri()}",
            f"-Dcassandra.storagedir={self.folder}",
            f"-Dcassandra.logdir={self.folder}",
            "-Dcassandra-foreground=yes",
            # Each start measures how many bytes a row of a memtable takes: of 1,000 rows, not of 100,000.
            "-Dcassandra.memtable_row_overhead_computation_step=1000",
            # The nodes are on one machine and see each other at once, so they need not wait.
            "-Dcassandra.skip_wait_for_gossip_to_settle=0",
            "-Dcassandra.ring_delay_ms=1000",
            # This is also the delay between attempts: with 0, they fill the log until all nodes are up.
            "-Dcassandra.superuser_setup_delay_ms=500",
            "-Dcassandra.shutdown_announce_in_ms=200",
            "-classpath",
            ":".join(map(str, runtime.jars)),
            MAIN_CLASS,
        ]


def _pairs(packages: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(module, package) for module, names in packages.items() for package in names.split()]


def _quoted(argument: str) -> str:
    """Return `argument` as one line of a Java argument file."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
