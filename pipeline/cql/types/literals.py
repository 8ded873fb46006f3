"""CQL literals of nested values to what JSON would hold for them: arrays, objects, texts and null.

Each type reads its own: `[…]` is a list or a vector, `{…}` a set, a map or a UDT, `(…)` a tuple. Text stands
in single quotes; any other value stands in quotes or not, and its text is judged by its type. What only
`cqlsh COPY TO` writes is read too: a date and a time without quotes, `None` for null in a tuple, nothing at
all for null in a UDT, and `field_1_` for a UDT's second field where its name is none in Python.
"""

import itertools
import json
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from pipeline.cql.types.cqltype import CqlType, Kind, NestedType
from pipeline.errors import abbreviated

Reader = Callable[[Sequence[str], int], tuple[object, int]]
"""Takes tokens, the last of them empty, and where a value begins; returns it, and where the next one does."""


class _UnexpectedError(Exception):
    """The token at a position may not stand there."""

    def __init__(self, at: int) -> None:
        self.at = at


def reader_of(kind: NestedType) -> Callable[[str], object]:
    """Return what reads a literal of a type, or raises ValueError where a text is none."""
    read = _reader(kind)

    def value_of(text: str) -> object:
        try:
            return _whole(read, text)
        except _UnexpectedError as error:
            raise ValueError(
                f"expected a CQL literal such as {abbreviated(_example(kind))}; {_place(text, error.at)}"
                f"{'; --nested-form json reads JSON' if _is_json(text) else ''}"
            ) from None

    return value_of


def hint_for(kind: NestedType, text: str) -> str:
    """Return what a message on a text that is not JSON adds where it is a literal of the type."""
    try:
        reader_of(kind)(text)
    except ValueError:
        return ""
    return "; --nested-form cql reads CQL literals"


def _whole(read: Reader, text: str) -> object:
    tokens = [*_TOKEN.findall(text), ""]
    value, at = read(tokens, 0)
    if tokens[at]:
        raise _UnexpectedError(at)
    if value is None:
        raise _UnexpectedError(0)
    return value


def _reader(kind: CqlType) -> Reader:
    if not isinstance(kind, NestedType):
        return _scalar(is_text=kind.is_text)
    inner = [_reader(each) for each in kind.inner]
    match kind.kind:
        case Kind.LIST | Kind.VECTOR:
            return _sequence("[", "]", itertools.repeat(inner[0]))
        case Kind.SET:
            return _sequence("{", "}", itertools.repeat(inner[0]))
        case Kind.TUPLE:
            return _sequence("(", ")", inner)
        case Kind.MAP:
            return _map(*inner)
    return _user_type(kind.driver.typename, dict(zip(kind.field_names, inner, strict=True)))


def _scalar(*, is_text: bool) -> Reader:
    def read(tokens: Sequence[str], at: int) -> tuple[object, int]:
        token = tokens[at]
        if token in _MARKS or token[0] == '"':
            raise _UnexpectedError(at)
        if token[0] == "'":
            text = token[1:-1]
            if is_text:
                return (text.replace("''", "'") if "''" in text else text), at + 1
            # cqlsh writes a timestamp in quotes, and one that is null as well.
            return (None if text == _NULL_OF_COPY else text), at + 1
        if token in _NULLS:
            return None, at + 1
        if is_text:
            raise _UnexpectedError(at)
        return token, at + 1

    return read


def _sequence(opening: str, closing: str, readers: Iterable[Reader]) -> Reader:
    def read(tokens: Sequence[str], at: int) -> tuple[object, int]:
        if tokens[at] != opening:
            return _null(tokens, at)
        items: list[object] = []
        at += 1
        if tokens[at] == closing:
            return items, at + 1
        for reader in readers:
            item, at = reader(tokens, at)
            items.append(item)
            if tokens[at] != ",":
                return items, _behind(closing, tokens, at)
            at += 1
        raise ValueError(f"more values than the {len(items)} that are expected")

    return read


def _map(key_reader: Reader, item_reader: Reader) -> Reader:
    def read(tokens: Sequence[str], at: int) -> tuple[object, int]:
        if tokens[at] != "{":
            return _null(tokens, at)
        members: dict[str, object] = {}
        at += 1
        if tokens[at] == "}":
            return members, at + 1
        while True:
            key, at = key_reader(tokens, at)
            name = key if isinstance(key, str) else msgspec.json.encode(key).decode()
            if key is None:
                raise ValueError("null inside a collection")
            if name in members:
                raise ValueError("two keys of a map are the same")
            members[name], at = item_reader(tokens, _behind(":", tokens, at))
            if tokens[at] != ",":
                return members, _behind("}", tokens, at)
            at += 1

    return read


def _user_type(type_name: str, readers: Mapping[str, Reader]) -> Reader:
    name_of = {f"field_{at}_": name for at, name in enumerate(readers) if _is_renamed(name)}
    name_of.update(zip(readers, readers, strict=True))

    def read(tokens: Sequence[str], at: int) -> tuple[object, int]:
        if tokens[at] != "{":
            return _null(tokens, at)
        members: dict[str, object] = {}
        at += 1
        if tokens[at] == "}":
            return members, at + 1
        while True:
            name = _field_name(tokens, at, name_of)
            if name not in readers:
                raise ValueError(f"no field {abbreviated(name)!r} in {type_name}")
            if name in members:
                raise ValueError(f"two values of the field {abbreviated(name)!r}")
            at = _behind(":", tokens, at + 1)
            if tokens[at] in {",", "}"}:
                members[name] = None
            else:
                members[name], at = readers[name](tokens, at)
            if tokens[at] != ",":
                return members, _behind("}", tokens, at)
            at += 1

    return read


def _field_name(tokens: Sequence[str], at: int, name_of: Mapping[str, str]) -> str:
    """Return the field that a token names: cqlsh writes any name without quotes, and CQL in lower case."""
    token = tokens[at]
    if token in _MARKS or token[0] == "'":
        raise _UnexpectedError(at)
    if token[0] == '"':
        return token[1:-1].replace('""', '"')
    return name_of.get(token) or token.lower()


def _null(tokens: Sequence[str], at: int) -> tuple[object, int]:
    if tokens[at] in _NULLS:
        return None, at + 1
    raise _UnexpectedError(at)


def _behind(mark: str, tokens: Sequence[str], at: int) -> int:
    if tokens[at] != mark:
        raise _UnexpectedError(at)
    return at + 1


def _is_renamed(name: str) -> bool:
    """Return whether a tuple of Python cannot have a field's name: the driver, and cqlsh, number it then."""
    return not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_")


def _example(kind: CqlType) -> str:
    """Return a literal of a type for a message."""
    if not isinstance(kind, NestedType):
        return kind.example.replace('"', "'")
    inner = [_example(each) for each in kind.inner]
    match kind.kind:
        case Kind.LIST | Kind.VECTOR:
            return f"[{inner[0]}, …]"
        case Kind.SET:
            return f"{{{inner[0]}, …}}"
        case Kind.TUPLE:
            return f"({', '.join(inner)})"
        case Kind.MAP:
            return f"{{{inner[0]}: {inner[1]}, …}}"
    names = [name if _BARE_NAME.fullmatch(name) else json.dumps(name) for name in kind.field_names]
    return f"{{{', '.join(f'{name}: {each}' for name, each in zip(names, inner, strict=True))}}}"


def _place(text: str, at: int) -> str:
    found = next(itertools.islice(_TOKEN.finditer(text), at, None), None)
    return f"character {found.start() + 1} is not expected" if found else "it ends too early"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


_MARKS = frozenset(["", "[", "]", "{", "}", "(", ")", ",", ":", "'", '"'])
_NULL_OF_COPY = "None"
_NULLS = frozenset(["null", "NULL", _NULL_OF_COPY])
_BARE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(
    r"""
      '[^']*(?:''[^']*)*'
    | [][{}(),:]
    | [^]\s[{}(),:'"]+
      (?: [ ][0-9]{2}(?=:[0-9]{2}:[0-9]{2}) )?
      (?: (?<=[0-9]{2}) :[0-9]{2}:[0-9]{2}(?:\.[0-9]+)? (?: Z | [+-][0-9]{2}(?::?[0-9]{2})? )? )?
    | "[^"]*(?:""[^"]*)*"
    | \S
    """,
    re.VERBOSE,
)
"""A text in quotes, a mark, a word that may be a time or a moment, a name in quotes, or a quote by itself."""
