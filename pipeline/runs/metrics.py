"""The last run of a table as metrics in Prometheus' text format: a file, and a push where one is wished."""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.errors import OutputError
from pipeline.files import write_text
from pipeline.runs.lastruns import LastRuns
from pipeline.runs.summary import BOUNDS_S, RunSummary


def write_metrics(folder: Path, last: LastRuns) -> Path:
    """Write the metrics of a table for node_exporter's textfile collector; return the file.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    file = folder / f"cassandra_load_{last.table_name}.prom"
    write_text(file, metrics_of(last))
    return file


def metrics_of(last: LastRuns) -> str:
    """Return the metrics of a table in Prometheus' text format."""
    return generate_latest(_registry(last)).decode()


def push_metrics(gateway: str, last: LastRuns) -> None:
    """Replace the metrics of a table in a Pushgateway.

    Raises:
        OutputError: the gateway does not take them within a few seconds.
    """
    try:
        push_to_gateway(
            gateway,
            job="cassandra_load",
            registry=_registry(last),
            grouping_key=last.labels,
            timeout=_PUSH_MAX_S,
        )
    except (OSError, ValueError) as error:
        raise OutputError(
            f"cannot push the metrics of {last.table_name} to {gateway.rpartition('@')[2]}: {error}; "
            "check [metrics] pushgateway"
        ) from error


def _registry(last: LastRuns) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Collected(last))
    return registry


class _Collected(Collector):
    """The metrics of one table."""

    def __init__(self, last: LastRuns) -> None:
        self._last = last

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, those of the load first; without the numbers that are not known."""
        load, verification = self._last.load, self._last.verification
        if load:
            yield from self._of_run("", load)
            yield self._gauge("run_rows", "Rows of the last load by what became of them.", _rows_of(load))
            yield self._gauge("run_retries", "Requests tried again, by the error.", _by("kind", load.retries))
            yield self._gauge("run_input_bytes", "Size of the files.", [_Sample(load.input_bytes)])
            yield self._gauge(
                "requests_in_flight_limit",
                "Most requests in flight to a node at the end of the last load.",
                _by("node", load.requests.limits),
            )
            if load.requests.counts:
                yield self._histogram(load)
        if verification:
            yield from self._of_run("verification_", verification)
            yield self._gauge(
                "verification_run_rows",
                "Rows that the last verification found as they should be.",
                [_Sample(verification.rows_verified, {"state": "verified"})],
            )

    def _of_run(self, kind: str, run: RunSummary) -> Iterator[Metric]:
        what = "verification" if kind else "load"
        yield self._gauge(
            f"{kind}run_timestamp_seconds", f"When the last {what} ended.", [_Sample(run.ended_at_s)]
        )
        yield self._gauge(
            f"{kind}run_success", f"Whether the last {what} succeeded: 1 or 0.", [_Sample(run.is_success)]
        )
        succeeded_at_s = self._last.succeeded_at_s.get("verification" if kind else "load")
        yield self._gauge(
            f"{kind}success_timestamp_seconds", f"When a {what} last succeeded.", [_Sample(succeeded_at_s)]
        )
        yield self._gauge(
            f"{kind}run_duration_seconds", f"How long the last {what} took.", [_Sample(run.seconds)]
        )
        yield self._gauge(
            f"{kind}run_step_duration_seconds",
            f"How long each step of the last {what} took.",
            _by("step", run.step_seconds),
        )

    def _gauge(self, name: str, doc: str, samples: "list[_Sample]") -> Metric:
        labels = [*self._last.labels, *dict.fromkeys(label for each in samples for label in each.labels)]
        gauge = GaugeMetricFamily(f"{_PREFIX}{name}", doc, labels=labels)
        for value, more in samples:
            if value is not None:
                gauge.add_metric([*self._last.labels.values(), *more.values()], float(value))
        return gauge

    def _histogram(self, run: RunSummary) -> Metric:
        made = HistogramMetricFamily(
            f"{_PREFIX}request_duration_seconds",
            "Latency of the answered requests of the last load.",
            labels=list(self._last.labels),
        )
        names = [*map(str, BOUNDS_S), "+Inf"]
        counts = [float(count) for count in accumulate(run.requests.counts)]
        made.add_metric(
            list(self._last.labels.values()), list(zip(names, counts, strict=True)), run.requests.sum_s
        )
        return made


class _Sample(NamedTuple):
    """A value, None where it is not known, and the labels that it has beside those of the table."""

    value: float | None
    labels: Mapping[str, str] = {}


def _rows_of(load: RunSummary) -> list[_Sample]:
    return [
        _Sample(count, {"state": state})
        for state, count in (
            ("read", load.rows_read),
            ("sent", load.rows_sent),
            ("acknowledged", load.rows_acknowledged),
            ("bad", load.rows_bad),
        )
    ]


def _by(label: str, values: Mapping[str, float]) -> list[_Sample]:
    return [_Sample(value, {label: name}) for name, value in values.items()]


_PREFIX = "cassandra_load_"
_PUSH_MAX_S = 5.0
