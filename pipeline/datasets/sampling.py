"""Fake values drawn many at a time, with the distribution of Faker's own calls.

A recipe is a callable that returns one value from a Faker. The recipes here can also draw many values at
once, which makes generation fast. A single call defines the distribution.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from faker import Faker

from pipeline.errors import SettingError

if TYPE_CHECKING:
    from random import Random

Item = TypeVar("Item")

Encode = Callable[[list[object]], pa.Array]
"""Encodes a column's values for its row file: as text for CSV, in the column's Arrow type for Parquet."""

Sample = Callable[[np.random.Generator, int], pa.Array]
"""Draws `count` encoded values. The first n values do not depend on `count`."""


@runtime_checkable
class BulkRecipe(Protocol):
    """A recipe that can draw many values at once."""

    def __call__(self, fake: Faker, /) -> object:
        """Return one value."""

    def bulk(self, fake: Faker, encode: Encode) -> Sample | None:
        """Return a function that draws many values with the distribution of single calls.

        None where this Faker must be called for each value.

        Raises:
            SettingError: the Faker's locale has no such values.
        """


@dataclass(frozen=True)
class FakerTable:
    """The values of a method of Faker, such as `first_name`, drawn from its weighted table.

    A method that does not pick from tables, or that has more than `_MAX_OUTCOMES` outcomes, is called once
    for each row.
    """

    method: str

    def __call__(self, fake: Faker, /) -> object:
        """Return one value."""
        return getattr(fake, self.method)()

    def bulk(self, fake: Faker, encode: Encode) -> Sample | None:
        """Return a function that draws from the table; None where there is no table.

        Raises:
            SettingError: Faker has no such method in this locale.
        """
        if not hasattr(fake, self.method):
            raise SettingError(
                f"Faker has no {self.method!r} in locale {fake.locales[0]}; "
                "correct the recipe or choose another locale"
            )
        table = outcomes(self, fake)
        if table is None:
            return None
        values, probabilities = table
        encoded = encode(values)
        cumulative = np.cumsum(probabilities)
        cumulative /= cumulative[-1]

        def sample(rng: np.random.Generator, count: int) -> pa.Array:
            return encoded.take(pa.array(np.searchsorted(cumulative, rng.random(count), side="right")))

        return sample


@dataclass(frozen=True)
class RandomUuid:
    """A random UUID, version 4."""

    def __call__(self, fake: Faker, /) -> object:
        """Return one value."""
        return fake.uuid4(cast_to=None)

    def bulk(self, fake: Faker, encode: Encode) -> Sample:
        """Return a function that draws them: as text where `encode` returns text, else as Arrow's UUIDs."""
        del fake
        return _sample_texts if pa.types.is_string(encode([]).type) else _sample_uuids


def outcomes(recipe: Callable[[Faker], object], fake: Faker) -> tuple[list[object], Sequence[float]] | None:
    """Return every value that the recipe can return and its probability; a value may occur twice.

    The recipe is called once for each combination of picks, so the result is right however a locale's
    provider computes its value. None where a call draws anything but picks from tables, or has more than
    `_MAX_OUTCOMES` combinations.
    """
    fake.seed_instance(0)  # unseeded, some methods take random numbers from the operating system
    script = _Script()
    values: list[object] = []
    probabilities: list[float] = []
    [generator] = fake.factories
    before, generator.random = generator.random, cast("Random", script)
    try:
        while script.rewind():
            values.append(recipe(fake))
            probabilities.append(script.probability)
    except _NotATableError:
        return None
    finally:
        generator.random = before
    return values, probabilities


class _NotATableError(Exception):
    """The outcomes of a recipe cannot be listed."""


class _Script:
    """Takes the place of Faker's random numbers, and goes through all combinations of picks, one per call."""

    def __init__(self) -> None:
        self._picks: list[_Pick] = []
        self._at: int | None = None

    def rewind(self) -> bool:
        """Begin the next combination of picks; return False after the last one."""
        if self._at is not None:
            while self._picks and self._picks[-1].is_last:
                self._picks.pop()
            if not self._picks:
                return False
            self._picks[-1].chosen += 1
        self._at = 0
        return True

    @property
    def probability(self) -> float:
        """The probability of this call's picks."""
        return math.prod(pick.probability for pick in self._picks)

    def choice(self, options: Sequence[Item]) -> Item:
        """Pick as Random.choice does."""
        return options[self._pick([1.0] * len(options))]

    def choices(
        self, options: Sequence[Item], weights: Sequence[float] | None = None, k: int = 1
    ) -> list[Item]:
        """Pick as Random.choices does."""
        likely = weights or [1.0] * len(options)
        return [options[self._pick(likely)] for _ in range(k)]

    def __getattr__(self, name: str) -> object:
        raise _NotATableError(name)

    def _pick(self, weights: Sequence[float]) -> int:
        at = self._at or 0
        if at == len(self._picks):
            whole = sum(weights)
            self._picks.append(_Pick([weight / whole for weight in weights]))
            # With even picks, this call's probability is one over that product. The probabilities of all
            # calls add up to one, so while no product exceeds the bound, neither does the number of calls.
            if math.prod(len(pick.probabilities) for pick in self._picks) > _MAX_OUTCOMES:
                raise _NotATableError
        self._at = at + 1
        return self._picks[at].chosen


@dataclass
class _Pick:
    probabilities: Sequence[float]
    chosen: int = 0

    @property
    def is_last(self) -> bool:
        return self.chosen == len(self.probabilities) - 1

    @property
    def probability(self) -> float:
        return self.probabilities[self.chosen]


def _sample_octets(rng: np.random.Generator, count: int) -> npt.NDArray[np.uint8]:
    octets = np.frombuffer(rng.bytes(_UUID_BYTES * count), np.uint8).reshape(count, _UUID_BYTES).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40  # version and variant, as RFC 9562 places them
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    return octets


def _sample_uuids(rng: np.random.Generator, count: int) -> pa.Array:
    stored = [None, pa.py_buffer(_sample_octets(rng, count))]
    return pa.ExtensionArray.from_storage(
        pa.uuid(), pa.Array.from_buffers(pa.binary(_UUID_BYTES), count, stored)
    )


def _sample_texts(rng: np.random.Generator, count: int) -> pa.Array:
    digits = _HEX[_sample_octets(rng, count)].view(np.uint8)
    texts = np.full((count, _UUID_CHARACTERS), ord("-"), np.uint8)
    for group, (start, end) in enumerate([(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]):
        texts[:, start + group : end + group] = digits[:, start:end]
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(_UUID_CHARACTERS)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])


_MAX_OUTCOMES = 100_000
_UUID_BYTES = 16
_UUID_CHARACTERS = 36
_HEX = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)
"""Each octet's two hexadecimal digits."""
