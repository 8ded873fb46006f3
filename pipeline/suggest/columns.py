"""The type of each field of some rows, the words that are null in them, and the settings that all share."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.settings.values import ISO, USUAL, ValuesConfig
from pipeline.suggest.forms import Candidate, candidates, is_read
from pipeline.suggest.notes import Notes


@dataclass
class Values:
    """The values of one field: the distinct ones, none of them null, and how many rows and nulls it has.

    `may_be_null`: the format of the file can have words for null. `is_text`: it is a format of text, which
    does not say the type.
    """

    name: str
    distinct: pa.Array
    rows: int
    nulls: int
    may_be_null: bool
    is_text: bool = True

    @property
    def words(self) -> list[str]:
        """The values that usually stand for null."""
        if not self.may_be_null:
            return []
        return sorted(set(self.distinct.to_pylist()) & NULL_WORDS)

    @property
    def others(self) -> pa.Array:
        """The values that do not."""
        return self.distinct.filter(
            pc.invert(pc.is_in(self.distinct, value_set=pa.array(self.words, pa.string())))
        )


@dataclass
class Guess:
    """The type of a field's values, the candidate that it comes from, and the words that are null for it."""

    name: str
    type_name: str = "text"
    candidate: Candidate | None = None
    null_words: Sequence[str] = field(default_factory=list)


def guess(values: Values, notes: Notes) -> Guess:
    """Return the type of a field; text where no other fits."""
    if not values.is_text:
        return _of_arrow(values, notes)
    if not len(values.distinct):
        notes.doubt_of(values.name, "no row has a value; text is a guess")
        return Guess(values.name)
    found = _first_fitting(values.distinct)
    words: list[str] = []
    if found is None and values.words and len(values.others):
        found, words = _first_fitting(values.others), values.words
    if found is None:
        return Guess(values.name)
    if found.values.whole_floats and not (values.nulls or words):
        # Whole numbers do not become floats unless some are missing.
        found = Candidate("double", found.shape)
    return Guess(values.name, found.type_name, found, words)


def _first_fitting(texts: pa.Array) -> Candidate | None:
    found = next((each for each in candidates() if each.fits(texts)), None)
    return found or _of_several_forms(texts)


def _of_several_forms(texts: pa.Array) -> Candidate | None:
    """Return dates or timestamps that are written in up to three forms; None where they are not."""
    forms: list[Candidate] = []
    left = texts
    while len(left):
        one = next(
            (each for each in candidates() if each.type_name in _MOMENTS and each.fits(left[:1])), None
        )
        if one is None or len(forms) == _MOST_FORMS:
            return None
        forms.append(one)
        left = left.filter(pc.invert(one.matches(left)))
    kinds = {each.type_name for each in forms}
    if len(kinds) > 1:
        return None
    [kind] = kinds
    joined = " | ".join(getattr(each.values, f"{kind}_formats") for each in forms)
    values = (
        ValuesConfig(timestamp_formats=joined) if kind == "timestamp" else ValuesConfig(date_formats=joined)
    )
    return Candidate(kind, ".*", values) if is_read(kind, texts, values) else None


def _of_arrow(values: Values, notes: Notes) -> Guess:
    kind = cql_of_arrow(values.distinct.type)
    if kind is None:
        notes.doubt_of(
            values.name, f"nothing is loaded from Parquet's {values.distinct.type}; it is left out"
        )
        return Guess(values.name, "")
    return Guess(values.name, kind)


def cql_of_arrow(arrow: pa.DataType) -> str | None:
    """Return the CQL type for an Arrow type; None where there is none."""
    if pa.types.is_dictionary(arrow):
        return cql_of_arrow(arrow.value_type)
    for is_of, name in _ARROW_TYPES:
        if is_of(arrow):
            return name
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow) or pa.types.is_fixed_size_list(arrow):
        inner = cql_of_arrow(arrow.value_type)
        return inner and f"frozen<list<{inner}>>"
    if pa.types.is_map(arrow):
        key, item = cql_of_arrow(arrow.key_type), cql_of_arrow(arrow.item_type)
        return f"frozen<map<{key}, {item}>>" if key and item else None
    return None


def shared_values(guesses: Sequence[Guess], columns: Iterable[Values], notes: Notes) -> ValuesConfig:
    """Return the settings of [values] that all fields share; a field that they do not suit becomes text."""
    found = [each.candidate.values for each in guesses if each.candidate]
    marks = Counter((each.decimal_mark, each.thousands_mark) for each in found) - Counter(
        {(".", ""): len(found)}
    )
    mark, thousands = marks.most_common(1)[0][0] if marks else (".", "")
    # Groups of digits may be marked in some columns, and be too short for it in others.
    thousands = thousands or next((each for own, each in marks if own == mark and each), "")
    booleans = [
        each.candidate.values.over(USUAL)
        for each in guesses
        if each.candidate and each.type_name == "boolean"
    ]
    shared = ValuesConfig(
        timestamp_formats=_joined(guesses, "timestamp", "timestamp_formats"),
        date_formats=_joined(guesses, "date", "date_formats"),
        decimal_mark=mark,
        thousands_mark=thousands,
        true_words=_union(each.true_words for each in booleans) or USUAL.true_words,
        false_words=_union(each.false_words for each in booleans) or USUAL.false_words,
        whole_floats=any(
            each.candidate.values.whole_floats and each.type_name in {"int", "bigint"}
            for each in guesses
            if each.candidate
        ),
    )
    for each, values in zip(guesses, columns, strict=True):
        texts = values.distinct
        if each.candidate and not is_read(each.type_name, _without(texts, each.null_words), shared):
            notes.doubt_of(each.name, f"written in another form than other columns of {each.type_name}; text")
            each.type_name, each.candidate, each.null_words = "text", None, []
    return shared


def _joined(guesses: Sequence[Guess], type_name: str, setting: str) -> str:
    """Return the forms of all columns of a type, separated as the setting has them."""
    forms = [
        getattr(each.candidate.values.over(USUAL), setting)
        for each in guesses
        if each.candidate and each.type_name == type_name
    ]
    return " | ".join(dict.fromkeys(forms)) or ISO


def _union(words: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for each in words for word in each))


def _without(texts: pa.Array, words: Sequence[str]) -> pa.Array:
    return texts.filter(pc.invert(pc.is_in(texts, value_set=pa.array(words, pa.string()))))


def note_forms(guesses: Sequence[Guess], columns: Sequence[Values], notes: Notes) -> tuple[str, ...]:
    """Note what is doubtful of types and nulls; return the words that are null in all columns."""
    words = tuple(dict.fromkeys(word for each in guesses for word in each.null_words))
    for each in guesses:
        if each.null_words:
            notes.reason_of(each.name, f"numbers or dates, where {', '.join(each.null_words)} is null")
        if each.candidate and each.candidate.doubt:
            _note_doubt(each, each.candidate, columns, notes)
    for values, each in zip(columns, guesses, strict=True):
        if each.type_name == "text" and (common := sorted(set(values.words) & set(words))):
            notes.doubt_of(values.name, f"{', '.join(common)} is null in it too, where it may be a text")
    return words


def _note_doubt(each: Guess, candidate: Candidate, columns: Sequence[Values], notes: Notes) -> None:
    if each.type_name not in {"date", "timestamp"}:
        notes.doubt_of(each.name, candidate.doubt)
        return
    setting = f"{each.type_name}_formats"
    own = getattr(candidate.values, setting)
    other = candidate.doubt + own[len(candidate.doubt) :]
    [values] = [column for column in columns if column.name == each.name]
    texts = _without(values.distinct, each.null_words)
    if is_read(each.type_name, texts, replace(ValuesConfig(), **{setting: other})):
        notes.doubt_of(each.name, f"each value fits {own} and {other}; {own} is a guess")


def distinct_of(arrays: Sequence[pa.Array]) -> pa.Array:
    """Return the distinct values of a field, without null; as they are where their type has no order."""
    joined = pa.concat_arrays(arrays)
    if pa.types.is_string(joined.type):
        return pc.unique(joined.drop_null())
    return joined.drop_null()[:1000]


_MOMENTS = {"date", "timestamp"}
_MOST_FORMS = 3
NULL_WORDS = {
    "NA",
    "N/A",
    "n/a",
    "na",
    "#N/A",
    "NULL",
    "null",
    "Null",
    "None",
    "none",
    "NaN",
    "nan",
    "-",
    "--",
    "?",
    ".",
    "\\N",
    "missing",
    "Missing",
    "unknown",
    "Unknown",
    "",
    "..",
    "*",
    "#VALUE!",
    "NaT",
}
_ARROW_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (lambda kind: pa.types.is_int64(kind) or pa.types.is_uint32(kind), "bigint"),
    (pa.types.is_uint64, "varint"),
    (pa.types.is_integer, "int"),
    (pa.types.is_float64, "double"),
    (pa.types.is_floating, "float"),
    (pa.types.is_decimal, "decimal"),
    (
        lambda kind: (
            pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        ),
        "text",
    ),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (lambda kind: isinstance(kind, pa.UuidType), "uuid"),
    (
        lambda kind: (
            pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
        ),
        "blob",
    ),
)
