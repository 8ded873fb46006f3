"""JSON as the text of nested values: numbers stay text, and no key is lost."""

import json
from collections.abc import Iterable

from pipeline.errors import abbreviated


class NotJsonError(ValueError):
    """A text is not JSON, or not of the shape that its type has in JSON."""


def read(example: str, text: str) -> object:
    """Return what a text of JSON holds, numbers as text.

    Raises:
        ValueError: it is not valid JSON; the message has an example.
    """
    try:
        return json.loads(
            text,
            parse_float=str,
            parse_int=str,
            parse_constant=_refuse_constant,
            object_pairs_hook=without_twins,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _expected(example, f"; character {error.pos + 1} is not JSON") from None


def _refuse_constant(name: str) -> object:
    raise NotJsonError(f"{name} is not JSON; put it in double quotes")


def _expected(example: str, what_is_wrong: str = "") -> NotJsonError:
    return NotJsonError(f"expected JSON such as {abbreviated(example)}{what_is_wrong}")


def without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the members of an object.

    Raises:
        ValueError: two have the same key.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("two keys of a JSON object are the same")
    return members


def array(example: str, items: object, size: int | None = None) -> list[object]:
    """Return the items of an array.

    Raises:
        ValueError: it is not an array, or has another size.
    """
    if not isinstance(items, list):
        raise _expected(example)
    if size not in {None, len(items)}:
        raise ValueError(f"{len(items)} values where {size} are expected")
    return items


def object_members(example: str, members: object) -> Iterable[tuple[str, object]]:
    """Return the members of an object.

    Raises:
        ValueError: it is not an object.
    """
    if not isinstance(members, dict):
        raise _expected(example)
    return members.items()
