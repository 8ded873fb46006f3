"""CQL types made of other types, as JSON: list, set, vector and tuple are arrays, map and UDT are objects.

Null may stand only inside a tuple or a UDT, as in Cassandra; a field that a UDT's object leaves out is null.
Arrow's lists stand for arrays, its structs for objects of their fields' names, and its maps for objects.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa
from cassandra import cqltypes
from cassandra.util import OrderedMap, SortedSet

from pipeline import driver
from pipeline.cql.types import literals
from pipeline.cql.types.cqltype import CqlType, Kind, NestedType
from pipeline.cql.types.distinct import count_distinct, differs, distinct_set
from pipeline.cql.types.json import NotJsonError, array, object_members, read, without_twins
from pipeline.cql.types.uuid import UUID_BYTES
from pipeline.errors import abbreviated

Map = Mapping[object, object] | Iterable[tuple[object, object]]
"""Python's map, the driver's, or a list of pairs, as Arrow has it."""


def fits(kind: CqlType, arrow: pa.DataType) -> bool:
    """Return whether values of an Arrow type inside others have the shape of this type's."""
    if isinstance(arrow, pa.BaseExtensionType):
        arrow = arrow.storage_type
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    if pa.types.is_null(arrow):
        return True
    if isinstance(kind, NestedType):
        return kind.takes(arrow)
    return kind.takes_moments if is_moment(arrow) else not pa.types.is_nested(arrow)


def is_moment(arrow: pa.DataType) -> bool:
    """Return whether an Arrow type is one of dates, times of day or timestamps."""
    return any(is_of(arrow) for is_of in (pa.types.is_date, pa.types.is_time, pa.types.is_timestamp))


def list_type(element: CqlType) -> CqlType:
    """Return `list<element>`."""
    return _sequence(Kind.LIST, element, cqltypes.ListType.apply_parameters([element.driver]))


def vector(element: CqlType, size: int) -> CqlType:
    """Return `vector<element, size>`."""
    driver = cqltypes.VectorType.apply_parameters([element.driver, size], None)
    return _sequence(Kind.VECTOR, element, driver, size)


def set_type(element: CqlType) -> CqlType:
    """Return `set<element>`: in the driver's order, and it may hold anything."""
    driver = cqltypes.SetType.apply_parameters([element.driver])
    if differs(element.driver):
        return _sequence(
            Kind.SET, element, driver, gather=lambda values: distinct_set(values, element.serialise)
        )
    return _sequence(Kind.SET, element, driver, gather=SortedSet)


def _sequence(
    kind: Kind,
    element: CqlType,
    driver: object,
    size: int | None = None,
    *,
    gather: Callable[[list[object]], object] = list,
) -> NestedType:
    example = f"[{element.example}, …]"

    def load(items: object) -> object:
        return gather([_load(element, item) for item in array(example, items, size)])

    def dump(values: Iterable[object]) -> object:
        dumped = [_dump(element, value) for value in values]
        return sorted(dumped, key=json.dumps) if kind is Kind.SET else dumped

    def takes(arrow: pa.DataType) -> bool:
        return isinstance(arrow, _LISTS) and fits(element, arrow.value_type)

    return _nested(kind, load, dump, takes, driver, [element], example, field_count=size)


def mapping(key: CqlType, item: CqlType) -> CqlType:
    """Return `map<key, item>`; a key that is no text is the text of its JSON."""
    name = key.example if key.example.startswith('"') else json.dumps(key.example, ensure_ascii=False)
    example = f"{{{name}: {item.example}, …}}"
    is_special = differs(key.driver)

    def load(members: object) -> object:
        pairs = [
            (_load_key(key, name), _load(item, member)) for name, member in object_members(example, members)
        ]
        # One order, whatever the text's: maps that are equal are equal bytes too, as keys must be.
        pairs.sort(key=lambda pair: key.serialise(pair[0]))
        # The driver's own map takes keys that Python's refuses.
        values = OrderedMap(pairs) if isinstance(key, NestedType) else dict(pairs)
        if len(values) < len(pairs) or (is_special and count_distinct(key for key, _ in pairs) < len(pairs)):
            raise ValueError("two keys of a map are the same")
        return values

    def dump(values: Map) -> object:
        pairs = pairs_of(values)
        return without_twins([(text_of(key, name), _dump(item, value)) for name, value in pairs])

    def takes(arrow: pa.DataType) -> bool:
        if pa.types.is_struct(arrow):
            return all(fits(item, field.type) for field in arrow)
        return pa.types.is_map(arrow) and fits(key, arrow.key_type) and fits(item, arrow.item_type)

    driver = cqltypes.MapType.apply_parameters([key.driver, item.driver])
    return _nested(Kind.MAP, load, dump, takes, driver, [key, item], example)


def tuple_type(elements: Sequence[CqlType]) -> CqlType:
    """Return `tuple<…>`; all its values must be there, if only as null."""
    example = f"[{', '.join(element.example for element in elements)}]"

    def load(items: object) -> object:
        return tuple(
            None if item is None else _load(element, item)
            for element, item in zip(elements, array(example, items, len(elements)), strict=True)
        )

    def dump(values: Iterable[object]) -> object:
        values = list(values.values() if isinstance(values, Mapping) else values)
        return [
            None if value is None else _dump(element, value)
            for element, value in zip(elements, array(example, values, len(elements)), strict=True)
        ]

    def takes(arrow: pa.DataType) -> bool:
        if pa.types.is_struct(arrow):
            inner = [field.type for field in arrow]
        else:
            inner = [arrow.value_type] * len(elements) if isinstance(arrow, _LISTS) else []
        return len(inner) == len(elements) and all(map(fits, elements, inner))

    driver = cqltypes.TupleType.apply_parameters([element.driver for element in elements])
    return _nested(Kind.TUPLE, load, dump, takes, driver, elements, example, field_count=len(elements))


def user_type(name: str, fields: Mapping[str, CqlType]) -> CqlType:
    """Return the UDT `name`; its values are tuples in the order of its fields."""
    members = (f"{json.dumps(field, ensure_ascii=False)}: {kind.example}" for field, kind in fields.items())
    example = f"{{{', '.join(members)}}}"

    def load(members: object) -> object:
        values = dict(object_members(example, members))
        if unknown := values.keys() - fields:
            raise ValueError(f"no field {abbreviated(min(unknown))!r} in {name}")
        found = ((kind, values.get(field)) for field, kind in fields.items())
        return tuple(None if item is None else _load(kind, item) for kind, item in found)

    def dump(values: Iterable[object]) -> object:
        values = [values.get(field) for field in fields] if isinstance(values, Mapping) else values
        return {
            field: None if value is None else _dump(kind, value)
            for (field, kind), value in zip(fields.items(), values, strict=True)
        }

    def takes(arrow: pa.DataType) -> bool:
        return pa.types.is_struct(arrow) and all(
            field.name in fields and fits(fields[field.name], field.type) for field in arrow
        )

    driver = cqltypes.UserType.make_udt_class(
        "row_files", name, tuple(fields), tuple(kind.driver for kind in fields.values())
    )
    inner = [*fields.values()]
    return _nested(Kind.USER_TYPE, load, dump, takes, driver, inner, example, field_count=len(fields))


def pairs_of(values: Map) -> list[tuple[object, object]]:
    """Return a map's keys with their values."""
    if isinstance(values, OrderedMap):
        # It looks a key up by its bytes, and may miss one that it has read itself.
        return driver.pairs_of(values)
    return list(values.items() if isinstance(values, Mapping) else values)


def _nested(
    kind: Kind,
    load: Callable[[object], object],
    dump: Callable[..., object],
    takes: Callable[[pa.DataType], bool],
    driver: object,
    inner: Sequence[CqlType],
    example: str,
    *,
    field_count: int | None = None,
) -> NestedType:
    def parse(text: str) -> object:
        try:
            return load(read(example, text))
        except NotJsonError as error:
            hint = literals.hint_for(found, text)
            raise ValueError(f"{error}{hint}") from None

    def to_text(value: object) -> str:
        return json.dumps(dump(value), ensure_ascii=False)

    found = NestedType(
        kind=kind,
        parse=parse,
        format=to_text,
        arrow=pa.string(),
        driver=driver,
        example=example,
        load=load,
        dump=dump,
        takes=takes,
        inner=tuple(inner),
        field_count=field_count,
    )
    return found


def _load(kind: CqlType, item: object) -> object:
    if item is None:
        raise ValueError("null inside a collection")
    if isinstance(kind, NestedType):
        return kind.load(item)
    if isinstance(item, list | dict):
        raise ValueError(f"a JSON array or object in the place of one value such as {kind.example}")  # noqa: TRY004 - the file is wrong, not a type
    return _parse(kind, item if isinstance(item, str) else json.dumps(item))


def _load_key(kind: CqlType, name: str) -> object:
    return kind.parse(name) if isinstance(kind, NestedType) else _parse(kind, name)


def _parse(kind: CqlType, text: str) -> object:
    try:
        return kind.parse(text)
    except ValueError as error:
        raise ValueError(f"{abbreviated(text, 40)!r} in it: {error}") from None


def _dump(kind: CqlType, value: object) -> object:
    if value is None:
        raise ValueError("null inside a collection")
    return kind.dump(value) if isinstance(kind, NestedType) else text_of(kind, value)


def text_of(kind: CqlType, value: object) -> str:
    """Return the text of a value that Parquet has for a column of a type, or what is text already.

    Bytes in the place of anything but a blob or a UUID are text too: some writers mark no text so.

    Raises:
        ValueError: the bytes are not UTF-8.
        AttributeError, TypeError, KeyError, ArithmeticError: it is nothing that the type has.
    """
    if isinstance(value, bytes) and not kind.takes_bytes(value):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            hint = "; a blob or uuid column holds bytes" if len(value) == UUID_BYTES else ""
            raise ValueError(f"{len(value)} bytes that are not UTF-8 text{hint}") from None
    return value if isinstance(value, str) else kind.format(value)


_LISTS = pa.ListType | pa.LargeListType | pa.FixedSizeListType | pa.ListViewType | pa.LargeListViewType
