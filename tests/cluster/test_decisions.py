"""The table of decisions is complete for the protocol and the server, and equals the document's table."""

import re
import zipfile

from cassandra.cluster import Session
from cassandra.protocol import error_classes

from pipeline.cluster.refusals import DECISIONS
from pipeline.embedded.jars import ensure_jars, locked_jars
from pipeline.embedded.releases import DEFAULT, find_release
from tests.harness.workspace import PROJECT

NO_GUARDRAILS = set(
    """
    audit_logging_options auth_cache_warming auto_hints_cleanup auto_repair.auto_repair_scheduling
    auto_repair.global_settings.materialized_view_repair auto_repair.mixed_major_version_repair
    autocompaction_on_startup back_pressure batch_size cdc cdc_on_repair client_request_size_metrics
    coordinator_read_size default_secondary_index denylist_range_reads denylist_reads denylist_writes
    diagnostic_events drop_compact_storage dynamic_data_masking file_cache hint_window_persistent
    hinted_handoff invalid_legacy_protocol_magic_no_spam local_read_size materialized_views
    materialized_views_on_repair native_transport_rate_limiting partition_denylist paxos_repair
    read_thresholds repaired_data_tracking_for_partition_reads repaired_data_tracking_for_range_reads
    replica_filtering_protection.cached_rows row_index_read_size sasi_indexes
    scripted_user_defined_functions server_encryption_options
    server_encryption_options.legacy_ssl_storage_port sstable_read_rate_persistence streaming_stats
    top_partitions transient_replication transparent_data_encryption_options use_statements
    user_defined_functions user_defined_functions_threads uuid_sstable_identifiers
    """.split()  # noqa: SIM905 - as a list it would be a line each
)
"""Settings that are named like those of guardrails, without the end of the name."""


def table_of_decisions() -> str:
    """Return the table that the document must contain."""
    lines = ["| code | the message has | kind | what helps |", "| --- | --- | --- | --- |"]
    for each in DECISIONS:
        says = f"`{each.says}`" if each.says else "anything else" if each.code == 0x2200 else ""
        lines.append(f"| 0x{each.code:04X} | {says} | {each.kind} | {each.advice} |")
    return "\n".join(lines)


def test_the_document_has_the_table_of_decisions() -> None:
    """docs/refusals.md states the program's decision for each refusal."""
    assert table_of_decisions() in (PROJECT / "docs" / "refusals.md").read_text(encoding="utf-8")


def test_each_error_of_the_protocol_is_decided() -> None:
    """Every error code that the driver knows has a decision, whatever the message."""
    assert set(error_classes) <= {each.code for each in DECISIONS if not each.says}


def test_each_guardrail_of_the_server_is_decided(cql: Session) -> None:
    """Every setting of the running server that enables a guardrail has a decision."""
    settings = {row["name"] for row in cql.execute("SELECT name FROM system_views.settings")}
    found = {name for name in settings if re.search("_(enabled|disallowed|fail_threshold)$", name)}
    found -= {f"{name}_{end}" for name in NO_GUARDRAILS for end in ("enabled", "fail_threshold")}
    decided = set(re.findall(r"\w+", " ".join(f"{each.says} {each.advice}" for each in DECISIONS)))
    assert found
    assert not found - decided


def test_each_guardrail_is_known_by_the_name_that_the_server_has() -> None:
    """A decision on a guardrail uses the name from the server's own class."""
    [jar] = (
        path
        for path in ensure_jars(locked_jars(find_release(DEFAULT).lock_file))
        if path.name.startswith("cassandra-all-")
    )
    with zipfile.ZipFile(jar) as classes:
        code = classes.read("org/apache/cassandra/db/guardrails/Guardrails.class")
    names = [each.says.split()[1] for each in DECISIONS if each.says.startswith("Guardrail ")]
    # A constant in a class file is one tag byte (text), two bytes of length, and the text.
    assert names
    assert not [name for name in names if b"\x01" + len(name).to_bytes(2) + name.encode() not in code]
