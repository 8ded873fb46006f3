"""Task parameters that are generated from declared settings."""

import json

from tests.harness.interpreter import printed

PROGRAM = """
import json
from tasks import LoadUsers, TimingReport, VerifyUsers
print(json.dumps({
    task.__name__: [[name, parameter.significant] for name, parameter in task.get_params()]
    for task in (LoadUsers, VerifyUsers, TimingReport)
}))
"""


def test_a_task_has_the_settings_that_are_declared_for_it() -> None:
    """The date is first; of a load's settings those are significant that change the written data."""
    found = json.loads(printed(PROGRAM))
    load = [
        ["method", False],
        ["pool_size", False],
        ["batch_size_bytes", False],
        ["batch_rows", False],
        ["rows_per_s", False],
        ["nulls", True],
        ["ttl_s", True],
        ["timestamp_us", True],
        ["max_bad_rows", False],
        ["processes", False],
    ]
    assert found["LoadUsers"][0] == found["VerifyUsers"][0] == ["date", True]
    for task in ("LoadUsers", "VerifyUsers"):
        assert [each for each in load if each in found[task]] == load
        assert "retry_budget_s" not in dict(found[task])
    rows = ["rows", "seed", "locale", "file_format"]
    timing = dict(found["TimingReport"])
    assert [timing[name] for name in (*rows, "pool_size", "latencies_s")] == [True] * 6
    assert timing.keys().isdisjoint({"sync_repeats", "async_repeats", "method"})
