"""Sessions of the tests: they share nothing with the project's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import RoundRobinPolicy
from cassandra.query import dict_factory

from pipeline.embedded import Endpoint


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[Session]:
    """Connect to a server without logins; rows are dicts. Close when the block ends."""
    cluster = Cluster(
        list(endpoint.contact_points),
        port=endpoint.port,
        protocol_version=4,
        connect_timeout=60,
        control_connection_timeout=60,
        execution_profiles={
            EXEC_PROFILE_DEFAULT: ExecutionProfile(
                load_balancing_policy=RoundRobinPolicy(), row_factory=dict_factory, request_timeout=30
            )
        },
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()
