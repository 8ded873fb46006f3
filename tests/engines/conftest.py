"""A Dask with two workers for each module."""

from collections.abc import Iterator

import pytest

from tests.harness.daskcluster import DaskCluster, dask_cluster


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Return a scheduler with two workers."""
    with dask_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster
