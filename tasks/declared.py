"""Luigi's sections and parameters, made from the settings that the library declares."""

import datetime as dt
import types
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import luigi

from pipeline import sections
from pipeline.errors import SettingError
from pipeline.settings.columns import Pairs
from pipeline.settings.declaration import Setting
from tasks.parameters import (
    Flag,
    Integer,
    Located,
    Number,
    OptionalInteger,
    Paired,
    PoolSize,
    SettingParameter,
    Words,
)
from tasks.sweeps import Duration, InjectedLatencies, PoolSizes

TaskClass = TypeVar("TaskClass", bound=type)


class ConfigSection(luigi.Config):
    """A section of luigi.cfg, whose errors name it."""

    declared: sections.Section

    @classmethod
    def get_param_values(cls, params: object, args: object, kwargs: object) -> object:
        """Return the settings in Luigi's form, without its warning about unknown ones: they are refused.

        Raises:
            SettingError: a setting is of the wrong type or out of range.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", luigi.task.UnconsumedParameterWarning)
                return super().get_param_values(params, args, kwargs)
        except SettingError as error:
            raise SettingError(f"[{cls.get_task_family()}] {error}") from error


def section_class(declared: sections.Section, module: str) -> type[ConfigSection]:
    """Return the class that reads a section of luigi.cfg, as a class of `module`."""
    members: dict[str, Any] = {
        "__doc__": declared.title,
        "__module__": module,
        "declared": declared,
        **{each.name: _parameter(each) for each in declared if each.is_in_file},
    }
    return types.new_class(declared.name, (ConfigSection,), exec_body=lambda body: body.update(members))


def with_settings(section: type[ConfigSection]) -> Callable[[TaskClass], TaskClass]:
    """Return a decorator that gives a task the settings of a section as parameters.

    The value in luigi.cfg is the default of a parameter, if the setting is allowed in luigi.cfg.
    """

    def give(task_class: TaskClass) -> TaskClass:
        for each in section.declared:
            if each.is_on_tasks:
                parameter = _parameter(each, section=section if each.is_in_file else None)
                setattr(task_class, each.name, parameter)
                # Python does this by itself only for names assigned in the class body.
                parameter.__set_name__(task_class, each.name)
        return task_class

    return give


def parameter_of(section: type[ConfigSection], name: str, **differing: Any) -> SettingParameter:  # noqa: ANN401 - luigi's own
    """Return a parameter for one setting of a section; what Luigi is told of it may differ."""
    [declared] = [each for each in section.declared if each.name == name]
    return _parameter(declared, section=section, **differing)


def _parameter(
    declared: Setting,
    section: type[ConfigSection] | None = None,
    **differing: Any,  # noqa: ANN401 - luigi's own
) -> SettingParameter:
    told: dict[str, Any] = {
        "description": declared.plain_sentence,
        "significant": declared.is_significant,
        "check": declared.check,
        "unit": declared.unit,
        **differing,
    }
    if section is None:
        told["default"] = declared.default
    else:
        told["section"] = section
    if declared.kind is bool:
        # A value may follow the name of a setting, to override what luigi.cfg says.
        told["parsing"] = luigi.BoolParameter.EXPLICIT_PARSING
    made: SettingParameter = _class_of(declared)(**told)
    return made


def _class_of(declared: Setting) -> type[SettingParameter]:
    if declared.is_path:
        return Located
    if declared.may_be_auto:
        return PoolSize
    return _CLASSES[declared.kind]


_CLASSES: dict[object, type[SettingParameter]] = {
    str: SettingParameter,
    int: Integer,
    int | None: OptionalInteger,
    float: Number,
    bool: Flag,
    dt.timedelta: Duration,
    tuple[str, ...]: Words,
    tuple[int, ...]: PoolSizes,
    tuple[float, ...]: InjectedLatencies,
    Pairs: Paired,
}
