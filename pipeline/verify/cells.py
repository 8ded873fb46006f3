"""Cells in a canonical form: equal values have equal bytes, whether from a file or from a table.

Sets and maps are in the order of their bytes. For collections and UDTs that are not frozen, Cassandra does
not distinguish null from empty, and neither does this form. Other values are equal only if their bytes are
equal: 1.0 is not 1.00.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cassandra.cqltypes import ListType, MapType, SetType, TupleType, UserType, VectorType

from pipeline.cql.columns import Column
from pipeline.cql.types import PROTOCOL_VERSION
from pipeline.errors import abbreviated

Cells = tuple[bytes | None, ...]
Hashes = npt.NDArray[np.uint64]


class Form:
    """The canonical form of a column's cells.

    `varies` is true if a value may have other forms too. `null` is the form of null; it is not None if
    Cassandra does not distinguish null from an empty value.
    """

    def __init__(self, column: Column) -> None:
        self._type = column.cql_type.driver
        self.varies = _varies(self._type)
        self.null: bytes | None = None
        if column.cql_type.is_multicell:
            if issubclass(self._type, ListType | SetType | MapType):
                self.null = pack_int(0)
            elif issubclass(self._type, UserType):
                self.null = pack_int(-1) * len(self._type.subtypes)

    def of_cell(self, cell: bytes | None) -> bytes | None:
        """Return a cell in this form."""
        if cell is None:
            return self.null
        return one_form(self._type, cell) if self.varies else cell

    def of_column(self, values: pa.BinaryArray) -> pa.BinaryArray:
        """Return a file's column in this form; nulls stay null."""
        if not self.varies:
            return values
        cells = [None if cell is None else one_form(self._type, cell) for cell in values.to_pylist()]
        return pa.array(cells, pa.binary())


def one_form(kind: Any, value: bytes) -> bytes:  # noqa: ANN401 - the driver's types are classes without types
    """Return a value of one of the driver's types with all its sets and maps in canonical order."""
    if issubclass(kind, MapType):
        items = _elements(value, 2, kind.subtypes)
        pairs = sorted(zip(items[::2], items[1::2], strict=True))
        return pack_int(len(pairs)) + frame([item for pair in pairs for item in pair])
    if issubclass(kind, ListType | SetType):
        items = _elements(value, 1, kind.subtypes)
        items = sorted(set(items)) if issubclass(kind, SetType) else items
        return pack_int(len(items)) + frame(items)
    if issubclass(kind, TupleType):
        # A value that was written before the last field was added to its UDT has no bytes for it.
        cells = zip(kind.subtypes, _split(value, len(kind.subtypes)), strict=True)
        return frame([None if cell is None else one_form(subtype, cell) for subtype, cell in cells])
    if issubclass(kind, VectorType) and _varies(kind.subtype):
        # Its element lengths have their own encoding, which the driver knows.
        elements = kind.deserialize(value, PROTOCOL_VERSION)
        serialised = (kind.subtype.serialize(element, PROTOCOL_VERSION) for element in elements)
        return frame([one_form(kind.subtype, element) for element in serialised])
    return value


def frame(cells: Iterable[bytes | None]) -> bytes:
    """Return the cells joined, each after its length, as in the native protocol; a null has length -1."""
    return b"".join(pack_int(-1) if cell is None else pack_int(len(cell)) + cell for cell in cells)


def hashes(values: Sequence[Cells | bytes]) -> Hashes:
    """Return a 64-bit hash of each row or cell, from SipHash, whose key is random in a process."""
    return np.fromiter(map(hash, values), np.int64, len(values)).view(np.uint64)


def shown_cell(column: Column, cell: bytes | None) -> str:
    """Return a cell's value for a message: its text in a row file, cut to 40 characters."""
    if cell is None:
        return repr(str(None))
    kind = column.cql_type
    try:
        text = kind.format(kind.driver.deserialize(cell, PROTOCOL_VERSION))
    except (ValueError, ArithmeticError, TypeError, struct.error):
        text = f"0x{cell.hex()}"  # some values are outside of Python's ranges
    return repr(abbreviated(text, SHOWN_CHARACTERS))


def pack_int(number: int) -> bytes:
    """Return an [int] of the protocol."""
    return _INT.pack(number)


def _elements(value: bytes, width: int, subtypes: Sequence[Any]) -> list[bytes]:
    """Return the elements of a collection of which each is `width` of them, in one form."""
    found = _split(value[_INT_BYTES:], width * _read_int(value, 0))
    return [one_form(subtypes[at % width], element or b"") for at, element in enumerate(found)]


def _split(content: bytes, count: int) -> list[bytes | None]:
    """Return the cells that `frame` joined; cells that are absent at the end are None."""
    cells: list[bytes | None] = []
    at = 0
    for _ in range(count):
        size_bytes = _read_int(content, at) if at < len(content) else -1
        at += _INT_BYTES
        cells.append(None if size_bytes < 0 else content[at : at + size_bytes])
        at += max(0, size_bytes)
    return cells


def _read_int(content: bytes, at: int) -> int:
    number: int = _INT.unpack_from(content, at)[0]
    return number


def _varies(kind: Any) -> bool:  # noqa: ANN401 - as above
    """Return whether the same value of a type may have different bytes."""
    if issubclass(kind, SetType | MapType | UserType):
        return True
    return any(map(_varies, [kind.subtype] if issubclass(kind, VectorType) else kind.subtypes))


_INT = struct.Struct(">i")
_INT_BYTES = 4
SHOWN_CHARACTERS = 40
