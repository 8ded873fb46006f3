"""The task chain for the tests' own dataset, written as a user of the project writes it."""

from tasks.chain import GenerateRows, LoadRows, VerifyRows
from tasks.timing import TimeRows

_DATASET = "tests.harness.readings"


class GenerateReadings(GenerateRows):
    """Write one day's fake readings to a row file."""

    dataset = _DATASET


class LoadReadings(LoadRows):
    """Load one day's readings."""

    dataset = _DATASET
    table_name = "reading"
    generate = GenerateReadings


class VerifyReadings(VerifyRows):
    """Verify that one day's readings are in the table."""

    dataset = _DATASET
    load = LoadReadings


class TimingReadings(TimeRows):
    """Time readings created in a loop against readings created through a Pool."""

    dataset = _DATASET
    verify = VerifyReadings
