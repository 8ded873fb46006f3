"""What each refusal of the server means: the one table of decisions, which docs/refusals.md shows.

A server's error is identified by its code in the native protocol and, if one code has several meanings, by a
part of its message. The first decision that matches applies.
"""

import enum
from dataclasses import dataclass

from cassandra import (
    AlreadyExists,
    CDCWriteFailure,
    ConfigurationException,
    FunctionFailure,
    InvalidRequest,
    ReadFailure,
    ReadTimeout,
    Unauthorized,
    Unavailable,
    WriteFailure,
    WriteTimeout,
)
from cassandra.protocol import ErrorMessage, ErrorMessageSub


class RefusalKind(enum.StrEnum):
    """The cause of a refusal, which decides what a load does."""

    TRANSIENT = "transient"
    """A temporary condition: the request is retried for `retry_budget_s`, then the load stops."""
    SETTING = "setting"
    """A setting of ours, of the role or of the server: the load stops at once."""
    TABLE = "table"
    """The keyspace's or the table's definition: the load stops at once."""
    ROW = "row"
    """The request's rows: they are sent one by one, and a row that is refused alone is a bad row."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What an error means. `code` and `says`, a part of its message, identify it; `advice` is what helps."""

    code: int
    says: str
    kind: RefusalKind
    advice: str


def decision_of(error: BaseException) -> Decision | None:
    """Return the decision on a server's error, None if the error is not from a server."""
    code = _code(error)
    if code is None:
        return None
    message = str(error)
    return next((each for each in DECISIONS if each.code == code and each.says in message), None)


def _code(error: BaseException) -> int | None:
    if isinstance(error, ErrorMessageSub):
        known: int | None = type(error).error_code
        return known
    if isinstance(error, ErrorMessage):
        return int(error.code)
    return next((code for kind, code in _CODES if isinstance(error, kind)), None)


_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (Unavailable, 0x1000),
    (WriteTimeout, 0x1100),
    (ReadTimeout, 0x1200),
    (ReadFailure, 0x1300),
    (FunctionFailure, 0x1400),
    (WriteFailure, 0x1500),
    (CDCWriteFailure, 0x1600),
    (Unauthorized, 0x2100),
    (InvalidRequest, 0x2200),
    (AlreadyExists, 0x2400),
    (ConfigurationException, 0x2300),
)
"""The codes of the errors for which the driver has its own exceptions, a subclass before its base class."""

_CDC_ADVICE = (
    "consume and delete what lies in the server's cdc_raw, raise cdc_total_space, or turn off cdc of the "
    "table; then run the load again, it goes on where it stopped"
)
_DISK_ADVICE = "give the nodes more disk, or raise data_disk_usage_percentage_fail_threshold of the server"
_DDL_ADVICE = "have an administrator create it (manage_schema = false), or raise that limit of the server"
_OLD_TTL_ADVICE = "lower ttl_s, or default_time_to_live of the table where ttl_s is not set"


def _decision(code: int, kind: RefusalKind, advice: str, says: str = "") -> Decision:
    return Decision(code=code, says=says, kind=kind, advice=advice)


def _guardrails() -> tuple[Decision, ...]:
    """Return the decisions on guardrails, each identified by its name in the server's message."""
    return tuple(
        _decision(0x2200, kind, advice, f"Guardrail {name} violated")
        for kind, of_kind in _GUARDRAILS.items()
        for name, advice in of_kind.items()
    )


_GUARDRAILS: dict[RefusalKind, dict[str, str]] = {
    RefusalKind.ROW: {
        "column_value_size": "column_value_size_fail_threshold of the server: a shorter value",
        "collection_size": "collection_size_fail_threshold of the server: a smaller collection",
        "items_per_collection": "items_per_collection_fail_threshold of the server: fewer items",
        "sai_string_term_size": "sai_string_term_size_fail_threshold of the server: a shorter text",
        "sai_frozen_term_size": "sai_frozen_term_size_fail_threshold of the server: a smaller value",
        "partition_keys_in_select": (
            "partition_keys_in_select_fail_threshold of the server: the verification asks one by one"
        ),
        "in_select_cartesian_product": (
            "in_select_cartesian_product_fail_threshold of the server: the verification asks one by one"
        ),
    },
    RefusalKind.TRANSIENT: {
        "local_data_disk_usage": _DISK_ADVICE,
        "replica_disk_usage": _DISK_ADVICE,
    },
    RefusalKind.SETTING: {
        "write_consistency_levels": (
            "change consistency_level, or write_consistency_levels_disallowed of the server"
        ),
        "read_consistency_levels": (
            "change consistency_level, or read_consistency_levels_disallowed of the server"
        ),
        "maximum_timestamp": "lower timestamp_us, or raise maximum_timestamp_fail_threshold of the server",
        "minimum_timestamp": "raise timestamp_us, or raise minimum_timestamp_fail_threshold of the server",
        "user_timestamps": (
            "use method batch or prepared, or set user_timestamps_enabled of the server to true"
        ),
        "zero_ttl_on_twcs": f"zero_ttl_on_twcs_enabled: {_DDL_ADVICE}",
        "page_size": "raise page_size_fail_threshold of the server: a scan has tried pages of one row",
        "partition_size": "does not occur: the server only logs partition_size_fail_threshold",
        "partition_tombstones": "does not occur: the server only logs partition_tombstones_fail_threshold",
        "allow_filtering": "set allow_filtering_enabled of the server to true",
        "group_by": "set group_by_enabled of the server to true",
        "intersect_filtering_query": "set intersect_filtering_query_enabled of the server to true",
        "non_partition_restricted_index_query_enabled": "set it to true in the server",
        "sai_vector_term_size": (
            "raise sai_vector_term_size_fail_threshold of the server, or drop the index: all vectors of a "
            "column have one size"
        ),
        "sai_sstable_indexes_per_query": "raise sai_sstable_indexes_per_query_fail_threshold of the server",
        "read_before_write_list_operations": (
            "set read_before_write_list_operations_enabled of the server to true"
        ),
        "keyspaces": f"keyspaces_fail_threshold: {_DDL_ADVICE}",
        "tables": f"tables_fail_threshold: {_DDL_ADVICE}",
        "columns_per_table": f"columns_per_table_fail_threshold: {_DDL_ADVICE}",
        "fields_per_udt": f"fields_per_udt_fail_threshold: {_DDL_ADVICE}",
        "secondary_indexes": f"secondary_indexes_enabled: {_DDL_ADVICE}",
        "secondary_indexes_per_table": f"secondary_indexes_per_table_fail_threshold: {_DDL_ADVICE}",
        "materialized_views_per_table": f"materialized_views_per_table_fail_threshold: {_DDL_ADVICE}",
        "table_properties": f"table_properties_disallowed: {_DDL_ADVICE}",
        "alter_table": f"alter_table_enabled: {_DDL_ADVICE}",
        "drop_truncate_table_enabled": (
            "leave --drop out, measure on another cluster, or set it to true in the server"
        ),
        "drop_keyspace_enabled": "set it to true in the server",
        "uncompressed_tables_enabled": f"uncompressed_tables_enabled: {_DDL_ADVICE}",
        "compact_tables": f"compact_tables_enabled: {_DDL_ADVICE}",
        "vector_type_enabled": f"vector_type_enabled: {_DDL_ADVICE}",
        "vector_dimensions": f"vector_dimensions_fail_threshold: {_DDL_ADVICE}",
        "simplestrategy": "name a datacentre, or set simplestrategy_enabled of the server to true",
        "minimum_replication_factor": (
            "raise replication_factor, or lower minimum_replication_factor_fail_threshold of the server"
        ),
        "maximum_replication_factor": (
            "lower replication_factor, or raise maximum_replication_factor_fail_threshold of the server"
        ),
    },
}

_INVALID: tuple[Decision, ...] = (
    _decision(0x2200, RefusalKind.TRANSIENT, _CDC_ADVICE, "Rejecting mutation to keyspace"),
    _decision(0x2200, RefusalKind.SETTING, "lower ttl_s", "ttl is too large"),
    _decision(0x2200, RefusalKind.SETTING, "ttl_s must be at least 0", "A TTL must be greater or equal to 0"),
    _decision(0x2200, RefusalKind.SETTING, _OLD_TTL_ADVICE, "exceeds maximum supported expiration date"),
    _decision(0x2200, RefusalKind.SETTING, "change timestamp_us", "Out of bound timestamp"),
    _decision(0x2200, RefusalKind.SETTING, "change consistency_level", "is unsupported with Accord"),
    _decision(
        0x2200, RefusalKind.SETTING, "change consistency_level", "conditional updates for serializable writes"
    ),
    _decision(0x2200, RefusalKind.SETTING, "change consistency_level", "is only supported for writes"),
    _decision(
        0x2200, RefusalKind.SETTING, "change consistency_level", "not compatible with replication strategy"
    ),
    _decision(0x2200, RefusalKind.SETTING, "change consistency_level", "NODE_LOCAL consistency level"),
    _decision(
        0x2200, RefusalKind.SETTING, "use the load's own timestamps", "Cannot provide custom timestamp"
    ),
    _decision(0x2200, RefusalKind.SETTING, "set ttl_s to 0", "Cannot provide custom TTL"),
    _decision(
        0x2200, RefusalKind.TABLE, "load the view's base table", "Cannot directly modify a materialized view"
    ),
    _decision(0x2200, RefusalKind.TABLE, "create it, then run the load again", "unconfigured table"),
    _decision(0x2200, RefusalKind.TABLE, "run the load again", "Undefined column name"),
    _decision(
        0x2200, RefusalKind.ROW, "a row that the server refuses is bad; of a batch each row is tried alone"
    ),
)

DECISIONS: tuple[Decision, ...] = (
    _decision(0x0000, RefusalKind.TRANSIENT, "see the server's log"),
    _decision(0x000A, RefusalKind.SETTING, "check port, and that the server speaks native protocol v4"),
    _decision(0x0100, RefusalKind.SETTING, "check user and CASSANDRA_PASSWORD"),
    _decision(0x1000, RefusalKind.TRANSIENT, "start nodes, or lower replication_factor or consistency_level"),
    _decision(0x1001, RefusalKind.TRANSIENT, "lower pool_size or rows_per_s"),
    _decision(0x1002, RefusalKind.TRANSIENT, "wait until the node has joined"),
    _decision(0x1003, RefusalKind.TRANSIENT, "try again"),
    _decision(0x1100, RefusalKind.TRANSIENT, "lower pool_size or rows_per_s"),
    _decision(0x1200, RefusalKind.TRANSIENT, "lower pool_size"),
    _decision(0x1300, RefusalKind.TRANSIENT, "see the replicas' logs"),
    _decision(0x1400, RefusalKind.TABLE, "see the function that the server names"),
    _decision(
        0x1500,
        RefusalKind.TRANSIENT,
        f"see the replicas' logs; where the table has cdc on, its space may be full: {_CDC_ADVICE}",
    ),
    _decision(0x1600, RefusalKind.TRANSIENT, _CDC_ADVICE),
    _decision(0x1700, RefusalKind.TRANSIENT, "does not occur: no lightweight transaction is sent"),
    _decision(0x2000, RefusalKind.TABLE, "the server does not know this CQL: see its version"),
    _decision(0x2100, RefusalKind.SETTING, "grant that right to the role"),
    *_guardrails(),
    *_INVALID,
    _decision(0x2300, RefusalKind.TABLE, "correct the keyspace's or the table's definition"),
    _decision(0x2400, RefusalKind.TABLE, "it exists already: it is used if its columns are right"),
    _decision(0x2500, RefusalKind.TRANSIENT, "none needed: the statement is prepared again"),
    _decision(0x8000, RefusalKind.TRANSIENT, "see the server's log"),
)
"""Every error of native protocol v4, those of v5 that a server may send, and every guardrail of 5.0."""
