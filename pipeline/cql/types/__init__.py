"""CQL values in row files: as text for CSV, as Arrow types for Parquet, and as the driver returns them.

Text forms: ISO 8601 for dates, times and durations (a timestamp without an offset is UTC), 0x… for blobs,
JSON for collections, tuples, UDTs and vectors, the empty field for null. Timestamps have the server's
precision, milliseconds.

A module for each family of types. To add a type is to add it to the `TYPES` of one, or a module to `names`.
"""

from pipeline.cql.types.canonical import canonical
from pipeline.cql.types.cqltype import PROTOCOL_VERSION, CqlType, Kind
from pipeline.cql.types.names import UserTypes, cql_type

__all__ = ["PROTOCOL_VERSION", "CqlType", "Kind", "UserTypes", "canonical", "cql_type"]
