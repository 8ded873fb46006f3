"""How a load is done: the parameters that a load and its verification share."""

import luigi

from pipeline.settings import METHODS, NULLS
from tasks import settings
from tasks.parameters import (
    Choice,
    Day,
    Integer,
    Number,
    OptionalInteger,
    PoolSize,
    SettingParameter,
)


class LoadParameters(luigi.Task):
    """How a load is done, for the load and for what follows it."""

    date = Day(description="The day of the batch.")
    method = Choice(
        section=settings.load,
        choices=METHODS,
        significant=False,
        description="batch: unlogged batches; prepared: a statement a row; create: a cqlengine call a row.",
    )
    pool_size = PoolSize(
        section=settings.load,
        significant=False,
        description="The most requests in flight, a process; auto: what RecommendPoolSize found.",
    )
    batch_size_bytes = Integer(
        section=settings.load,
        minimum=1,
        significant=False,
        description="The most that a batch of several rows has, as the server counts for its thresholds.",
    )
    processes = Integer(
        section=settings.load,
        minimum=0,
        significant=False,
        description="Worker processes to share the load; 0: as many as help.",
    )
    rows_per_s = Number(section=settings.load, significant=False, description="A cap; 0: none.")
    max_bad_rows = SettingParameter(
        section=settings.load,
        significant=False,
        description="How many bad rows a load may have: a number, or a percentage such as 1.5%.",
    )
    nulls = Choice(
        section=settings.load,
        choices=NULLS,
        description="An empty field: unset leaves the cell, write deletes it.",
    )
    ttl_s = OptionalInteger(
        section=settings.load,
        minimum=0,
        description="Seconds until the rows expire; 0: never; empty: as the table's own default says.",
    )
    timestamp_us = Integer(
        default=0,
        minimum=0,
        description="The first row's write timestamp, µs since 1970; 0: the moment of the load.",
    )
