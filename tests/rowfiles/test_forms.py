"""Forms of values: what is written in another way is read as what it means, and nothing is guessed."""

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.errors import SettingError
from pipeline.rowfiles.dialect import values_of_dialect
from pipeline.rowfiles.forms import rewritten
from pipeline.rowfiles.sources import options_of
from pipeline.settings import ColumnsConfig, FilesConfig, ValuesConfig
from tests.rowfiles.test_csvfile import PROVE

MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))  # noqa: DTZ001 - naive is UTC


def read(type_name: str, texts: Sequence[str | None], **config: object) -> list[object]:
    """Return the values that texts mean, or what is wrong with them."""
    column = Column("c", type_name, is_key=False)
    found, wrong = rewritten(column, pa.array(texts, pa.string()), ValuesConfig(**config))  # type: ignore[arg-type]
    values: list[object] = []
    for at, text in enumerate(found.to_pylist()):
        if at in wrong:
            values.append(wrong[at])
            continue
        try:
            values.append(None if text is None else column.cql_type.parse(text))
        except ValueError as error:
            values.append(f"{text}: {error}")
    return values


def utc(text: str) -> dt.datetime:
    """Return a moment as the driver has it."""
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("formats", "text", "moment"),
    [
        ("%Y/%m/%d %H:%M", "2012/01/02 03:04", "2012-01-02T03:04"),
        ("%b %d %Y", "Jan 1 2000", "2000-01-01"),
        ("%d. %B %Y", "1. march 2000", "2000-03-01"),
        ("%m/%d/%y %I:%M %p", "12/31/69 12:05 am", "1969-12-31T00:05"),
        ("%m/%d/%y %I:%M %p", "1/2/68 12:05 PM", "2068-01-02T12:05"),
        ("%Y%m%d%H%M%S.%f", "20260102030405.678901", "2026-01-02T03:04:05.678"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-02T03:04:05+0100", "2026-01-02T02:04:05"),
        ("100%% %Y-%m-%d", "100% 2026-01-02", "2026-01-02"),
        ("epoch_s", "-1", "1969-12-31T23:59:59"),
        ("epoch_ms", "1700000000123", "2023-11-14T22:13:20.123"),
        ("epoch_us", "1700000000123456", "2023-11-14T22:13:20.123"),
        ("epoch_ns", "1700000000123456789", "2023-11-14T22:13:20.123"),
        ("%d.%m.%Y | iso", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05"),
        ("%d.%m.%Y | iso", "02.01.2026", "2026-01-02"),
    ],
)
def test_a_moment_in_a_form_is_read(formats: str, text: str, moment: str) -> None:
    """A timestamp in one of the forms is the moment that it means; null stays null."""
    [found, nothing] = read("timestamp", [text, None], timestamp_formats=formats)
    assert isinstance(found, dt.datetime)
    assert found.replace(tzinfo=None) == utc(moment)
    assert nothing is None


@pytest.mark.parametrize(
    ("formats", "text", "said"),
    [
        (
            "%d.%m.%Y",
            "2026-01-02",
            "'2026-01-02' is not a valid timestamp: expected %d.%m.%Y, in one meaning",
        ),
        ("%d.%m.%Y", "31.02.2026", "2026-02-31T00:00:00: "),
        ("%d.%m.%Y", "1.1.2026 ", "'1.1.2026 ' is not"),
        ("%H:%M %d.%m.%Y", "25:00 1.1.2026", "2026-01-01T25:00:00: "),
        ("epoch_ms", "1.5", "'1.5' is not a valid timestamp: expected epoch_ms"),
        ("epoch_s", "99999999999999", "'99999999999999' is not"),
        (
            "%d/%m/%Y | %m/%d/%Y",
            "01/02/2026",
            "'01/02/2026' is not a valid timestamp: expected %d/%m/%Y |",
        ),
        ("iso", "02.01.2026", "02.01.2026: expected ISO 8601"),
    ],
)
def test_what_fits_no_form_or_two_is_wrong(formats: str, text: str, said: str) -> None:
    """A text in no form, in two with different meanings, or that is no day, is refused, and says why."""
    [found] = read("timestamp", [text], timestamp_formats=formats)
    assert str(found).startswith(said)


def test_two_forms_of_one_meaning_agree() -> None:
    """A text that fits two forms is read where both mean the same."""
    [found] = read("timestamp", ["02/02/2026"], timestamp_formats="%d/%m/%Y | %m/%d/%Y")
    assert found == utc("2026-02-02")


def test_a_time_zone_is_that_of_what_has_none() -> None:
    """Local times become UTC; a time that clocks show twice or never is refused; a zone in a text counts."""
    texts = [
        "2026-07-01T12:00",
        "2026-01-01 12:00:00.5",
        "2026-01-01",
        "2026-01-01T12:00Z",
        "1800-01-01T00:00",
    ]
    found = read("timestamp", texts, time_zone="Europe/Berlin")
    assert found[:4] == [
        utc("2026-07-01T10:00"),
        utc("2026-01-01T11:00:00.5"),
        utc("2025-12-31T23:00"),
        utc("2026-01-01T12:00"),
    ]
    assert found[4] == utc("1799-12-31T23:06:32")
    [twice, never, no_day] = read(
        "timestamp", ["2026-10-25T02:30", "2026-03-29T02:30", "2026-02-31T00:00"], time_zone="Europe/Berlin"
    )
    for wrong in (twice, never, no_day):
        assert "and a time that Europe/Berlin has once" in str(wrong)
    [by_pattern] = read(
        "timestamp", ["1.7.2026 12:00"], time_zone="Europe/Berlin", timestamp_formats="%d.%m.%Y %H:%M"
    )
    assert by_pattern == utc("2026-07-01T10:00")


@PROVE
@given(moments=st.lists(MOMENTS, min_size=1))
def test_any_moment_survives_its_pattern(moments: list[dt.datetime]) -> None:
    """What strftime writes is read back, to the millisecond."""
    texts = [f"{moment.day:02}/{moment.month:02}/{moment.year:04} {moment:%H:%M:%S.%f}" for moment in moments]
    found = read("timestamp", list(texts), timestamp_formats="%d/%m/%Y %H:%M:%S.%f")
    assert found == [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in moments]


@pytest.mark.parametrize(
    ("type_name", "config", "texts", "values"),
    [
        ("date", {"date_formats": "%d.%m.%Y"}, ["24.12.2026"], ["2026-12-24"]),
        (
            "date",
            {"date_formats": "iso|epoch_days"},
            ["2026-12-24", "1", "-1"],
            ["2026-12-24", "1970-01-02", "1969-12-31"],
        ),
        (
            "date",
            {"date_formats": "epoch_days"},
            ["2147483647", "-2147483648"],
            ["2147483647", "-2147483648"],
        ),
        (
            "boolean",
            {"true_words": ("yes", "1"), "false_words": ("no",)},
            ["yes", "1", "no", None],
            ["True", "True", "False", "None"],
        ),
        ("blob", {"blob_form": "base64"}, ["AAE=", ""], ["b'\\x00\\x01'", "b''"]),
        ("blob", {"blob_form": "hex"}, ["00fF"], ["b'\\x00\\xff'"]),
        ("list<blob>", {"blob_form": "base64"}, ['["AAE=", ""]', "[]"], ["[b'\\x00\\x01', b'']", "[]"]),
        ("list<blob>", {"blob_form": "hex", "nested_form": "cql"}, ["[00fF]"], ["[b'\\x00\\xff']"]),
        (
            "list<frozen<map<blob, int>>>",
            {"blob_form": "base64"},
            ['[{"AAE=": 1}]'],
            ["[{b'\\x00\\x01': 1}]"],
        ),
        (
            "tuple<int, blob, frozen<set<blob>>>",
            {"blob_form": "base64"},
            ['[1, "AAE=", ["AA=="]]', "[1, null, null]"],
            ["(1, b'\\x00\\x01', SortedSet([b'\\x00']))", "(1, None, None)"],
        ),
        (
            "map<boolean, boolean>",
            {"true_words": ("1", "true"), "false_words": ("0", "false")},
            ['{"0": true, "1": false}', '{"false": "1"}'],
            ["{False: True, True: False}", "{False: True}"],
        ),
        ("list<int>", {"nested_form": "cql"}, ["[1, 2]", None], ["[1, 2]", "None"]),
        ("list<text>", {"nested_form": "cql"}, ["['a', 'it''s']"], ["['a', \"it's\"]"]),
        ("set<int>", {"nested_form": "cql"}, ["{1, 2}", "{}"], ["SortedSet([1, 2])", "SortedSet([])"]),
        ("int", {"whole_floats": True}, ["12.0", "-3.", "4"], ["12", "-3", "4"]),
        ("bigint", {"thousands_mark": ","}, ["1,234,567", "1234567"], ["1234567", "1234567"]),
        (
            "decimal",
            {"decimal_mark": ",", "thousands_mark": "."},
            ["-1.234,50", "0,5", "7"],
            ["-1234.50", "0.5", "7"],
        ),
        ("double", {"decimal_mark": ","}, ["1,5e3", "NaN"], ["1500.0", "nan"]),
        ("text", {"decimal_mark": ",", "true_words": ("x",)}, ["true", "1,5"], ["true", "1,5"]),
    ],
)
def test_other_values_are_read(
    type_name: str, config: dict[str, object], texts: list[str | None], values: list[str]
) -> None:
    """Each setting of [values] reads the values of its types."""
    assert [str(value) for value in read(type_name, texts, **config)] == values


@pytest.mark.parametrize(
    ("type_name", "config", "text"),
    [
        ("boolean", {"true_words": ("yes",), "false_words": ("no",)}, "true"),
        ("blob", {"blob_form": "base64"}, "A"),
        ("blob", {"blob_form": "hex"}, "0x00"),
        ("list<blob>", {"blob_form": "base64"}, '["0x0"]'),
        ("list<blob>", {"blob_form": "base64"}, '["A"]'),
        ("list<boolean>", {"true_words": ("yes",), "false_words": ("no",)}, '["true"]'),
        ("list<text>", {"nested_form": "cql"}, '["a"]'),
        ("set<int>", {"nested_form": "cql"}, "[1]"),
        ("date", {"date_formats": "epoch_days"}, "2147483648"),
        ("date", {"date_formats": "epoch_days"}, "9999999999"),
        ("date", {"date_formats": "epoch_days"}, "1.0"),
        ("int", {"whole_floats": True}, "12.5"),
        ("int", {"thousands_mark": ","}, "12,34"),
        ("decimal", {"decimal_mark": ","}, "1.5"),
        ("decimal", {"thousands_mark": ","}, "1,5"),
        ("date", {"date_formats": "%d.%m.%Y"}, "2026-12-24"),
    ],
)
def test_other_forms_are_wrong(type_name: str, config: dict[str, object], text: str) -> None:
    """What is not in the named form is refused, also where the usual form would take it."""
    [found] = read(type_name, [text], **config)
    assert isinstance(found, str)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"timestamp_formats": "%Y-%m"}, "has no %d; a pattern needs year, month and day"),
        ({"timestamp_formats": "%Y-%m-%d %Q"}, "has %Q, which is not known"),
        ({"timestamp_formats": "%Y-%m-%d %I"}, "needs %I and %p together"),
        ({"date_formats": "%Y-%m-%d %H"}, "has %H; a date has no time of day"),
        ({"date_formats": "epoch_s"}, "has no %Y"),
        ({"time_zone": "Mars/Base"}, "time_zone is 'Mars/Base'; it must be a name such as Europe/Berlin"),
        ({"decimal_mark": ",", "thousands_mark": ","}, "they must differ"),
        ({"true_words": ("x",), "false_words": ("x",)}, "a word means one of them"),
        ({"nested_form": "python"}, "nested_form is 'python'; it must be one of json, cql"),
        ({"timestamp_formats": "epoch_days"}, "has no %Y"),
    ],
)
def test_settings_that_mean_nothing_are_refused(config: dict[str, object], said: str) -> None:
    """A pattern that is none, an unknown zone and marks that contradict each other are refused by name."""
    with pytest.raises(SettingError) as caught:
        ValuesConfig(**config)  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "arrow",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_text_of_any_arrow_type_is_read(arrow: pa.DataType) -> None:
    """A form holds for each of the types that pandas, Polars and others store text as in Parquet."""
    column = Column("c", "blob", is_key=False)
    texts = pa.array(["00ff", None, "x"]).cast(arrow)
    found, wrong = rewritten(column, texts, ValuesConfig(blob_form="hex"))
    assert found.to_pylist() == ["0x00ff", None, None]
    assert list(wrong) == [2]


def test_a_setting_that_is_empty_is_as_the_dialect_has_it() -> None:
    """A dialect says how its program writes values, and a setting overrides that."""
    cqlsh, dsbulk = (FilesConfig(dialect=name) for name in ("cqlsh", "dsbulk"))
    assert values_of_dialect(ValuesConfig(), cqlsh).nested_form == "cql"
    assert values_of_dialect(ValuesConfig(nested_form="json"), cqlsh).nested_form == "json"
    assert values_of_dialect(ValuesConfig(), FilesConfig()).nested_form == "json"
    assert values_of_dialect(ValuesConfig(nested_form="cql"), dsbulk).nested_form == "cql"
    assert values_of_dialect(ValuesConfig(), dsbulk).true_words == ("1", "true")
    assert values_of_dialect(ValuesConfig(blob_form="0x"), dsbulk).blob_form == "0x"


def test_the_usual_form_by_its_name_is_the_same_load() -> None:
    """Naming the form that is meant anyway does not make another load of it; naming another one does."""
    usual, named, other = (
        options_of(ColumnsConfig(), [], values, "unset", None, 0)
        for values in (
            ValuesConfig(),
            ValuesConfig(nested_form="json", blob_form="0x", date_formats="iso", true_words=("true",)),
            ValuesConfig(nested_form="cql"),
        )
    )
    assert named == usual
    assert other != usual
