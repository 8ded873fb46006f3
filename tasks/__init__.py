"""The Luigi tasks: `luigi --module tasks LoadUsers`."""

from tasks import terminal
from tasks.chain import SetupKeyspace
from tasks.users import GenerateUsers, LoadUsers, TimingReport, VerifyUsers

terminal.install()

__all__ = ["GenerateUsers", "LoadUsers", "SetupKeyspace", "TimingReport", "VerifyUsers"]
