import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.errors import OutputError
from pipeline.runs.lastruns import LastRuns
from pipeline.runs.metrics import metrics_of, push_metrics, write_metrics
from pipeline.runs.summary import FAILED
from tests.harness.listeners import listening
from tests.harness.runs import STARTED_AT_S, loaded, verified
from tests.harness.workspace import PROJECT

TABLE = {"keyspace": "shop", "table": "orders"}
NONE = LastRuns(keyspace="shop", table="orders")


def samples(text: str) -> dict[str, dict[str, float]]:
    """Return the samples of a text by name and by the labels beside the table's, as Prometheus reads them."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert TABLE.items() <= sample.labels.items(), sample
            more = ",".join(
                f"{name}={value}" for name, value in sorted(sample.labels.items()) if name not in TABLE
            )
            found.setdefault(sample.name.removeprefix("cassandra_load_"), {})[more] = sample.value
    return found


def test_a_parser_reads_every_number_of_a_load_and_its_verification() -> None:
    """Counts, seconds, bytes, retries, latencies and limits are those of the runs."""
    found = samples(metrics_of(NONE.with_run(loaded()).with_run(verified())))
    rows = {"state=read": 1000, "state=sent": 998, "state=acknowledged": 998, "state=bad": 2}
    assert found["run_rows"] == rows
    assert found["run_retries"] == {"kind=WriteTimeout": 3}
    assert found["run_input_bytes"] == {"": 51_105}
    assert found["run_step_duration_seconds"]["step=load"] == 5.5
    assert found["run_duration_seconds"] == {"": 6.5}
    assert found["success_timestamp_seconds"] == {"": STARTED_AT_S + 6.5}
    assert found["requests_in_flight_limit"] == {"node=10.0.0.1": 20}
    assert found["verification_run_rows"] == {"state=verified": 998}
    assert found["run_success"] == found["verification_run_success"] == {"": 1}


def test_latencies_are_a_cumulative_histogram() -> None:
    """Each bucket has the requests of those before it; the last one has all, and so has the count."""
    found = samples(metrics_of(NONE.with_run(loaded())))
    buckets = found["request_duration_seconds_bucket"]
    assert buckets["le=0.0025"] == 1
    assert buckets["le=0.01"] == 6
    assert buckets["le=10.0"] == 10
    assert buckets["le=+Inf"] == found["request_duration_seconds_count"][""] == 11
    assert found["request_duration_seconds_sum"] == {"": 20.5}


def test_a_failed_run_keeps_the_time_of_the_last_success() -> None:
    """After a failure, `success` is 0, what is not known is absent, and the last success stays."""
    failed = loaded(outcome=FAILED, started_at_s=STARTED_AT_S + 86_400, rows_read=None, rows_bad=None)
    found = samples(metrics_of(NONE.with_run(loaded()).with_run(failed)))
    assert found["run_success"] == {"": 0}
    assert found["success_timestamp_seconds"] == {"": STARTED_AT_S + 6.5}
    assert found["run_timestamp_seconds"] == {"": STARTED_AT_S + 86_406.5}
    assert set(found["run_rows"]) == {"state=sent", "state=acknowledged"}


def test_names_follow_the_conventions() -> None:
    """Every name has the prefix, is in small letters, and ends in a base unit where it has one."""
    text = metrics_of(NONE.with_run(loaded()).with_run(verified()))
    names = re.findall(r"# TYPE (\S+)", text)
    assert len(names) == len(set(names)) > 10
    for name in names:
        assert re.fullmatch(r"cassandra_load(_[a-z]+)+", name)
        assert not re.search(r"_(ms|us|s|kb|mb|minutes|percent|time|total|count)$", name)
        if re.search("duration|timestamp", name):
            assert name.endswith("_seconds")


def test_the_file_is_whole_or_absent(tmp_path: Path) -> None:
    """A table has one file, which the collector takes by its ending; no other file has that ending."""
    file = write_metrics(tmp_path, NONE.with_run(loaded()))
    write_metrics(tmp_path, NONE.with_run(loaded()))
    assert [each.name for each in tmp_path.iterdir()] == [file.name] == ["cassandra_load_shop.orders.prom"]
    assert file.read_text(encoding="utf-8") == metrics_of(NONE.with_run(loaded()))


def test_a_push_replaces_the_metrics_of_the_table() -> None:
    """The push is a PUT to the group of the job and the table, with the text of the file."""
    with listening() as (address, got):
        push_metrics(address, NONE.with_run(loaded()))
    [sent] = got
    assert sent.method == "PUT"
    assert sent.path == "/metrics/job/cassandra_load/keyspace/shop/table/orders"
    assert sent.text == metrics_of(NONE.with_run(loaded()))


def test_a_push_that_fails_says_where_to_without_a_password() -> None:
    """The error names the host and the setting, and no password in the address."""
    with pytest.raises(OutputError) as refused:
        push_metrics("http://user:s3cret@127.0.0.1:1", NONE.with_run(loaded()))
    assert "127.0.0.1:1" in str(refused.value)
    assert "[metrics] pushgateway" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_example_rules_are_on_metrics_that_exist() -> None:
    """Every metric in examples/alerts.yml is one of ours."""
    rules = (PROJECT / "examples" / "alerts.yml").read_text(encoding="utf-8")
    text = metrics_of(NONE.with_run(loaded()).with_run(verified()))
    ours = {f"cassandra_load_{name}" for name in samples(text)}
    used = set(re.findall(r"\bcassandra_load_[a-z_]+", rules))
    assert len(used) > 5
    assert used <= ours
