"""The handlers of the jobs that look at a cluster, a table and an input."""

from pipeline.checks.findings import Finding, failure, looked_at, ok
from pipeline.checks.jobs import CheckCluster, CheckedCluster, CheckedTable, CheckTable
from pipeline.checks.network import look_at_network
from pipeline.checks.nodes import look_at_nodes
from pipeline.checks.replication import look_at_replication
from pipeline.checks.rows import InputLook
from pipeline.checks.tables import TableLook
from pipeline.cluster.session import open_session
from pipeline.errors import PipelineError
from pipeline.workers.jobs import Progress


def check_cluster(job: CheckCluster, _: Progress) -> CheckedCluster:
    """Look at the way to the cluster, and at its nodes if a session can be opened; nothing is written."""
    cluster = job.cluster
    found = list(looked_at("network", lambda: look_at_network(cluster)))
    is_open = False
    try:
        with open_session(cluster) as session:
            is_open = True
            user = f"as {cluster.user}" if cluster.user else "without a user"
            found.append(ok("login", f"{user} to {session.cluster.metadata.cluster_name}"))
            found += looked_at("nodes", lambda: look_at_nodes(session))
    except PipelineError as error:
        found.append(failure("login", str(error)))
    return CheckedCluster(findings=tuple(found), is_open=is_open)


def check_table(job: CheckTable, _: Progress) -> CheckedTable:
    """Look at a keyspace, at a table and at its input, as far as there are; nothing is written."""
    found: list[Finding] = []
    table = None
    if cluster := job.cluster:
        try:
            with open_session(cluster) as session:
                found += looked_at(
                    f"keyspace {job.keyspace.name}",
                    lambda: look_at_replication(session, job.keyspace, cluster),
                )
                look = TableLook(session, job, cluster)
                found += looked_at(f"table {job.keyspace.name}.{job.table}", look.findings)
                table = look.table
        except PipelineError as error:
            found.append(failure("login", str(error)))
    input_look = InputLook(job, table)
    found += looked_at(f"input {job.keyspace.name}.{job.table}", input_look.findings)
    return CheckedTable(findings=tuple(found), first_rows=input_look.first_rows)
