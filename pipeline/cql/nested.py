"""CQL types made of other types, as JSON: list, set, vector and tuple are arrays, map and UDT are objects.

Null may stand only inside a tuple or a UDT, as in Cassandra; a field that a UDT's object leaves out is null.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from cassandra import cqltypes
from cassandra.util import OrderedMap, SortedSet

from pipeline.cql.scalars import CqlType

Map = Mapping[object, object] | Iterable[tuple[object, object]]
"""Python's map, the driver's, or a list of pairs, as Arrow has it."""


@dataclass(frozen=True)
class NestedType(CqlType):
    """A type whose text is JSON: from what JSON holds to the value, and back."""

    load: Callable[[object], object]
    dump: Callable[..., object]


def sequence(outer: str, element: CqlType) -> CqlType:
    """Return `list<element>` or `set<element>`; a set is in the driver's order, and may hold anything."""

    def load(items: object) -> object:
        values = [_load(element, item) for item in _array(outer, items)]
        return SortedSet(values) if outer == "set" else values

    def dump(values: Iterable[object]) -> object:
        dumped = [_dump(element, value) for value in values]
        return sorted(dumped, key=json.dumps) if outer == "set" else dumped

    driver = cqltypes.SetType if outer == "set" else cqltypes.ListType
    return _nested(load, dump, driver.apply_parameters([element.driver]))


def mapping(key: CqlType, item: CqlType) -> CqlType:
    """Return `map<key, item>`; a key that is no text is the text of its JSON."""

    def load(members: object) -> object:
        if not isinstance(members, dict):
            raise ValueError("a map is a JSON object")  # noqa: TRY004 - the file's value is wrong, not a caller's type
        pairs = [(_load(key, name), _load(item, member)) for name, member in members.items()]
        # One order, whatever the text's: maps that are equal are equal bytes too, as keys must be.
        pairs.sort(key=lambda pair: key.serialise(pair[0]))
        # The driver's own map takes keys that Python's refuses.
        values = OrderedMap(pairs) if isinstance(key, NestedType) else dict(pairs)
        if len(values) < len(pairs):
            raise ValueError("two keys of a map are the same")
        return values

    def dump(values: Map) -> object:
        pairs = pairs_of(values)
        return _without_twins([(key.format(name), _dump(item, value)) for name, value in pairs])

    return _nested(load, dump, cqltypes.MapType.apply_parameters([key.driver, item.driver]))


def vector(element: CqlType, size: int) -> CqlType:
    """Return `vector<element, size>`."""

    def load(items: object) -> object:
        return [_load(element, item) for item in _array("vector", items, size)]

    def dump(values: Iterable[object]) -> object:
        return [_dump(element, value) for value in values]

    return _nested(load, dump, cqltypes.VectorType.apply_parameters([element.driver, size], None))


def tuple_type(elements: Sequence[CqlType]) -> CqlType:
    """Return `tuple<…>`; all its values must be there, if only as null."""

    def load(items: object) -> object:
        return tuple(
            None if item is None else _load(element, item)
            for element, item in zip(elements, _array("tuple", items, len(elements)), strict=True)
        )

    def dump(values: Iterable[object]) -> object:
        values = values.values() if isinstance(values, Mapping) else values
        return [
            None if value is None else _dump(element, value)
            for element, value in zip(elements, values, strict=True)
        ]

    return _nested(load, dump, cqltypes.TupleType.apply_parameters([element.driver for element in elements]))


def user_type(name: str, fields: Mapping[str, CqlType]) -> CqlType:
    """Return the UDT `name`; its values are tuples in the order of its fields."""

    def load(members: object) -> object:
        if not isinstance(members, dict):
            raise ValueError("a UDT is a JSON object")  # noqa: TRY004 - as above
        if unknown := members.keys() - fields:
            raise ValueError(f"no field {min(unknown)[:80]!r} in {name}")
        found = ((kind, members.get(field)) for field, kind in fields.items())
        return tuple(None if item is None else _load(kind, item) for kind, item in found)

    def dump(values: Iterable[object]) -> object:
        values = [values[field] for field in fields] if isinstance(values, Mapping) else values
        return {
            field: None if value is None else _dump(kind, value)
            for (field, kind), value in zip(fields.items(), values, strict=True)
        }

    driver = cqltypes.UserType.make_udt_class(
        "row_files", name, tuple(fields), tuple(kind.driver for kind in fields.values())
    )
    return _nested(load, dump, driver)


def pairs_of(values: Map) -> list[tuple[object, object]]:
    """Return a map's keys with their values."""
    if isinstance(values, OrderedMap):
        # It looks a key up by its bytes, and may miss one that it has read itself.
        return list(values._items)  # noqa: SLF001 - nothing else has all of them
    return list(values.items() if isinstance(values, Mapping) else values)


def _nested(load: Callable[[object], object], dump: Callable[..., object], driver: object) -> NestedType:
    def parse(text: str) -> object:
        return load(_read(text))

    def to_text(value: object) -> str:
        return json.dumps(dump(value), ensure_ascii=False)

    return NestedType(parse, to_text, pa.string(), driver, load, dump)


def _read(text: str) -> object:
    try:
        return json.loads(
            text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_without_twins
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("two keys of a JSON object are the same")
    return members


def _array(outer: str, items: object, size: int | None = None) -> list[object]:
    if not isinstance(items, list):
        raise ValueError(f"a {outer} is a JSON array")  # noqa: TRY004 - as above
    if size not in {None, len(items)}:
        raise ValueError(f"{len(items)} values in a {outer} of {size}")
    return items


def _load(kind: CqlType, item: object) -> object:
    if item is None:
        raise ValueError("null inside a collection")
    if isinstance(kind, NestedType):
        # The key of a map can only be text.
        return kind.parse(item) if isinstance(item, str) else kind.load(item)
    if isinstance(item, list | dict):
        raise ValueError("a JSON array or object in the place of one value")  # noqa: TRY004 - as above
    return kind.parse(item if isinstance(item, str) else json.dumps(item))


def _dump(kind: CqlType, value: object) -> object:
    if value is None:
        raise ValueError("null inside a collection")
    return kind.dump(value) if isinstance(kind, NestedType) else kind.format(value)
