"""A setting, declared once: what is said of a dataclass field is its documentation and its validation.

The sections of luigi.cfg, the parameters of tasks and docs/settings.md follow from it.
"""

import dataclasses
import math
import re
from collections.abc import Iterable
from typing import Any, TypeVar, get_type_hints

from pipeline.errors import SettingError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """What is declared of one setting.

    `name` is the setting in luigi.cfg and in messages, `field` the dataclass field that holds it. `kind` is
    the field's type.
    """

    doc: str
    name: str
    unit: str
    minimum: float | None
    maximum: float | None
    maximum_is: str
    choices: tuple[str, ...]
    is_path: bool
    may_be_auto: bool
    is_significant: bool
    is_in_file: bool
    is_on_tasks: bool
    field: str = ""
    kind: object = None
    default: Any = None

    @property
    def sentence(self) -> str:
        """What the setting means, in Markdown; the choices follow where the text does not name them."""
        choices = [each for each in self.choices if each]
        unnamed = [each for each in choices if f"`{each}`" not in self.doc]
        listed = ", ".join(f"`{each}`" for each in choices)
        return f"{self.doc}; one of {listed}" if unnamed else self.doc

    @property
    def plain_sentence(self) -> str:
        """The same for luigi.cfg and --help: no signs of Markdown, a capital and a full stop."""
        text = re.sub(r"\[[^]]*\]\(([^)#]*)[^)]*\)", r"docs/\1", self.sentence)
        first = text[0] if text.startswith("`") else text[0].upper()
        end = "" if text.endswith("…") else "."
        return f"{first}{text[1:]}{end}".replace("`", "")

    def check(self, value: object) -> None:
        """Return if `value`, or each value of a tuple, is within what is declared. None always is.

        Raises:
            SettingError: it is not.
        """
        for each in value if isinstance(value, tuple) else (value,):
            if each is None:
                continue
            if self.choices:
                require_one_of(self.name, each, self.choices)
            if self.minimum is not None:
                require_at_least(self.name, each, self.minimum)
            if self.maximum is not None and each > self.maximum:
                raise SettingError(
                    f"{self.name} is {each}; {self.maximum_is or f'the highest is {self.maximum}'}"
                )


def setting(  # noqa: PLR0913 - each argument says one thing of a setting, by name
    default: T,
    *,
    doc: str,
    name: str = "",
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    maximum_is: str = "",
    choices: tuple[str, ...] = (),
    is_path: bool = False,
    may_be_auto: bool = False,
    is_significant: bool = True,
    is_in_file: bool = True,
    is_on_tasks: bool = True,
) -> T:
    """Return a dataclass field that holds a setting.

    `doc` says what the setting means, in one line of Markdown without a capital and a full stop; links are
    relative to docs/. `name` is given where the user knows the setting by another name than the field's.
    `unit` is what a number counts.
    `maximum_is` replaces the end of the message for a value above `maximum`. `is_path`: a relative path in
    luigi.cfg begins in the folder of that file. `may_be_auto`: the word `auto` stands for 0, and the task
    finds the value. `is_significant`: tasks that differ in it do different work. `is_in_file` and
    `is_on_tasks`: whether luigi.cfg has it, and whether it is a parameter of tasks too.
    """
    declared = Setting(
        doc=doc,
        name=name,
        unit=unit,
        minimum=minimum,
        maximum=maximum,
        maximum_is=maximum_is,
        choices=choices,
        is_path=is_path,
        may_be_auto=may_be_auto,
        is_significant=is_significant,
        is_in_file=is_in_file,
        is_on_tasks=is_on_tasks,
    )
    return dataclasses.field(default=default, metadata={_KEY: declared})


def settings_of(config: type) -> tuple[Setting, ...]:
    """Return the settings that a dataclass declares, in the order of its fields."""
    kinds = get_type_hints(config)
    return tuple(
        dataclasses.replace(
            declared,
            name=declared.name or field.name,
            field=field.name,
            kind=kinds[field.name],
            default=field.default,
        )
        for field in dataclasses.fields(config)
        if (declared := field.metadata.get(_KEY))
    )


def check_settings(config: Any) -> None:  # noqa: ANN401 - any dataclass
    """Return if each setting of a dataclass's instance is within what is declared.

    Raises:
        SettingError: one is not.
    """
    for each in settings_of(type(config)):
        each.check(getattr(config, each.field))


def require_one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    """Return if `value` is one of `allowed`.

    Raises:
        SettingError: it is not.
    """
    if value not in allowed:
        listed = ", ".join(filter(None, allowed))
        raise SettingError(f"{name} is {value!r}; it must be one of {listed}")


def require_at_least(name: str, value: float, minimum: float) -> None:
    """Return if `value` is a number not below `minimum`.

    Raises:
        SettingError: it is below, infinite, or not a number.
    """
    if value == math.inf:
        raise SettingError(f"{name} is {value}; it must be finite")
    if not value >= minimum:
        raise SettingError(f"{name} is {value}; it must be at least {minimum}")


_KEY = "setting"
