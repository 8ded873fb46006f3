import math
import random
import re
import uuid
from collections import Counter, OrderedDict
from functools import partial
from operator import methodcaller

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker
from faker.config import AVAILABLE_LOCALES

from pipeline.datasets.sampling import FakerTable, RandomUuid, outcomes
from pipeline.errors import SettingError

WEIGHTS = OrderedDict(a=3, b=1)


def chi_square(one: Counter[object], other: Counter[object]) -> tuple[float, int]:
    """Return the statistic of two equal-sized samples, rare values pooled, and its degrees of freedom."""
    values = sorted(one | other, key=lambda value: one[value] + other[value])
    pairs, pooled = [], np.zeros(2)
    for value in values:
        pooled += (one[value], other[value])
        if pooled.sum() >= 20:
            pairs.append(pooled)
            pooled = np.zeros(2)
    counts = np.array(pairs)
    return float(((counts[:, 0] - counts[:, 1]) ** 2 / counts.sum(axis=1)).sum()), len(counts) - 1


def critical(freedom: int) -> float:
    """Return the value that the statistic exceeds for 1 in 10,000 equal pairs (Wilson and Hilferty)."""
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + 3.719 * math.sqrt(spread)) ** 3


@pytest.mark.parametrize("method", ["first_name", "last_name"])
@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP", "is_IS"])
def test_bulk_values_are_distributed_as_fakers_own(locale: str, method: str) -> None:
    """By a chi-square test, values drawn in bulk have the same distribution as Faker's row by row."""
    count = 30_000
    recipe = FakerTable(method)
    fake = Faker(locale)
    sample = recipe.bulk(fake, pa.array)
    assert sample
    in_bulk = Counter(sample(np.random.default_rng(1), count).to_pylist())
    fake.seed_instance(1)
    row_by_row = Counter(recipe(fake) for _ in range(count))
    statistic, freedom = chi_square(in_bulk, row_by_row)
    assert freedom > 10
    assert statistic < critical(freedom)


@pytest.mark.filterwarnings("ignore:fr_QC locale is deprecated")
def test_every_locales_names_come_from_a_table() -> None:
    """In each locale of Faker, both names have a table, which holds exactly the names that Faker gives."""
    for locale in AVAILABLE_LOCALES:
        fake = Faker(locale, providers=["faker.providers.person"])
        for method in ("first_name", "last_name"):
            table = outcomes(methodcaller(method), fake)
            assert table, (locale, method)
            values, probabilities = table
            assert math.isclose(sum(probabilities), 1), (locale, method)
            fake.seed_instance(1)
            assert {getattr(fake, method)() for _ in range(100)} <= set(values), (locale, method)


def test_outcomes_are_those_of_every_pick_with_its_weight() -> None:
    """A recipe of several weighted picks gives each outcome once, with the product of its probabilities."""

    def recipe(fake: Faker) -> str:
        size = fake.random_element(("small", "large"))
        if size == "small":
            return size
        return size + "".join(fake.random_elements(WEIGHTS, length=2, use_weighting=True))

    table = outcomes(recipe, Faker())
    assert table
    assert dict(zip(*table, strict=True)) == pytest.approx(
        {"small": 0.5, "largeaa": 0.28125, "largeab": 0.09375, "largeba": 0.09375, "largebb": 0.03125}
    )


@pytest.mark.parametrize("method", ["pyint", "name", "uuid4", "binary", "date_time"])
def test_what_has_no_table_is_asked_row_by_row(method: str) -> None:
    """A method that draws numbers, or joins too many picks, has no table; Faker's state is unchanged."""
    fake = Faker()
    assert FakerTable(method).bulk(fake, pa.array) is None
    fake.seed_instance(1)
    assert isinstance(fake.factories[0].random, random.Random)
    assert FakerTable(method)(fake) is not None


def test_uuids_are_random_and_of_version_4() -> None:
    """UUIDs are distinct and of version 4; as text, in Python and in Parquet they are the same."""
    texts, uuids = (
        RandomUuid().bulk(Faker(), partial(pa.array, type=kind))(np.random.default_rng(1), 5000).to_pylist()
        for kind in (pa.string(), pa.uuid())
    )
    assert [str(value) for value in uuids] == texts
    assert {value.version for value in uuids} == {4}
    assert {value.variant for value in uuids} == {uuid.RFC_4122}
    assert len(set(uuids)) == 5000
    ones = np.unpackbits(np.frombuffer(b"".join(value.bytes for value in uuids), np.uint8)).reshape(-1, 128)
    drawn = [bit for bit in range(128) if bit not in {48, 49, 50, 51, 64, 65}]
    assert np.abs(ones[:, drawn].mean(axis=0) - 0.5).max() < 0.04


def test_method_that_a_locale_lacks_is_named() -> None:
    """If the locale lacks a table of Faker, the error names both."""
    message = "Faker has no 'first_kana_name' in locale en_US; correct the recipe or choose another locale"
    with pytest.raises(SettingError, match=re.escape(message)):
        FakerTable("first_kana_name").bulk(Faker("en_US"), pa.array)
