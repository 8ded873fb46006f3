"""The chain for users."""

from tasks.chain import GenerateRows, LoadRows, VerifyRows
from tasks.experiment import CompareContenders, SweepPoolSizes
from tasks.timing import TimeRows

_DATASET = "pipeline.datasets.users"


class GenerateUsers(GenerateRows):
    """Write one day's fake users to a row file."""

    dataset = _DATASET


class LoadUsers(LoadRows):
    """Load one day's users into Cassandra."""

    dataset = _DATASET
    table_name = "user"
    generate = GenerateUsers


class VerifyUsers(VerifyRows):
    """Prove that one day's users are in the table."""

    dataset = _DATASET
    load = LoadUsers


class TimingReport(TimeRows):
    """Time users created in a loop against users created through a Pool."""

    dataset = _DATASET
    verify = VerifyUsers


class ContenderReport(CompareContenders):
    """Time users written by every contender, beside the article's table."""

    dataset = _DATASET
    verify = VerifyUsers


class RecommendPoolSize(SweepPoolSizes):
    """Find the best pool size to write users with."""

    dataset = _DATASET
    verify = VerifyUsers
