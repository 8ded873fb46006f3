"""Nested values in the forms that settings name, rewritten as JSON with values in the usual forms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import pyarrow as pa

from pipeline.cql.arrowvalues import Wrong
from pipeline.cql.columns import Column
from pipeline.cql.types import json
from pipeline.cql.types.cqltype import CqlType, Kind, NestedType
from pipeline.cql.types.literals import reader_of
from pipeline.cql.types.names import SCALARS
from pipeline.errors import abbreviated


@dataclass(frozen=True)
class Form:
    """A form of the values of a scalar type: its text to the usual text, None where it has not the form."""

    meaning: Callable[[str], str | None]
    expected: str


Forms = Mapping[str, Form]
"""The forms of scalar types, by the types' names, where they are not the usual ones."""

_ByDriver = Mapping[object, Form]


def rewriter_of(kind: NestedType, forms: Forms, *, is_cql: bool) -> Callable[[str], bytes] | None:
    """Return what rewrites a value's text, or raises ValueError; None where it is in the usual form.

    `is_cql` says that values are CQL literals.
    """
    by_driver = {SCALARS[name].driver: form for name, form in forms.items()}
    has_forms = _has_one_of(by_driver, kind)
    if not is_cql and not has_forms:
        return None
    read = reader_of(kind) if is_cql else lambda text: json.read(kind.example, text)

    def rewrite(text: str) -> bytes:
        tree = read(text)
        return msgspec.json.encode(_usual(kind, tree, by_driver) if has_forms else tree)

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


def _has_one_of(forms: _ByDriver, kind: CqlType) -> bool:
    if isinstance(kind, NestedType):
        return any(_has_one_of(forms, inner) for inner in kind.inner)
    return kind.driver in forms


def _usual(kind: CqlType, tree: object, forms: _ByDriver) -> object:
    """Return what JSON holds for a value, in the usual forms; what is of another shape stays as it is.

    Raises:
        ValueError: a value in it is not in its form.
    """
    if not isinstance(kind, NestedType):
        return _usual_text(kind, tree, forms) if isinstance(tree, str) else tree
    if isinstance(tree, list):
        inner = kind.inner if kind.kind is Kind.TUPLE else kind.inner[:1] * len(tree)
        changed = [_usual(*pair, forms) for pair in zip(inner, tree, strict=False)]
        return changed + tree[len(changed) :]
    if not isinstance(tree, dict):
        return tree
    if kind.kind is Kind.MAP:
        key, item = kind.inner
        return {_usual_key(key, name, forms): _usual(item, each, forms) for name, each in tree.items()}
    if kind.kind is Kind.USER_TYPE:
        types = dict(zip(kind.field_names, kind.inner, strict=True))
        return {
            name: _usual(types[name], each, forms) if name in types else each for name, each in tree.items()
        }
    return tree


def _usual_key(kind: CqlType, name: str, forms: _ByDriver) -> str:
    if not isinstance(kind, NestedType):
        return _usual_text(kind, name, forms)
    return msgspec.json.encode(_usual(kind, json.read(kind.example, name), forms)).decode()


def _usual_text(kind: CqlType, text: str, forms: _ByDriver) -> str:
    form = forms.get(kind.driver)
    if form is None:
        return text
    found = form.meaning(text)
    if found is None:
        raise ValueError(f"{abbreviated(text, 40)!r} in it: {form.expected}")
    return found
