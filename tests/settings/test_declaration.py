"""The declaration of a setting determines its valid values and its documentation."""

import dataclasses

import pytest

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting, settings_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """A dataclass with settings of each kind, and a field that is not a setting."""

    delay_s: float = setting(
        1.0, doc="seconds; `0`: see [pages](page.md#part)", minimum=0, maximum=9, maximum_is="9 is much"
    )
    hue: str = setting("red", name="colour", doc="of the paint", choices=("red", "blue"))
    sizes: tuple[int, ...] = setting((1, 2), doc="some, …", minimum=1, maximum=5)
    limit: int | None = setting(None, doc="`0` or more", minimum=0)
    other: str = ""

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delay_s": -0.5}, "delay_s is -0.5; it must be at least 0"),
        ({"delay_s": 9.5}, "delay_s is 9.5; 9 is much"),
        ({"delay_s": float("nan")}, "delay_s is nan; it must be at least 0"),
        ({"hue": "green"}, "colour is 'green'; it must be one of red, blue"),
        ({"sizes": (1, 0)}, "sizes is 0; it must be at least 1"),
        ({"sizes": (1, 6)}, "sizes is 6; the highest is 5"),
        ({"limit": -1}, "limit is -1; it must be at least 0"),
    ],
)
def test_a_value_beyond_what_is_declared_is_refused(given: dict[str, object], message: str) -> None:
    """Bounds and choices apply to a value and to each of several values; the message has the name."""
    with pytest.raises(SettingError) as refused:
        Sample(**given)  # type: ignore[arg-type]
    assert str(refused.value) == message


def test_values_within_what_is_declared_are_taken() -> None:
    """The defaults, the bounds themselves and, for an optional field, None are valid."""
    assert Sample() == Sample(delay_s=1.0, hue="red", sizes=(1, 2), limit=None)
    assert Sample(delay_s=9.0, hue="blue", sizes=(1, 5), limit=0).sizes == (1, 5)


def test_a_setting_knows_its_field() -> None:
    """Settings are in the order of the fields, with name, type and default; other fields are left out."""
    found = [(each.name, each.field, each.kind, each.default) for each in settings_of(Sample)]
    assert found == [
        ("delay_s", "delay_s", float, 1.0),
        ("colour", "hue", str, "red"),
        ("sizes", "sizes", tuple[int, ...], (1, 2)),
        ("limit", "limit", int | None, None),
    ]


def test_a_sentence_is_plain_where_markdown_is_not_read() -> None:
    """The plain text adds the choices that it does not name, and has no links or marks of Markdown."""
    delay_s, colour, sizes, limit = settings_of(Sample)
    assert delay_s.plain_sentence == "Seconds; 0: see docs/page.md."
    assert colour.sentence == "of the paint; one of `red`, `blue`"
    assert colour.plain_sentence == "Of the paint; one of red, blue."
    assert (sizes.plain_sentence, limit.plain_sentence) == ("Some, …", "0 or more.")
