import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from pipeline.errors import OutputError, ResultsError
from pipeline.measure.experiment.latency_log import write_log
from pipeline.measure.experiment.measurement import Cell, Repeat
from pipeline.requests.latencies import Latencies
from pipeline.runs.summary import BOUNDS_S


def latencies(seconds: Sequence[float]) -> Latencies:
    """Return a histogram of these requests."""
    counted = Latencies()
    for each in seconds:
        counted.record(each)
    return counted


def drawn(requests: int, seed: int) -> list[float]:
    """Return seconds of requests: most about 5 ms, a few much longer."""
    return [float(each) for each in np.random.default_rng(seed).lognormal(math.log(0.005), 1, requests)]


def timed(contender: str, seconds: Sequence[float], began_at_s: float) -> Repeat:
    """Return a repeat with these requests."""
    return Repeat(
        cell=Cell(contender=contender, latency_kind="network", latency_s=0.001, in_flight=50),
        repeat=0,
        reactor="GeventConnection",
        patched=True,
        rows=len(seconds),
        requests=len(seconds),
        elapsed_s=2.5,
        client_cpu_s=1.0,
        server_cpu_s=None,
        latencies=latencies(seconds).encoded,
        began_at_s=began_at_s,
    )


def test_three_digits_are_kept() -> None:
    """Count, mean and quantiles agree with the requests to 0.1 %; a quantile is never too short."""
    seconds = drawn(10_001, seed=1)
    counted = latencies(seconds)
    assert counted.count == 10_001
    assert counted.mean_s == pytest.approx(sum(seconds) / len(seconds), rel=1e-3)
    ordered = sorted(seconds)
    for share in (0.1, 0.5, 0.9, 0.99, 0.999):
        true_s = ordered[round(share * len(seconds)) - 1]
        assert true_s - 1e-6 <= counted.quantile_s(share) <= true_s * 1.001 + 1e-6
    assert counted.quantile_s(1) == pytest.approx(ordered[-1], rel=1e-3)


def test_asking_does_not_end_the_recording() -> None:
    """Requests that are recorded after a query count once, as those before it."""
    counted = latencies([0.001] * 3)
    assert (counted.count, counted.count) == (3, 3)
    counted.record(0.009)
    assert counted.count == 4
    assert counted.mean_s == pytest.approx(0.003, rel=1e-3)


def test_what_is_out_of_range_counts_at_its_end() -> None:
    """Less than 1 µs counts as 1 µs, more than an hour as an hour; nothing is lost."""
    counted = latencies([0, 1e-9, -1e-6, 4000, 1e9])
    assert counted.count == 5
    assert counted.quantile_s(0) == pytest.approx(1e-6)
    assert counted.quantile_s(1) == pytest.approx(3600, rel=1e-3)


def test_no_requests_have_no_latency() -> None:
    """Without requests the mean and every quantile are nan, also after encoding."""
    for counted in (Latencies(), Latencies.decode(Latencies().encoded), Latencies.merged([])):
        assert counted.count == 0
        assert math.isnan(counted.mean_s)
        assert math.isnan(counted.quantile_s(0.5))


def test_an_encoding_gives_the_same_histogram() -> None:
    """A histogram that is decoded and encoded again has the same text and the same numbers."""
    counted = latencies(drawn(1000, seed=2))
    again = Latencies.decode(counted.encoded)
    assert again.encoded == counted.encoded
    assert (again.count, again.mean_s) == (counted.count, counted.mean_s)


def test_merging_is_as_if_recorded_at_once() -> None:
    """The sum of repeats' histograms is the histogram of all their requests."""
    parts = [drawn(500, seed) for seed in range(4)]
    merged = Latencies.merged(latencies(part).encoded for part in parts)
    together = latencies([each for part in parts for each in part])
    assert merged.encoded == together.encoded


def overrun() -> str:
    """Return a histogram with a value beyond its declared range."""
    histogram = HdrHistogram(1, 360_000_000_000, 3)
    histogram.record_value(300_000_000_000)
    histogram.encoder.payload.payload.highest_trackable_value = 3_600_000_000
    return str(histogram.encode(), "ascii")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HISTFAAA",
        "no base64 at all",
        "ä",
        latencies([0.001]).encoded[:-8],
        latencies([0.001]).encoded[:20] + "AAAA" + latencies([0.001]).encoded[24:],
        str(HdrHistogram(1, 3_600_000_000, 2).encode(), "ascii"),
        str(HdrHistogram(1, 3_600_000, 3).encode(), "ascii"),
        overrun(),
    ],
    ids=["empty", "short", "words", "not ascii", "cut", "altered", "two digits", "other range", "overrun"],
)
def test_a_damaged_histogram_is_refused(text: str) -> None:
    """A damaged histogram raises an error that says what to do; it never gives other numbers."""
    with pytest.raises(ResultsError, match=r"latency histogram.*measure again"):
        Latencies.decode(text)


def test_a_log_reads_back(tmp_path: Path) -> None:
    """The log holds one line per repeat, by time, with cell, begin, length, maximum and the same counts."""
    repeats = [
        timed("pool, of many", drawn(300, seed=1), 1_700_000_010.5),
        timed("loop", drawn(200, seed=2), 1_700_000_000.25),
        timed("loop", [], 1_700_000_020),
    ]
    path = tmp_path / "folder" / "latencies.hlog"
    write_log(path, repeats)
    reader = HistogramLogReader(str(path), HdrHistogram(1, 3_600_000_000, 3))
    found = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        found.append(interval)
    reader.close()
    by_time = [repeats[1], repeats[0], repeats[2]]
    assert [str(interval.encode(), "ascii") for interval in found] == [each.latencies for each in by_time]
    assert [interval.get_total_count() for interval in found] == [200, 300, 0]
    for interval, repeat in zip(found, by_time, strict=True):
        assert interval.get_start_time_stamp() == pytest.approx(1000 * repeat.began_at_s, abs=0.01)
        length_ms = interval.get_end_time_stamp() - interval.get_start_time_stamp()
        assert length_ms == pytest.approx(2500, abs=0.01)
    tags = [interval.get_tag() for interval in found]
    assert tags == [
        "loop-network-0.001s-50",
        "pool_of_many-network-0.001s-50",
        "loop-network-0.001s-50",
    ]
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[1] == "#[Histogram log format version 1.2]"
    longest_us = float(re.findall(r"(?m)^Tag=[^,]*,[^,]*,[^,]*,([^,]*),", text)[1])
    assert longest_us == pytest.approx(1e6 * max(drawn(300, seed=1)), rel=1e-3)


def test_a_log_is_whole_or_absent(tmp_path: Path) -> None:
    """A damaged repeat leaves the existing log unchanged; an impossible folder is an OutputError."""
    path = tmp_path / "latencies.hlog"
    write_log(path, [timed("loop", [0.001], 1_700_000_000)])
    before = path.read_bytes()
    damaged = Repeat(**{**vars(timed("loop", [0.001], 1_700_000_000)), "latencies": "?"})
    with pytest.raises(ResultsError):
        write_log(path, [damaged])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError):
        write_log(path / "below", [])


def test_counts_of_buckets_add_up() -> None:
    """Each request is counted at the first bound that it does not exceed; the last count has the rest."""
    latencies = Latencies()
    for latency_s in (0.0004, 0.001, 0.0011, 0.03, 70.0):
        latencies.record(latency_s)
    assert latencies.counts == (2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    latencies.record(0.02, 10)
    assert latencies.counts[BOUNDS_S.index(0.025)] == 10
    assert latencies.sum_s == pytest.approx(0.0004 + 0.001 + 0.0011 + 0.03 + 70.0 + 0.2)
    assert latencies.count == sum(latencies.counts) == 15
    assert set(Latencies().counts) == {0}
