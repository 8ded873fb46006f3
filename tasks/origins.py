"""Where settings come from: the command line, luigi.cfg, a table's section, the environment."""

import os
from collections.abc import Iterator
from functools import partial

from luigi.configuration import get_config

from pipeline.checks.findings import Finding, failure, looked_at, ok
from pipeline.errors import SettingError
from pipeline.rowfiles.badrows import ErrorBudget
from pipeline.settings import (
    PASSWORD_VARIABLE,
    ClusterConfig,
    LoadConfig,
    TlsConfig,
)
from pipeline.settings.declaration import Setting
from tasks import settings
from tasks.configfile import file_of
from tasks.declared import ConfigSection
from tasks.parameters import Worded
from tasks.tables import LoadTable
from tasks.tablesections import settings_of_table


def look_at_settings() -> Iterator[Finding]:
    """Yield each setting that is unknown or wrong, and each that is not the default, with its origin."""
    for error in settings.unknown_settings():
        yield failure("setting", str(error))
    for section in settings.SECTIONS:
        found = list(_look_at_section(section))
        yield from found
        if not any(each.status == "failure" for each in found):
            yield from looked_at("setting", partial(_look_at_rules, section))
    if os.environ.get(PASSWORD_VARIABLE):
        yield ok("setting", f"the password is set (environment {PASSWORD_VARIABLE})")


def look_at_section_of_table(table: str) -> Iterator[Finding]:
    """Yield each setting that a load into a table takes from its section, or from the command line.

    Raises:
        SettingError: the section has an unknown setting, or there are two for the table.
    """
    parameters = {name: each for name, each in LoadTable.get_params() if name not in LoadTable.of_one_run}
    section, texts = settings_of_table(table, list(parameters))
    for name, parameter in parameters.items():
        if parameter.is_on_command_line(LoadTable.get_task_family()):
            value = parameter.task_value(LoadTable.get_task_family(), name)
            yield ok("setting", f"{name} = {parameter.serialize(value)} (command line)")
        elif name in texts:
            yield ok("setting", f"[{section}] {name} = {texts[name]} (luigi.cfg)")


def _look_at_section(section: type[ConfigSection]) -> Iterator[Finding]:
    family = section.get_task_family()
    declared = {each.name: each for each in section.declared}
    for name, parameter in section.get_params():
        try:
            if origin := _origin(family, parameter, declared[name]):
                value = parameter.normalize(parameter.task_value(family, name))
                yield ok("setting", f"[{family}] {name} = {parameter.serialize(value)} ({origin})")
        except SettingError as error:
            yield failure("setting", f"[{family}] {error}")


def _origin(family: str, parameter: Worded, declared: Setting) -> str:
    """Return where a setting comes from; an empty text where it is the default.

    Raises:
        SettingError: it is of the wrong type.
    """
    name = parameter.known_as
    if parameter.is_on_command_line(family):
        return "command line"
    if not get_config().has_option(family, name):
        return ""
    value = parameter.parse(get_config().get(family, name))
    return "" if value == declared.default else str(file_of(family, name))


def _look_at_rules(section: type[ConfigSection]) -> Iterator[Finding]:
    """Yield nothing; what contradicts in a section is raised as `SettingError`."""
    for config in section.declared.configs:
        # A contradiction with what only a task can have is found when the table is looked at.
        if config is ClusterConfig:
            settings.cluster_config_as_set()
        elif config is LoadConfig:
            pool_size = settings.load().pool_size or LoadConfig().pool_size
            ErrorBudget.parse(settings.build(LoadConfig, pool_size=pool_size).max_bad_rows)
        elif config is not TlsConfig:
            settings.build(config)
    yield from ()
