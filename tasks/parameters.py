"""Parameters that say which setting is wrong, and take their default from a section of luigi.cfg."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import luigi
from luigi.cmdline_parser import CmdlineParser

from pipeline.errors import RowFileError, SettingError, abbreviated
from pipeline.rowfiles.mapping import format_mapping, parse_mapping
from pipeline.rowfiles.opening import printable
from pipeline.rowfiles.stores.paths import path_of
from tasks.configfile import folder_of


class Given(str):
    """A word of the command line. It is true even if empty, because Luigi ignores a false value."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


class Worded(luigi.Parameter):
    """A parameter that accepts every word on the command line, also an empty one; it must be UTF-8.

    Private names of Luigi are used only in this module; tests/tasks/test_parameters.py fails if an upgrade
    moves one.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - luigi's own
        # In --help, argparse reads a percent sign as a format.
        described = str(kwargs.pop("description", "")).replace("%", "%%")
        super().__init__(description=described, **kwargs)

    def is_on_command_line(self, task_name: str) -> bool:
        """Return whether the command line has an option that is this parameter of one kind of task."""
        command = CmdlineParser.get_instance()
        name = self._parser_global_dest(self.known_as, task_name)
        return command is not None and getattr(command.known_args, name, None) is not None

    @property
    def known_as(self) -> str:
        """The name of the parameter in a task, a section and on the command line."""
        return str(self._attribute_name)

    def _parser_kwargs(self, param_name: str, task_name: str | None = None) -> dict[str, Any]:
        def given(word: str) -> Given:
            if printable(word) != word:
                raise SettingError(f"{param_name}: {printable(word)} is not UTF-8; rename what it names")
            return Given(word)

        words: dict[str, Any] = super()._parser_kwargs(param_name, task_name)
        # A flag without a value has no word.
        return words if words["action"] == "store_true" else {**words, "type": given}


class SettingParameter(Worded):
    """A parameter that names itself when it refuses a value of the wrong type.

    If a `section` is given, its setting of the same name is the default, read when a task is created.
    `check` raises SettingError for a value that is out of range. `unit` is what a number counts.
    """

    wanted = "text"

    def __init__(
        self,
        *,
        section: type[luigi.Config] | None = None,
        check: Callable[[object], None] | None = None,
        unit: str = "",
        **kwargs: Any,  # noqa: ANN401 - luigi's own
    ) -> None:
        super().__init__(**kwargs)
        self._section = section
        self._check = check
        if unit:
            self.wanted = f"{self.wanted} of {unit}"

    def parse(self, text: str) -> object:
        """Return the value that `text` means.

        Raises:
            SettingError: it means none.
        """
        try:
            return super().parse(str(text))
        except ValueError as error:
            raise SettingError(f"{self.known_as} is {text!r}; it must be {self.wanted}") from error

    def normalize(self, value: object) -> object:
        """Return `value` in the form of the task's attribute.

        Raises:
            SettingError: it is out of range.
        """
        value = super().normalize(value)
        if self._check is not None:
            self._check(value)
        return value

    def has_task_value(self, task_name: str, param_name: str) -> bool:
        """True if a section has the setting, also a wrong one: `task_value` reports what is wrong."""
        try:
            return self._section is not None or super().has_task_value(task_name, param_name)
        except SettingError:
            return True

    def task_value(self, task_name: str, param_name: str) -> object:
        """Return the value of the command line or the task, else that of the section."""
        if self._section is None or super().has_task_value(task_name, param_name):
            return super().task_value(task_name, param_name)
        return getattr(self._section(), param_name)


class Located(SettingParameter):
    """A path: in luigi.cfg relative to the folder of that file, elsewhere to the current folder."""

    def _get_value_from_config(self, section: str, name: str) -> object:
        """Return the path in luigi.cfg, or else the default."""
        value = super()._get_value_from_config(section, name)
        path = value if isinstance(value, str) else self._default
        return str(folder_of(section, name) / path) if path else path


class Input(SettingParameter):
    """Row files: a file, a folder or a glob. In luigi.cfg a path is relative to the folder of that file."""

    wanted = "a file, a folder or a glob"

    def parse(self, text: str) -> object:
        """Return the text.

        Raises:
            SettingError: it is empty on the command line, for example because a variable of the shell was
                empty; or it is the URI of a store that is not known, or one with credentials in it, which
                Luigi would print with the task.
        """
        if isinstance(text, Given) and text == "":
            raise SettingError(f"{self.known_as} is ''; it must be {self.wanted}, or be left out")
        try:
            path_of(text)
        except RowFileError as error:
            raise SettingError(f"{self.known_as}: {error}") from error
        return super().parse(text)


class Integer(SettingParameter, luigi.IntParameter):
    """A whole number."""

    wanted = "a whole number"


class OptionalInteger(Integer):
    """A whole number, or nothing, which is None."""

    wanted = "a whole number, or empty"

    def parse(self, text: str) -> object:
        """Return the number that `text` means, None where it is empty.

        Raises:
            SettingError: it means none.
        """
        return super().parse(text) if text.strip() else None

    def serialize(self, value: int | None) -> str:
        """Return what `parse` reads."""
        return "" if value is None else str(value)


class Number(SettingParameter, luigi.FloatParameter):
    """A number."""

    wanted = "a number"


class Words(SettingParameter):
    """Words separated by commas, such as names of hosts; an empty text is none."""

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the words; an empty one if two commas follow each other."""
        return tuple(word.strip() for word in text.split(",")) if text.strip() else ()

    def serialize(self, words: tuple[str, ...]) -> str:
        """Return what `parse` reads."""
        return ",".join(words)


class Paired(SettingParameter):
    """Pairs such as `id=user_id, "first, last"=name`, as a tuple of pairs."""

    wanted = 'field=column, separated by commas, a name that holds a comma in double quotes: "a, b"=column'

    def parse(self, text: str) -> object:
        """Return the pairs.

        Raises:
            SettingError: a part is no pair, or the first of one stands twice.
        """
        try:
            return parse_mapping(text)
        except ValueError as error:
            raise SettingError(
                f"{self.known_as} is {text!r}; it must be {self.wanted}; each field may stand once; "
                f"what is wrong begins at {abbreviated(str(error))!r}"
            ) from error

    def normalize(self, value: object) -> object:
        """Return a dictionary, as a program may give it, as pairs."""
        return tuple((value if isinstance(value, Mapping) else dict(value)).items())  # type: ignore[call-overload]  # pairs

    def serialize(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Return what `parse` reads."""
        return format_mapping(dict(pairs))


class Flag(SettingParameter, luigi.BoolParameter):
    """True or false; on a command line, its name alone is true.

    With `parsing=luigi.BoolParameter.EXPLICIT_PARSING` a value may follow the name. Settings have this. A
    flag of a task has not, so that its name may stand before the task's, which is then not read as its value.
    """

    wanted = "true or false"

    def normalize(self, value: object) -> object:
        """Return `value` as a truth value."""
        return self.parse(value) if isinstance(value, str) else value


class PoolSize(Integer):
    """A number of requests in flight, or `auto`, stored as 0: the number that RecommendPoolSize found."""

    wanted = "a whole number, or auto"

    def parse(self, text: str) -> object:
        """Return the number that `text` means.

        Raises:
            SettingError: it means none, or 0.
        """
        return 0 if text == "auto" else super().normalize(super().parse(text))

    def normalize(self, value: object) -> object:
        """Return `value`.

        Raises:
            SettingError: it is out of range.
        """
        return value if value == 0 else super().normalize(value)

    def serialize(self, value: int) -> str:
        """Return what `parse` reads."""
        return str(value) if value else "auto"


class Day(Worded, luigi.DateParameter):
    """A date, `today` or `yesterday`; the default is today."""

    def has_task_value(self, task_name: str, param_name: str) -> bool:
        """Today counts as a value."""
        del task_name, param_name
        return True

    def task_value(self, task_name: str, param_name: str) -> object:
        """Return the date given, else today's."""
        if super().has_task_value(task_name, param_name):
            return super().task_value(task_name, param_name)
        return _today()

    def parse(self, text: str) -> object:
        """Return the date that `text` means.

        Raises:
            SettingError: it is no date.
        """
        if text in {"today", "yesterday"}:
            return _today() - dt.timedelta(days=text == "yesterday")
        try:
            return super().parse(text)
        except ValueError as error:
            raise SettingError(
                f"{self.known_as} is {text!r}; it must be a date such as 2026-11-22, today or yesterday"
            ) from error


def _today() -> dt.date:
    return dt.date.today()  # noqa: DTZ011 - the day of the machine that schedules, as cron means it
