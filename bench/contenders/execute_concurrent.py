"""The driver's function for many statements, `execute_concurrent_with_args`: a prepared INSERT per row."""

from importlib.metadata import version
from itertools import islice

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy

from bench.contest import Stopwatch, arguments, task_of
from bench.tables import FROM_TEXT

_CONCURRENCY = 100
# The call keeps all results in memory until it returns.
_ROWS_A_CALL = 20_000


def main() -> None:
    """Load the file that the command line names and print the outcome."""
    task = task_of(arguments(__doc__ or "").parse_args())
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy()),
        consistency_level=ConsistencyLevel.name_to_value[task.consistency],
        request_timeout=60,
    )
    cluster = Cluster(
        [task.host], port=task.port, protocol_version=4, execution_profiles={EXEC_PROFILE_DEFAULT: profile}
    )
    session = cluster.connect()
    prepared = session.prepare(task.insert)
    from_text = [FROM_TEXT[cql_type] for cql_type in task.table.columns.values()]
    rows = 0
    with Stopwatch() as watch:
        values = (
            [convert(text) for convert, text in zip(from_text, row, strict=True)] for row in task.read()
        )
        while some := list(islice(values, _ROWS_A_CALL)):
            execute_concurrent_with_args(session, prepared, some, concurrency=_CONCURRENCY)
            rows += len(some)
    watch.outcome("execute_concurrent", version=version("cassandra-driver"), rows=rows).print()
    cluster.shutdown()


if __name__ == "__main__":
    main()
