"""A text means what its type's grammar says (docs/values.md); the oracle is the standard library."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values
from tests.harness.oracles import KNOWN_TO_OTHERS, ORACLES, wanted

STRANGE = "0123456789 \t+-_.,:/TtZzeEPxnaifNI{}()'%\uff11é"


@st.composite
def texts(draw: st.DrawFn, form: str) -> str:
    """Draw a text of the grammar, one with a letter changed, or one that other parsers accept."""
    text = draw(st.from_regex(form, fullmatch=True))
    kind = draw(st.integers(0, 4))
    at = draw(st.integers(0, len(text)))
    letter = draw(st.sampled_from(STRANGE))
    if kind == 0:
        text = text[:at] + letter + text[at:]
    elif kind == 1:
        text = text[:at] + letter + text[at + 1 :]
    elif kind == 2:
        text = text[:at] + text[at + 1 :]
    elif kind == 3:
        text = draw(st.sampled_from(KNOWN_TO_OTHERS))
    return text or letter


def check(type_name: str, column_texts: list[str]) -> None:
    """Compare both encoders with the oracle, position by position."""
    column = Column("value", type_name, is_key=False)
    expected = [wanted(type_name, text) for text in column_texts]
    for encode in (encode_column, encode_values):
        encoded, reasons = encode(column, pa.array(column_texts, pa.string()))
        assert encoded.to_pylist() == expected, encode.__name__
        assert sorted(reasons) == [at for at, value in enumerate(expected) if value is None], encode.__name__


@pytest.mark.parametrize("type_name", ORACLES)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_text_is_what_its_grammar_says_or_refused(type_name: str, data: st.DataObject) -> None:
    """Alone, among 3 and among 40: a text of the grammar has the oracle's value, any other is a bad row."""
    form = ORACLES[type_name][1]
    text = data.draw(texts(form))
    good = st.from_regex(form, fullmatch=True).filter(lambda found: wanted(type_name, found) is not None)
    first, last = data.draw(good), data.draw(good)
    at = data.draw(st.integers(0, 39))
    check(type_name, [text])
    check(type_name, [first, text, last])
    check(type_name, [text if place == at else first if place % 2 else last for place in range(40)])


@pytest.mark.parametrize("type_name", ORACLES)
def test_what_other_parsers_take_is_what_the_grammar_says_of_it(type_name: str) -> None:
    """Each of the known texts, alone and all in one column, has the value of the oracle."""
    for text in KNOWN_TO_OTHERS:
        check(type_name, [text])
    check(type_name, KNOWN_TO_OTHERS)
