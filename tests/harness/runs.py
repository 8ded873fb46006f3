"""Runs as the tests need them."""

import datetime as dt
from typing import Any

from pipeline.runs.summary import LOADED, VERIFIED, Requests, RunSummary

STARTED_AT_S = 1_795_852_868.25


def loaded(**differing: Any) -> RunSummary:  # noqa: ANN401 - each field has its own type
    """Return a run that loaded 1,000 rows into shop.orders; `differing` are other values."""
    values: dict[str, Any] = {
        "run_id": "20261128T080108.250000Z-00c0ffee",
        "task": "LoadTable",
        "outcome": LOADED,
        "keyspace": "shop",
        "table": "orders",
        "date": dt.date(2026, 11, 28),
        "input": "drop/2026-11-28/*.csv",
        "digest": "ab" * 32,
        "started_at_s": STARTED_AT_S,
        "seconds": 6.5,
        "rows_read": 1000,
        "rows_sent": 998,
        "rows_acknowledged": 998,
        "rows_bad": 2,
        "rows_per_s": 518.5,
        "input_bytes": 51_105,
        "retries": {"WriteTimeout": 3},
        "step_seconds": {"plan": 0.5, "begin": 0.25, "load": 5.5, "finish": 0.25},
        "requests": Requests(
            counts=(0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1), sum_s=20.5, limits={"10.0.0.1": 20}
        ),
        "server_version": "5.0.9",
        "settings": {"method": "prepared"},
    }
    return RunSummary(**{**values, **differing})


def verified(**differing: Any) -> RunSummary:  # noqa: ANN401 - same
    """Return a run that verified the 998 rows of `loaded`."""
    values: dict[str, Any] = {
        "run_id": "20261128T080116.000000Z-00decade",
        "task": "VerifyTable",
        "is_verification": True,
        "outcome": VERIFIED,
        "rows_sent": None,
        "rows_acknowledged": None,
        "rows_verified": 998,
        "rows_per_s": None,
        "input_bytes": None,
        "retries": {},
        "step_seconds": {"plan": 0.25, "verify": 1.0},
        "requests": Requests(),
        "seconds": 1.25,
        "started_at_s": STARTED_AT_S + 10,
    }
    return loaded(**{**values, **differing})
