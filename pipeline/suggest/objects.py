"""The fields of JSON objects: their keys, and paths to the values of objects inside of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.suggest.notes import Notes


@dataclass
class _Place:
    """What was found at one path: how many values that are no object, and the keys of those that are."""

    values: int = 0
    keys: "dict[str, _Place]" = field(default_factory=dict)


def fields_of(text: str, notes: Notes) -> list[str]:
    """Return the names of the fields of the objects at the beginning of a file, as a mapping has them."""
    top, count = _Place(), 0
    for found in _objects(text):
        count += 1
        _add(top, found)
    names = list(_names(top, ()))
    if any(name.startswith("/") for name in names):
        notes.reason("objects inside of its objects: their values have columns of their own")
    if count == _MOST_OBJECTS or len(text) > _ENOUGH_CHARACTERS:
        notes.doubt(f"its keys are those of the first {count} objects; others are left out")
    return names


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the objects of an array, of lines, or one after another, until the text ends or is cut off."""
    decoder = json.JSONDecoder()
    at, count = 0, 0
    while count < _MOST_OBJECTS:
        while at < len(text) and text[at] in " \t\r\n[,]\ufeff":
            at += 1
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if isinstance(found, dict):
            count += 1
            yield found


def _add(place: _Place, members: dict[str, object]) -> None:
    for key, value in members.items():
        inner = place.keys.setdefault(key, _Place())
        if isinstance(value, dict) and value:
            _add(inner, value)
        elif value is not None:
            inner.values += 1


def _names(place: _Place, path: tuple[str, ...]) -> Iterator[str]:
    for key, inner in place.keys.items():
        own = (*path, key)
        # An object with many keys, or that is sometimes something else, is a value itself.
        if inner.keys and not inner.values and len(inner.keys) <= _MOST_KEYS and len(own) < _DEEPEST:
            yield from _names(inner, own)
        else:
            yield key if not path and not key.startswith("/") else _pointer(own)


def _pointer(path: tuple[str, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


_MOST_OBJECTS = 20_000
_ENOUGH_CHARACTERS = 4_000_000
_MOST_KEYS = 30
_DEEPEST = 4
