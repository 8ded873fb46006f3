"""What each tool's format loses of the values of `values`, and why; nothing else may differ after a load."""

from collections.abc import Mapping

from tests.exports.tables import Changed, Losses
from tests.exports.values import EDGES, NESTED, RETURNS, VECTORS, text

_BEYOND = "beyond the years 1 to 9999, which no load reads"
_BEYOND_YEARS = {("timestamp", moment): _BEYOND for moment in ("-99999999999999", "999999999999999999")}
_NO_NULL = "cqlsh ends with an error at this null, and leaves out the row"
_UNKNOWN_VECTOR = "cqlsh ends with an error at this element of a vector, and leaves out the row"
_EARLY = "cqlsh writes years before 1000 with fewer than four digits, and some a millisecond early"
_NO_DURATION = "cqlsh writes nothing for a duration of nothing"
_NO_EMPTY = "cqlsh writes null and the empty text alike"

CQLSH = Losses(
    changed={
        ("text", "''"): (None, _NO_EMPTY),
        ("varchar", "''"): (None, _NO_EMPTY),
        ("ascii", "''"): (None, _NO_EMPTY),
        ("duration", "0s"): (None, _NO_DURATION),
        ("list<duration>", "[0s]"): (None, f"{_NO_DURATION}, so that a list of it alone is empty"),
        ("timestamp", "'9999-12-30T23:59:59.999Z'"): (
            "'9999-12-30T23:59:59.998Z'",
            "cqlsh reads timestamps by way of a float, and cuts them off",
        ),
        ("tuple<int, boolean>", "(1, null)"): ("(1, false)", "cqlsh writes False for this null"),
    },
    refused={
        **_BEYOND_YEARS,
        ("timestamp", "'0205-03-09T03:42:56.018Z'"): _EARLY,
        ("list<timestamp>", "['0205-03-09T03:42:56.018Z']"): _EARLY,
        ("list<date>", "[0]"): "cqlsh writes days since 1970, which mean another day in a literal of CQL",
        ("list<duration>", "[0s, 1d]"): _NO_DURATION,
        ("tuple<int, text>", "(1, null)"): _NO_NULL,
        ("tuple<int, float>", "(1, null)"): _NO_NULL,
        ("tuple<int, frozen<list<int>>>", "(1, null)"): _NO_NULL,
        ('frozen<"Camel">', "{a: 1}"): "cqlsh writes Camel(a=1) where a type's name needs quotes",
        ("vector<frozen<tuple<int, text>>, 2>", "[(1, 'a'), (2, 'b')]"): _UNKNOWN_VECTOR,
        ("vector<vector<float, 2>, 2>", "[[1, 2], [3, 4]]"): _UNKNOWN_VECTOR,
    },
)

_NO_NULL_COLLECTION = "DSBulk writes null and the empty collection alike"
_EMPTY_DURATION = "DSBulk writes the empty text for a duration of nothing, which is no duration"

DSBULK = Losses(
    changed={
        ("frozen<list<text>>", None): ("[]", _NO_NULL_COLLECTION),
        ("frozen<set<int>>", None): ("{}", _NO_NULL_COLLECTION),
        ("frozen<map<text, int>>", None): ("{}", _NO_NULL_COLLECTION),
        ("tuple<int, frozen<list<int>>>", "(1, null)"): ("(1, [])", _NO_NULL_COLLECTION),
    },
    refused={
        **_BEYOND_YEARS,
        ("duration", "0s"): _EMPTY_DURATION,
        ("list<duration>", "[0s, 1d]"): _EMPTY_DURATION,
        ("list<duration>", "[0s]"): _EMPTY_DURATION,
    },
    no_types=dict.fromkeys(
        (*VECTORS, *(name for name in EDGES if name.startswith("vector"))),
        "the driver of DSBulk 1.10 does not know vectors, nor any table of their keyspace",
    ),
)

_NO_SUCH_YEAR = "the libraries and Python have no such year"
_FRAME_YEARS = {
    **{("date", literal): _NO_SUCH_YEAR for literal in ("0", "4294967295", "2146764120")},
    ("list<date>", "[0]"): _NO_SUCH_YEAR,
    **_BEYOND_YEARS,
}

_BARE_RETURN = "pandas writes a carriage return without quotes, where it ends a line; QUOTE_ALL helps"

_ROUNDED = "pandas writes at most 15 digits of a double as JSON, and no sign of 0"
_NULL_WORD = "it is the word for null, which a load reads so"
_NAN = "pandas has one value for NaN and for null"
_NANS: Changed = {("float", "NaN"): (None, _NAN), ("double", "NaN"): (None, _NAN)}
_INFINITIES = (("float", "-Infinity"), ("double", "-Infinity"), ("double", "Infinity"))
_NULL_WORDS: Changed = {(name, text(r"\N")): (None, _NULL_WORD) for name in ("text", "ascii")}

FRAMES: Mapping[str, Losses] = {
    "pandas-csv": Losses(
        changed={**_NANS, **_NULL_WORDS},
        no_values={
            **_FRAME_YEARS,
            **{(name, text(RETURNS[1])): _BARE_RETURN for name in ("text", "ascii")},
        },
    ),
    "pandas-jsonl": Losses(
        changed={
            **_NANS,
            **dict.fromkeys(_INFINITIES, (None, "pandas writes infinities as null in JSON")),
            **{
                (name, NESTED[name][0]): (NESTED[name][0].replace(sign, no_sign), _ROUNDED)
                for name, sign, no_sign in (
                    ("list<float>", "-0.0", "0.0"),
                    ("set<float>", "-0.0", "0.0"),
                    ("map<float, float>", ": -0.0", ": 0.0"),
                )
            },
            ("float", "-0.0"): ("0.0", _ROUNDED),
            ("double", "-0.0"): ("0.0", _ROUNDED),
            ("double", "0.0012345678901234567"): ("0.001234567890123", _ROUNDED),
        },
        refused={
            ("double", "1.7976931348623157E308"): f"{_ROUNDED}: this one beyond the largest",
            ("list<double>", NESTED["list<double>"][0]): f"{_ROUNDED}: one of them beyond the largest",
            ("set<double>", NESTED["set<double>"][0]): f"{_ROUNDED}: one of them beyond the largest",
            ("map<double, double>", NESTED["map<double, double>"][0]): f"{_ROUNDED}: one beyond the largest",
        },
        no_values=_FRAME_YEARS,
    ),
    "pandas-parquet": Losses(
        changed=_NANS,
        refused={
            **{
                (name, NESTED[name][0]): f"{_NAN}, and null cannot be in a collection"
                for name in ("list<float>", "list<double>", "set<float>", "set<double>")
            },
            ("vector<float, 3>", "[NaN, Infinity, 0]"): f"{_NAN}, and null cannot be in a vector",
        },
        no_values=_FRAME_YEARS,
    ),
    "polars-csv": Losses(changed=_NULL_WORDS, no_values=_FRAME_YEARS),
    "polars-jsonl": Losses(
        changed=dict.fromkeys(
            (*_NANS, *_INFINITIES), (None, "Polars writes NaN and infinities as null in JSON")
        ),
        no_values=_FRAME_YEARS,
    ),
    "polars-parquet": Losses(no_values=_FRAME_YEARS),
}
"""Of pandas and Polars; they write text for what they have no types for."""

LOSSES: Mapping[str, Losses] = {"cqlsh": CQLSH, "dsbulk-csv": DSBULK, "dsbulk-json": DSBULK}
