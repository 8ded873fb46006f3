"""Values in the forms that settings name, rewritten as docs/values.md has them: by column, not by row.

A value that has none of its forms is wrong, also where it has the usual one: nothing is guessed.
"""

import base64
import binascii
import functools
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.arrowvalues import normalised
from pipeline.cql.columns import Column
from pipeline.cql.types.cqltype import NestedType
from pipeline.errors import abbreviated
from pipeline.rowfiles.moments import Pattern, from_epoch, from_epoch_days, pattern_of, with_zone
from pipeline.rowfiles.nestedforms import Form, Forms, rewriter_of, rewritten_nested
from pipeline.settings.values import CQL, EPOCH_DAYS, EPOCHS, ISO, USUAL, ValuesConfig, forms_of

Wrong = dict[int, str]
"""What is wrong with values, by their position."""

Rewrite = Callable[[pa.Array], tuple[pa.Array, str]]
"""Texts to texts in the usual form, null where a text has not the form; and what a message expects."""


def rewritten(column: Column, values: pa.Array, config: ValuesConfig) -> tuple[pa.Array, Wrong]:
    """Return a column of a file in the usual forms, wrong values as null, and what is wrong with these.

    Values that are not text stay as they are. Text is of any of Arrow's types for it.
    """
    values = normalised(values)
    if not pa.types.is_string(values.type):
        return values, {}
    config = config.over(USUAL)
    if isinstance(column.cql_type, NestedType):
        nested = rewriter_of(column.cql_type, _forms_inside(config), is_cql=config.nested_form == CQL)
        return rewritten_nested(column, values, nested) if nested else (values, {})
    rewrite = _rewrite_of(column.type_name, config)
    if rewrite is None:
        return values, {}
    found, expected = rewrite(values)
    wrong = np.flatnonzero(
        pc.and_(values.is_valid(), found.is_null()).to_numpy(zero_copy_only=False)
    ).tolist()
    text = f"is not a valid {column.type_name}: {expected}"
    return found, {at: f"{abbreviated(values[at].as_py())!r} {text}" for at in wrong}


@functools.lru_cache
def _forms_inside(config: ValuesConfig) -> Forms:
    """Return the forms of values inside of nested ones: a program writes these as it writes columns."""
    forms = {}
    if config.blob_form != USUAL.blob_form:
        is_base64 = config.blob_form == "base64"
        forms["blob"] = Form(_from_base64, _EXPECTED_BASE64) if is_base64 else Form(_from_hex, _EXPECTED_HEX)
    if (config.true_words, config.false_words) != (USUAL.true_words, USUAL.false_words):
        meanings = dict.fromkeys(config.true_words, "true") | dict.fromkeys(config.false_words, "false")
        forms["boolean"] = Form(meanings.get, _expected_words(config.true_words, config.false_words))
    return forms


@functools.lru_cache
def _rewrite_of(type_name: str, config: ValuesConfig) -> Rewrite | None:
    """Return what rewrites a column of a type; None where its values are in the usual form."""
    if type_name == "timestamp" and (config.timestamp_formats, config.time_zone) != (ISO, ""):
        return functools.partial(_moments, config.timestamp_formats, config.time_zone, is_day=False)
    if type_name == "date" and config.date_formats != USUAL.date_formats:
        return functools.partial(_moments, config.date_formats, "", is_day=True)
    if type_name == "boolean" and (config.true_words, config.false_words) != (
        USUAL.true_words,
        USUAL.false_words,
    ):
        return functools.partial(_booleans, config.true_words, config.false_words)
    if type_name == "blob" and config.blob_form != USUAL.blob_form:
        return _base64 if config.blob_form == "base64" else _hex
    is_whole = type_name in _WHOLE
    marks = (config.decimal_mark, config.thousands_mark)
    if (is_whole or type_name in _FRACTIONAL) and (marks != (".", "") or (is_whole and config.whole_floats)):
        return functools.partial(_numbers, *marks, is_whole=is_whole and config.whole_floats)
    return None


def _moments(formats: str, zone: str, texts: pa.Array, *, is_day: bool) -> tuple[pa.Array, str]:
    """Return moments as ISO 8601. A text that fits two patterns with different results is wrong."""
    forms = forms_of(formats)
    found = pa.nulls(len(texts), pa.string())
    differs = np.zeros(len(texts), dtype=bool)
    for form in forms:
        if form == ISO:
            as_iso = pc.if_else(
                pc.match_substring_regex(texts, _ISO_BEGIN), texts, pa.scalar(None, pa.string())
            )
        elif form in EPOCHS:
            as_iso = from_epoch(texts, EPOCHS[form])
        elif form == EPOCH_DAYS:
            as_iso = from_epoch_days(texts)
        else:
            as_iso = _by_pattern(pattern_of(form), texts, is_day=is_day)
        both = pc.and_(found.is_valid(), as_iso.is_valid())
        differs |= pc.and_(both, pc.fill_null(pc.not_equal(found, as_iso), fill_value=False)).to_numpy(
            zero_copy_only=False
        )
        found = pc.coalesce(found, as_iso)
    if differs.any():
        found = pc.if_else(pa.array(differs), pa.scalar(None, pa.string()), found)
    if zone:
        found = with_zone(found, zone)
    listed = " | ".join(forms)
    expected = f"expected {listed}, in one meaning" + (f", and a time that {zone} has once" if zone else "")
    return found, expected


def _by_pattern(pattern: Pattern, texts: pa.Array, *, is_day: bool) -> pa.Array:
    return pattern.dates(texts) if is_day else pattern.timestamps(texts)


def _booleans(
    true_words: tuple[str, ...], false_words: tuple[str, ...], texts: pa.Array
) -> tuple[pa.Array, str]:
    words = pa.array([*true_words, *false_words])
    meanings = pa.array([*["true"] * len(true_words), *["false"] * len(false_words)])
    return meanings.take(pc.index_in(texts, value_set=words)), _expected_words(true_words, false_words)


def _expected_words(true_words: tuple[str, ...], false_words: tuple[str, ...]) -> str:
    return f"expected {', '.join(true_words)} or {', '.join(false_words)}"


def _hex(texts: pa.Array) -> tuple[pa.Array, str]:
    digits = pc.match_substring_regex(texts, r"^(?:[0-9a-fA-F]{2})*$")
    found = pc.binary_join_element_wise(pa.scalar("0x"), texts, "")
    return pc.if_else(digits, found, pa.scalar(None, pa.string())), _EXPECTED_HEX


def _base64(texts: pa.Array) -> tuple[pa.Array, str]:
    return pa.array([_from_base64(text) for text in texts.to_pylist()], pa.string()), _EXPECTED_BASE64


def _from_base64(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return "0x" + base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return None


def _numbers(
    decimal_mark: str, thousands_mark: str, texts: pa.Array, *, is_whole: bool
) -> tuple[pa.Array, str]:
    mark, thousands = re.escape(decimal_mark), re.escape(thousands_mark)
    digits = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+)" if thousands else r"[0-9]+"
    number = rf"^[+-]?(?:{digits}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?$"
    other = r"^[+-]?(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)$"
    fits = pc.or_(pc.match_substring_regex(texts, number), pc.match_substring_regex(texts, other))
    found = pc.replace_substring(texts, thousands_mark, "") if thousands_mark else texts
    if decimal_mark != ".":
        found = pc.replace_substring(found, decimal_mark, ".")
    if is_whole:
        found = pc.replace_substring_regex(found, r"^([+-]?[0-9]+)\.0*$", r"\1")
    expected = f"expected a number with {decimal_mark!r} before its decimals"
    if thousands_mark:
        expected += f" and {thousands_mark!r} between groups of three digits, or nowhere"
    return pc.if_else(fits, found, pa.scalar(None, pa.string())), expected


def _from_hex(text: str) -> str | None:
    return f"0x{text}" if _HEX.fullmatch(text) else None


_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_EXPECTED_HEX = "expected pairs of hexadecimal digits"
_EXPECTED_BASE64 = "expected base64"
_WHOLE = {"tinyint", "smallint", "int", "bigint", "varint"}
_FRACTIONAL = {"decimal", "float", "double"}
_ISO_BEGIN = r"^[+-]?[0-9]{4,7}-[0-9]{2}-[0-9]{2}"
