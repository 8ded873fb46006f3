"""The Luigi tasks: `luigi --module tasks LoadUsers`."""

import sys

from tasks import configfile, hooks, settings, tablesections, terminal
from tasks.chain import SetupKeyspace
from tasks.check import CheckSetup
from tasks.experiment import CompareReports
from tasks.history import LoadHistory
from tasks.suggest import SuggestTable
from tasks.tables import LoadTable, ReplayBadRows, VerifyTable
from tasks.users import (
    ContenderReport,
    GenerateUsers,
    LoadUsers,
    RecommendPoolSize,
    TimingReport,
    VerifyUsers,
)

hooks.install()
terminal.install()
# `python -m tasks init` needs no luigi.cfg: it writes one. While Python imports a package to run a module of
# it, the first argument is "-m".
if sys.argv[:1] != ["-m"]:
    configfile.require_config_file()
    configfile.prepare(
        [*(section.get_task_family() for section in settings.SECTIONS), *tablesections.table_sections()]
    )

__all__ = [
    "CheckSetup",
    "CompareReports",
    "ContenderReport",
    "GenerateUsers",
    "LoadHistory",
    "LoadTable",
    "LoadUsers",
    "RecommendPoolSize",
    "ReplayBadRows",
    "SetupKeyspace",
    "SuggestTable",
    "TimingReport",
    "VerifyTable",
    "VerifyUsers",
]
