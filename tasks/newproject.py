"""The luigi.cfg of a new project, with only what its owner must decide."""

import os
from pathlib import Path

from pipeline import sections
from pipeline.errors import SettingError
from pipeline.files import write_text
from pipeline.sections.documents import config_section
from tasks.configfile import PATH_VARIABLE


def write_config_file() -> Path:
    """Write luigi.cfg where runs will look for it; return its path.

    That is the file which LUIGI_CONFIG_PATH names, else luigi.cfg in the current folder.

    Raises:
        SettingError: the file exists.
        OutputError: the file cannot be written.
    """
    file = Path(os.environ.get(PATH_VARIABLE) or "luigi.cfg").absolute()
    if file.exists():
        raise SettingError(
            f"{file} exists and stays as it is; edit it, or move it away and run the command again"
        )
    write_text(file, config_text())
    return file


def config_text() -> str:
    """Return the text of the file: settings of ours with what they mean, then those of Luigi."""
    ours = (config_section(section, names) for section, names in _TO_DECIDE)
    return "\n\n".join([_HEAD, *ours, _OF_LUIGI])


_TO_DECIDE = (
    (sections.CASSANDRA, ("contact_points", "datacentre", "keyspace", "replication_factor")),
    (sections.OUTPUT, ("folder",)),
)
_HEAD = """\
# What each project must decide. Every other setting has its default; this command lists them all:
#     luigi --module tasks LoadTable --help-all
# A password is never written here: it is read from the environment variable CASSANDRA_PASSWORD, or from the
# file that password_file names.

# What the loads of one table need can be in a section of its own, such as:
# [table shop.orders]
# input = incoming/{date}/*.csv"""
_OF_LUIGI = """\
[core]
# Needs no luigid.
local_scheduler = true
log_level = INFO
# Where Luigi notes which command runs, so that the same command is not run twice at a time.
lock_pid_dir = .luigi

[worker]
cache_task_completion = true
task_process_context = tasks.terminal.TaskProcessContext

# Without these, Luigi exits with 0 after a failure.
[retcode]
already_running = 10
missing_data = 20
not_run = 25
task_failed = 30
scheduling_error = 35
unhandled_exception = 40
"""
