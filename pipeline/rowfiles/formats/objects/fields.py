"""JSON objects as columns of text: each field's value as it stands in its object.

A string is its text, null and an absent key are null, any other value is its JSON. Numbers stay text, so that
none loses a digit. A field is named by its key, or by a JSON Pointer such as /address/city (RFC 6901).
"""

import functools
import json
import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SettingError
from pipeline.rowfiles.opening import not_utf8

Tree = dict[str, "Tree | int"]
"""The fields of an object by their keys: a field's number, or the tree of a nested object."""


class Objects:
    """Takes fields out of objects. Without `others`, an object may have no other keys than these.

    An object may not have a field's key twice, nor that of an object that a field is inside of. What is
    inside of a field's value is for its column to judge.
    """

    def __init__(self, names: Sequence[str], *, others: bool) -> None:
        tree: Tree = {}
        paths = [_path(name) for name in names]
        for number, path in enumerate(paths):
            _insert(tree, path, number)
        outer = {path[:end] for path in paths for end in range(1, len(path))}
        self._outer = [(_in_json(path[-1]), _getter(tree, path)) for path in sorted(outer)]
        self._keys = [_in_json(path[-1]) for path in paths]
        self.field_count = len(paths)
        self._paths = paths
        self._tree = tree
        self._others = others
        self._getters = [_getter(tree, path) for path in paths]
        # msgspec's structs cannot have keys that JSON escapes.
        is_plain = all(_in_json(key)[1:-1] == key.encode() for path in paths for key in path)
        self._decoder: msgspec.json.Decoder[Any] | None = None
        if is_plain:
            struct: Any = _struct(tree, others=others)
            self._decoder = msgspec.json.Decoder(struct)
            self._array_decoder = msgspec.json.Decoder(list[struct])

    def columns(self, text: bytes, row_count: int, *, in_array: bool) -> list[pa.Array] | None:
        """Return the fields of `row_count` objects as columns of text; None where one of them is in doubt.

        The objects follow one another, in an array with commas between them.
        """
        if self._decoder is None or not _is_utf8(text) or (b"\\" in text and _ESCAPED_KEY.search(text)):
            return None
        try:
            rows = (
                self._array_decoder.decode(b"[%b]" % text) if in_array else self._decoder.decode_lines(text)
            )
        except (msgspec.DecodeError, RecursionError):
            return None
        if len(rows) != row_count:
            return None
        columns = [list(map(getter, rows)) for getter in self._getters]
        outer = [(key, list(map(getter, rows))) for key, getter in self._outer]
        # An object that has a key twice has it more often than it has values.
        for key, values in [*zip(self._keys, columns, strict=True), *outer]:
            if text.count(key) > row_count - values.count(_ABSENT):
                return None
        return [_as_text(raw) for raw in columns]

    def row(self, content: bytes) -> list[str | None]:
        """Return the fields of one object.

        Raises:
            ValueError: it is not an object, not UTF-8, has a key twice, or a key that is no field.
        """
        if not content.strip():
            raise ValueError("an empty line; remove it")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise ValueError(not_utf8(error)) from error
        try:
            raw = self._raw_values(content)
            # Numbers as text, because Python limits the digits of an integer.
            members = json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str)
            _require_once(members, self._tree)
            return [_as_text([value])[0].as_py() for value in raw]
        except msgspec.DecodeError as error:
            raise ValueError(f"{_plain(error)}; a row is one JSON object") from error
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def _raw_values(self, content: bytes) -> list[msgspec.Raw]:
        if self._decoder is not None:
            found = self._decoder.decode(content)
            return [getter(found) for getter in self._getters]
        members = _MEMBERS.decode(content)
        if not self._others and (unknown := set(members) - {path[0] for path in self._paths}):
            raise ValueError(f"Object contains unknown field {min(unknown)!r}; a row is one JSON object")
        return [_value_at(members, path) for path in self._paths]


@functools.lru_cache
def objects_of(names: tuple[str, ...], *, others: bool) -> Objects:
    """Return what takes these fields out of objects."""
    return Objects(names, others=others)


def _in_json(key: str) -> bytes:
    return json.dumps(key, ensure_ascii=False).encode()


def _path(name: str) -> tuple[str, ...]:
    if not name.startswith("/"):
        return (name,)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/"))


def _insert(tree: Tree, path: tuple[str, ...], number: int) -> None:
    *outer, last = path
    for key in outer:
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            raise SettingError(f"mapping: {'/'.join(path)!r} is inside of {key!r}, which is a field itself")
        tree = inner
    if last in tree:
        raise SettingError(f"mapping: {last!r} is a field twice, or has a field inside of it")
    tree[last] = number


def _require_once(members: list[tuple[str, Any]], tree: Tree) -> None:
    """Return if an object, as a list of its members, has each key in `tree` at most once.

    Raises:
        ValueError: it has one twice.
    """
    known = [name for name, _ in members if name in tree]
    if len(set(known)) < len(known):
        raise ValueError("two keys of a JSON object are the same")
    for name, value in members:
        below = tree.get(name)
        if isinstance(below, dict) and value is not None:
            _require_once(value, below)


def _value_at(members: dict[str, msgspec.Raw], path: Sequence[str]) -> msgspec.Raw:
    for key in path[:-1]:
        outer = members.get(key, _ABSENT)
        if bytes(outer) in {b"", b"null"}:
            return _ABSENT
        members = _MEMBERS.decode(outer)
    return members.get(path[-1], _ABSENT)


def _struct(tree: Tree, *, others: bool) -> type:
    fields: list[tuple[str, Any, Any]] = []
    rename = {}
    for at, (key, below) in enumerate(tree.items()):
        name = f"f{at}"
        rename[name] = key
        if isinstance(below, dict):
            fields.append((name, _struct(below, others=True) | None, _ABSENT))
        else:
            fields.append((name, msgspec.Raw, _ABSENT))
    return msgspec.defstruct("Fields", fields, rename=rename, forbid_unknown_fields=not others, gc=False)


def _getter(tree: Tree, path: tuple[str, ...]) -> Callable[[Any], msgspec.Raw]:
    """Return what gets the value at a path, `_ABSENT` where it is not there."""
    names = []
    below: Tree | int = tree
    for key in path:
        below = cast("Tree", below)
        names.append(f"f{list(below).index(key)}")
        below = below[key]
    if len(names) == 1:
        return attrgetter(names[0])

    def get(row: Any) -> msgspec.Raw:  # noqa: ANN401 - a struct made above
        for name in names:
            if row is None or row is _ABSENT:
                return _ABSENT
            row = getattr(row, name)
        found: msgspec.Raw = row
        return found

    return get


def _is_utf8(text: bytes) -> bool:
    ends = pa.py_buffer(np.array([0, len(text)], np.int32))
    try:
        pa.StringArray.from_buffers(1, ends, pa.py_buffer(text)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _as_text(raw: Sequence[msgspec.Raw]) -> pa.Array:
    """Return JSON values in UTF-8 as text."""
    # No JSON has a byte of zero.
    joined = b"\0".join([*raw, b""])
    ends = np.flatnonzero(np.frombuffer(joined, np.uint8) == 0) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    values = pa.Array.from_buffers(pa.binary(), len(raw), [None, pa.py_buffer(offsets), pa.py_buffer(joined)])
    first = np.frombuffer(joined, np.uint8)[offsets[:-1]]
    is_string = first == _QUOTE
    if is_string.all() and b"\\" not in joined:
        return pc.binary_slice(values, 1, -2).cast(pa.string())
    values = pc.binary_slice(values, 0, -1)
    texts = pc.if_else(pa.array(is_string), pc.binary_slice(values, 1, -1), values)
    if b"\\" in joined:
        has_escape = pc.match_substring(values, "\\").to_numpy(zero_copy_only=False)
        at = np.flatnonzero(is_string & has_escape)
        meant = [json.loads(bytes(raw[position])).encode() for position in at.tolist()]
        mask = np.zeros(len(raw), dtype=bool)
        mask[at] = True
        texts = pc.replace_with_mask(texts, pa.array(mask), pa.array(meant, pa.binary()))
    absent = pc.is_in(values, value_set=pa.array([b"", b"null"], pa.binary()))
    return pc.if_else(absent, pa.scalar(None, pa.binary()), texts).cast(pa.string())


def _plain(error: msgspec.DecodeError) -> str:
    return str(error).replace("`", "'")


_ABSENT = msgspec.Raw(b"")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ESCAPED_KEY = re.compile(rb'\\.[^"\\]*+"[ \t\r\n]*+:', re.DOTALL)
_QUOTE = ord('"')
