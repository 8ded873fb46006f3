"""timestamp, date, time and duration."""

from collections.abc import Mapping

import pyarrow as pa
from cassandra import cqltypes

from pipeline.cql.types.cqltype import CqlType
from pipeline.cql.types.temporal import columns, texts

TYPES: Mapping[str, CqlType] = {
    "timestamp": CqlType(
        parse=texts.parse_timestamp,
        format=texts.format_timestamp,
        arrow=pa.timestamp("ms", tz="UTC"),
        driver=cqltypes.TimestampType,
        example='"2026-11-01T12:30:00Z"',
        encode=columns.timestamps,
        takes_moments=True,
    ),
    "date": CqlType(
        parse=texts.parse_date,
        format=texts.format_date,
        arrow=pa.date32(),
        driver=cqltypes.SimpleDateType,
        example='"2026-11-01"',
        encode=columns.dates,
        is_day=True,
        takes_moments=True,
    ),
    "time": CqlType(
        parse=texts.parse_time,
        format=texts.format_time,
        arrow=pa.string(),
        driver=cqltypes.TimeType,
        example='"12:30:00"',
        encode=columns.times,
        takes_moments=True,
    ),
    "duration": CqlType(
        parse=texts.parse_duration,
        format=texts.format_duration,
        arrow=pa.string(),
        driver=cqltypes.DurationType,
        example='"P1Y2M3DT4H"',
    ),
}
