"""Jobs for the tests of engines that need no server."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from pipeline.cluster.jobs import DescribeTable
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.jobs import DescribeFiles, FileToRead
from pipeline.settings import ClusterConfig, KeyspaceConfig


def describe(*files: Path) -> DescribeFiles:
    """Return the job that describes files."""
    return DescribeFiles(files=tuple(FileToRead(path=str(file), dialect=Dialect()) for file in files))


@contextlib.contextmanager
def silent_job() -> Iterator[DescribeTable]:
    """Yield a job that does not end: its server takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        cluster = ClusterConfig(
            contact_points=("127.0.0.1",), port=server.getsockname()[1], connect_timeout_s=600
        )
        yield DescribeTable(cluster=cluster, keyspace=KeyspaceConfig(name="k"), table="t")
