"""The Luigi tasks: `luigi --module tasks LoadUsers`."""

from tasks import terminal
from tasks.chain import SetupKeyspace
from tasks.load import LoadTable, ReplayBadRows
from tasks.users import GenerateUsers, LoadUsers, TimingReport, VerifyUsers
from tasks.verify import VerifyTable

terminal.install()

__all__ = [
    "GenerateUsers",
    "LoadTable",
    "LoadUsers",
    "ReplayBadRows",
    "SetupKeyspace",
    "TimingReport",
    "VerifyTable",
    "VerifyUsers",
]
