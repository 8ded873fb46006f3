"""The texts that are dates, times of day, timestamps and durations."""

import re

from pipeline.cql.grammar import Grammar

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
    {
        r"-?[0-9]+(\.[0-9]+)?": (
            "a bare number may be seconds, milliseconds or a date, and is not guessed: name its form by "
            "--timestamp-formats"
        ),
        r".*[0-9].*": "--timestamp-formats names other forms",
    },
)
DATE = Grammar(
    "a date such as 2026-11-01, or +12345-11-01 beyond the years 0 to 9999",
    re.compile(
        r"""
        (?P<year> [0-9]{4} | \+[0-9]{4,7} | -(?!0+-)[0-9]{4,7} )
        -(?P<month>[0-9]{2})-(?P<day>[0-9]{2})
        """,
        re.VERBOSE,
    ),
    {
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+": "leave out the time of day",
        r".*[0-9].*": "--date-formats names other forms",
    },
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
