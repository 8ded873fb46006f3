"""Nested values in the forms that settings name, rewritten as JSON with blobs as 0x…, one value at a time."""

from collections.abc import Callable

import msgspec
import pyarrow as pa

from pipeline.cql.arrowvalues import Wrong
from pipeline.cql.columns import Column
from pipeline.cql.types import json
from pipeline.cql.types.cqltype import CqlType, Kind, NestedType
from pipeline.cql.types.literals import reader_of
from pipeline.cql.types.names import SCALARS
from pipeline.errors import abbreviated

MeaningOfBlob = Callable[[str], str | None]
"""The text of a blob to its usual text; None where it is not in its form."""


def rewriter_of(
    kind: NestedType, meaning: MeaningOfBlob | None, *, is_cql: bool
) -> Callable[[str], bytes] | None:
    """Return what rewrites a value's text, or raises ValueError; None where it is in the usual form.

    `meaning` is that of blobs in another form than the usual one; `is_cql` says that values are CQL literals.
    """
    blobs = meaning if _has_blobs(kind) else None
    if not is_cql and blobs is None:
        return None
    read = reader_of(kind) if is_cql else lambda text: json.read(kind.example, text)

    def rewrite(text: str) -> bytes:
        tree = read(text)
        return msgspec.json.encode(_with_blobs(kind, tree, blobs) if blobs else tree)

    return rewrite


def rewritten_nested(
    column: Column, values: pa.Array, rewrite: Callable[[str], bytes]
) -> tuple[pa.Array, dict[int, str]]:
    """Return a column of texts as JSON, wrong values as null, and what is wrong with these."""
    texts: list[bytes | None] = []
    wrong: dict[int, str] = {}
    for at, text in enumerate(values.to_pylist()):
        found = None
        try:
            found = None if text is None else rewrite(text)
        except ValueError as error:
            wrong[at] = Wrong(abbreviated(text), str(error)).reason(column.type_name)
        texts.append(found)
    return pa.array(texts, pa.string()), wrong


def _has_blobs(kind: CqlType) -> bool:
    if isinstance(kind, NestedType):
        return any(map(_has_blobs, kind.inner))
    return kind.driver is SCALARS["blob"].driver


def _with_blobs(kind: CqlType, tree: object, meaning: MeaningOfBlob) -> object:
    """Return what JSON holds for a value with its blobs as 0x…; what is of another shape stays as it is.

    Raises:
        ValueError: a blob is not in its form.
    """
    if not isinstance(kind, NestedType):
        return _blob(tree, meaning) if isinstance(tree, str) and _has_blobs(kind) else tree
    if isinstance(tree, list):
        inner = kind.inner if kind.kind is Kind.TUPLE else kind.inner[:1] * len(tree)
        changed = [_with_blobs(*pair, meaning) for pair in zip(inner, tree, strict=False)]
        return changed + tree[len(changed) :]
    if not isinstance(tree, dict):
        return tree
    if kind.kind is Kind.MAP:
        key, item = kind.inner
        return {_key(key, name, meaning): _with_blobs(item, each, meaning) for name, each in tree.items()}
    if kind.kind is Kind.USER_TYPE:
        types = dict(zip(kind.field_names, kind.inner, strict=True))
        return {
            name: _with_blobs(types[name], each, meaning) if name in types else each
            for name, each in tree.items()
        }
    return tree


def _key(kind: CqlType, name: str, meaning: MeaningOfBlob) -> str:
    if not isinstance(kind, NestedType):
        return _blob(name, meaning) if _has_blobs(kind) else name
    return msgspec.json.encode(_with_blobs(kind, json.read(kind.example, name), meaning)).decode()


def _blob(text: str, meaning: MeaningOfBlob) -> str:
    found = meaning(text)
    if found is None:
        raise ValueError(f"{abbreviated(text, 40)!r} in it is not in the blobs' form; --blob-form names it")
    return found
