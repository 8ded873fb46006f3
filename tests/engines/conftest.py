"""A Dask with two workers for each module."""

from collections.abc import Iterator

import pytest

from pipeline.cluster.jobs import DescribeTable
from tests.harness.daskcluster import DaskCluster, dask_cluster
from tests.harness.enginejobs import silent_job


@pytest.fixture(scope="module")
def running_dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Run a scheduler with two workers."""
    with dask_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster


@pytest.fixture
def dask(running_dask: DaskCluster) -> DaskCluster:
    """Return a scheduler with two workers, which have no child process of an earlier test."""
    for child in running_dask.children():
        child.kill()
    return running_dask


@pytest.fixture
def silent() -> Iterator[DescribeTable]:
    """Return a job that does not end."""
    with silent_job() as job:
        yield job
