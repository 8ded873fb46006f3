"""How values are written in row files of text, where it is not in the forms of docs/values.md."""

import re
import zoneinfo
from dataclasses import dataclass, replace
from typing import Self

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting

BLOB_FORMS = ("0x", "hex", "base64")
NESTED_FORMS = ("json", "cql")
CQL = "cql"
EPOCHS = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us", "epoch_ns": "ns"}
"""The words for moments in units since 1970, and Arrow's names of the units."""

EPOCH_DAYS = "epoch_days"
"""The word for dates in days since 1970."""

ISO = "iso"


@dataclass(frozen=True, kw_only=True)
class ValuesConfig:
    """How values are written in row files of text. A setting that is empty may be as the dialect has it.

    Raises:
        SettingError: a value is out of range.
    """

    timestamp_formats: str = setting(
        ISO,
        doc="the forms of timestamps, separated by `|`: `iso`, `epoch_s`, `epoch_ms`, `epoch_us`, "
        "`epoch_ns`, or a pattern such as `%d.%m.%Y %H:%M`; see [loading.md](loading.md#forms-of-values)",
    )
    date_formats: str = setting(
        "",
        doc="the forms of dates, separated by `|`: `iso`, `epoch_days`, or a pattern such as `%b %d %Y`; "
        "empty: as the dialect has it, mostly `iso`",
    )
    time_zone: str = setting(
        "", doc="the time zone of timestamps that have none, such as `Europe/Berlin`; empty: UTC"
    )
    decimal_mark: str = setting(".", doc="the character before a number's decimals", choices=(".", ","))
    thousands_mark: str = setting(
        "",
        doc="the character between groups of three digits; empty: there is none",
        choices=("", ",", ".", "'", " ", "_"),
    )
    true_words: tuple[str, ...] = setting(
        (), doc="the words for true, separated by commas; empty: as the dialect has it, mostly `true`"
    )
    false_words: tuple[str, ...] = setting(
        (), doc="the words for false, separated by commas; empty: as the dialect has it, mostly `false`"
    )
    blob_form: str = setting(
        "",
        doc="how blobs are written: `0x` and hexadecimal digits, `hex` without the 0x, or `base64`; "
        "empty: as the dialect has it, mostly `0x`",
        choices=("", *BLOB_FORMS),
    )
    nested_form: str = setting(
        "",
        doc="how collections, tuples, UDTs and vectors are written: as `json`, or as literals of `cql`, such "
        "as `['a', 'b']`; empty: as the dialect has it, `cql` for `cqlsh`, else `json`",
        choices=("", *NESTED_FORMS),
    )
    whole_floats: bool = setting(
        default=False,
        doc="`true`: 12.0 is a whole number too, as pandas writes whole numbers beside empty fields",
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.decimal_mark == self.thousands_mark:
            raise SettingError(
                f"decimal_mark and thousands_mark are both {self.decimal_mark!r}; they must differ"
            )
        if both := set(self.true_words) & set(self.false_words):
            raise SettingError(
                f"true_words and false_words both have {min(both)!r}; a word means one of them"
            )
        if self.time_zone:
            try:
                zoneinfo.ZoneInfo(self.time_zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise SettingError(
                    f"time_zone is {self.time_zone!r}; it must be a name such as Europe/Berlin"
                ) from error
        for name in ("timestamp_formats", "date_formats"):
            if text := getattr(self, name):
                for form in forms_of(text):
                    _require_form(name, form)

    def over(self, dialect: "ValuesConfig") -> Self:
        """Return it with what it leaves to the dialect as `dialect` has it."""
        return replace(self, **{name: getattr(self, name) or getattr(dialect, name) for name in _OF_DIALECT})


def forms_of(text: str) -> list[str]:
    """Return the forms that a setting names."""
    return [form.strip() for form in text.split("|")]


def _require_form(name: str, form: str) -> None:
    if form == ISO or form in {"timestamp_formats": EPOCHS, "date_formats": {EPOCH_DAYS}}[name]:
        return
    wanted = {"%Y", "%m", "%d"}
    found = set(re.findall("%.?", form))
    given = {_SAME.get(part, part) for part in found}
    if unknown := sorted(found - _KNOWN):
        raise SettingError(
            f"{name}: {form!r} has {unknown[0]}, which is not known; there are {', '.join(sorted(_KNOWN))}"
        )
    if missing := sorted(wanted - given):
        raise SettingError(f"{name}: {form!r} has no {missing[0]}; a pattern needs year, month and day")
    if name == "date_formats" and (clock := sorted(given & _CLOCK)):
        raise SettingError(f"{name}: {form!r} has {clock[0]}; a date has no time of day")
    if ("%p" in found) != ("%I" in found) or {"%H", "%I"} <= found:
        raise SettingError(f"{name}: {form!r} needs %I and %p together, or %H")


_KNOWN = {"%Y", "%y", "%m", "%b", "%B", "%d", "%H", "%I", "%p", "%M", "%S", "%f", "%z", "%%"}
_SAME = {"%y": "%Y", "%b": "%m", "%B": "%m", "%I": "%H"}
_CLOCK = {"%H", "%M", "%S", "%f", "%z", "%p"}

_OF_DIALECT = ("date_formats", "true_words", "false_words", "blob_form", "nested_form")
USUAL = ValuesConfig(
    date_formats=ISO, true_words=("true",), false_words=("false",), blob_form="0x", nested_form="json"
)
"""How values are written where neither a setting nor the dialect says something else."""
