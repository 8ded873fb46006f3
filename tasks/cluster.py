"""The cluster of the tasks: the embedded one is started on demand; and the recommended pool size."""

import luigi

from pipeline import embedded
from pipeline.cluster.jobs import MeasureRoundTrip
from pipeline.errors import EmbeddedError
from pipeline.measure.experiment.recommendation import pool_size_at, read_recommendations
from pipeline.settings import ClusterConfig, LoadConfig
from pipeline.workers.client import run_job
from tasks.settings import cluster_config, embedded_spec, output_folder
from tasks.terminal import say


def running_cluster() -> ClusterConfig:
    """Return the cluster; start the embedded one if it does not run.

    Raises:
        SettingError: a setting is wrong.
        EmbeddedError: the embedded cluster does not start.
    """
    if spec := embedded_spec():
        embedded.start(spec)
    cluster = cluster_config()
    if cluster is None:
        raise EmbeddedError("the embedded Cassandra has ended; run the command again, or: make start")
    return cluster


def pool_size_of(task: luigi.Task, cluster: ClusterConfig, method: str) -> int:
    """Return how many requests a task may have in flight; for `auto`, the recommended number.

    The method `batch` adapts by itself: for it the number is an upper limit, and `auto` is the default.

    Raises:
        SettingError: there is no recommendation for the method, or its file is damaged.
        ClusterError: the cluster's latency cannot be measured.
    """
    if task.pool_size:
        return int(task.pool_size)
    if method == "batch":
        return LoadConfig().pool_size
    file = output_folder() / POOL_SIZE_FILE
    recommendations = read_recommendations(file)
    round_trip_s = run_job(MeasureRoundTrip(cluster=cluster)).round_trip_s
    size = pool_size_at(recommendations, method, round_trip_s)
    say(task, f"pool size {size} by {file}: a round trip to the cluster takes {1000 * round_trip_s:.1f} ms")
    return size


POOL_SIZE_FILE = "pool_size.toml"
"""The result of RecommendPoolSize, in the output folder."""
