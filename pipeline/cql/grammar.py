"""The texts that are values, a grammar a type: what matches is a value, all else is refused.

Python's and Arrow's own parsers guess: `20230808120000Z` is 20:00 to one, ` 1_000` a number. Here each
form is written down once, for the parsers and for `docs/values.md`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grammar:
    """What a message says is expected, a pattern with named groups, and hints by the pattern they are for."""

    expected: str
    pattern: re.Pattern[str]
    hints: Mapping[str, str] = field(default_factory=dict)

    def match(self, text: str) -> re.Match[str]:
        """Return the parts of a text.

        Raises:
            ValueError: it is in none of the forms; the message says what was expected.
        """
        found = self.pattern.fullmatch(text)
        if found is None:
            raise self.refusal(text)
        return found

    def refusal(self, text: str) -> ValueError:
        """Return the error that says what was expected in place of a text, and what may help."""
        hint = next((hint for near, hint in self.hints.items() if re.fullmatch(near, text)), "")
        return ValueError(f"expected {self.expected}{hint and '; '}{hint}")


BOOLEAN = Grammar(
    "true or false",
    re.compile(r"(?P<true>true)|false", re.IGNORECASE | re.ASCII),
    {r"[01](\.0)?": "pandas makes them of 0 and 1 by astype('boolean')"},
)
INTEGER = Grammar(
    "a whole number such as -12",
    re.compile(r"-?[0-9]+"),
    {
        r"-?[0-9]+\.0*|[nN]a[nN]": (
            "pandas turns integers with gaps into floats: convert them with astype('Int64')"
        ),
        r"-?[0-9]+(,[0-9]+)+": "without commas",
    },
)
DECIMAL = Grammar(
    "a number such as -12.5 or 1e-3",
    re.compile(
        r"""
        -?
        (?P<digits> [0-9]+ (\.(?P<fraction>[0-9]*))? | \.(?P<only_fraction>[0-9]+) )
        ([eE](?P<exponent>[+-]?[0-9]{1,10}))?
        """,
        re.VERBOSE,
    ),
    {r"-?[0-9.,]*,[0-9.,]*": "with a point, and without commas"},
)
FLOAT = Grammar(
    "a number such as -12.5 or 1e-3, NaN, Infinity or -Infinity",
    re.compile(
        r"""
        -? ([0-9]+(\.[0-9]*)? | \.[0-9]+) ([eE][+-]?[0-9]+)?
        | NaN | nan
        | (?P<infinity> -?(Infinity|inf))
        """,
        re.VERBOSE,
    ),
    DECIMAL.hints,
)
UUID = Grammar(
    "a UUID such as 123e4567-e89b-12d3-a456-426614174000",
    re.compile(
        r"""
        (?P<brace>\{)?
        [0-9a-fA-F]{8} (?P<dash>-)?
        [0-9a-fA-F]{4} (?(dash)-)
        [0-9a-fA-F]{4} (?(dash)-)
        [0-9a-fA-F]{4} (?(dash)-)
        [0-9a-fA-F]{12}
        (?(brace)\})
        """,
        re.VERBOSE,
    ),
)
BLOB = Grammar(
    "0x and two hexadecimal digits a byte, such as 0x00ff",
    re.compile(r"0x(?P<digits>([0-9a-fA-F]{2})*)"),
    {r"(?!0x)[0-9a-zA-Z+/_-]{2,}={0,2}": "Base64, or digits without 0x, must be converted"},
)
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}) (:(?P<second>[0-9]{2}) (\.(?P<fraction>[0-9]{1,9}))?)?"
TIMESTAMP = Grammar(
    "ISO 8601 such as 2026-11-01T12:30:00.250Z",
    re.compile(
        rf"""
        (?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})
        ( [T\ ] {_CLOCK}
          ( Z | (?P<sign>[+-])(?P<offset_hours>[01][0-9]|2[0-3])(:?(?P<offset_minutes>[0-5][0-9]))? )?
        )?
        """,
        re.VERBOSE,
    ),
    {r"-?[0-9]+(\.[0-9]+)?": "a bare number may be seconds, milliseconds or a date, and is not guessed"},
)
DATE = Grammar(
    "a date such as 2026-11-01, or +12345-11-01 beyond the years 1 to 9999",
    re.compile(
        r"""
        (?P<year> [0-9]{4} | \+[0-9]{4,7} | -(?!0+-)[0-9]{4,7} )
        -(?P<month>[0-9]{2})-(?P<day>[0-9]{2})
        """,
        re.VERBOSE,
    ),
    {r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+": "leave out the time of day"},
)
TIME = Grammar("a time of day such as 12:30:00.123456789", re.compile(_CLOCK, re.VERBOSE))
_EXPECTED_DURATION = "a duration such as P1Y2M3DT4H5M6.5S or 1y2mo3d4h5m6s500ms"
ISO_DURATION = Grammar(
    _EXPECTED_DURATION,
    re.compile(
        r"""
        (?P<sign>-?)P(?=[0-9T])
        ((?P<y>[0-9]{1,19})Y)? ((?P<mo>[0-9]{1,19})M)? ((?P<w>[0-9]{1,19})W)? ((?P<d>[0-9]{1,19})D)?
        ( T(?=[0-9])
          ((?P<h>[0-9]{1,19})H)? ((?P<m>[0-9]{1,19})M)?
          ((?P<s>[0-9]{1,19})(\.(?P<fraction>[0-9]{1,9}))?S)?
        )?
        """,
        re.VERBOSE,
    ),
)
CQL_DURATION = Grammar(
    _EXPECTED_DURATION,
    re.compile(
        r"""
        (?P<sign>-?)(?=[0-9])
        ((?P<y>[0-9]{1,19})y)? ((?P<mo>[0-9]{1,19})mo)? ((?P<w>[0-9]{1,19})w)? ((?P<d>[0-9]{1,19})d)?
        ((?P<h>[0-9]{1,19})h)? ((?P<m>[0-9]{1,19})m)? ((?P<s>[0-9]{1,19})s)?
        ((?P<ms>[0-9]{1,19})ms)? ((?P<us>[0-9]{1,19})[uµμ]s)? ((?P<ns>[0-9]{1,19})ns)?
        """,
        re.VERBOSE | re.IGNORECASE | re.ASCII,
    ),
)
INET = "an IPv4 address such as 10.0.0.1 or an IPv6 address such as ::1"
"""What is expected of an address; Python's `ipaddress` takes the forms of RFC 4291 and of dots, no others."""
