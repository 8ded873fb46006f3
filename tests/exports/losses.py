"""What each tool's format loses of the values of `values`, and why; nothing else may differ after a load."""

from collections.abc import Mapping

from tests.exports.tables import Losses
from tests.exports.values import EDGES, VECTORS

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

LOSSES: Mapping[str, Losses] = {"cqlsh": CQLSH, "dsbulk-csv": DSBULK, "dsbulk-json": DSBULK}
