"""What may be told of an error outside of the log: no value of a row.

The log and the files beside a load may quote a bad value, so that its owner finds it. A ledger, a metric or a
message in a chat is read by others, and is kept.
"""

import re
from collections.abc import Callable

from pipeline.errors import (
    AbsentInputError,
    BadRowsError,
    PipelineError,
    RequestError,
    RowFileError,
    VerificationError,
    abbreviated,
)
from pipeline.rowfiles.badrows import without_values


def told_of(error: BaseException) -> str:
    """Return the message of an error without anything that may be from a row.

    Of an error that is not ours, the type alone: nobody has looked at what its message holds.
    """
    if not isinstance(error, PipelineError):
        return f"{type(error).__name__}; the log of the run says more"
    message = str(error)
    for kind, tell in _TELL.items():
        if isinstance(error, kind):
            return abbreviated(tell(message), _MOST_CHARACTERS)
    return abbreviated(message, _MOST_CHARACTERS)


def _of_bad_rows(message: str) -> str:
    found = _PLACE.match(message)
    return f"{found[0] if found else 'bad rows'}; bad_rows.csv and the log of the run say what is wrong"


def _of_file(message: str) -> str:
    if found := _PLACE.match(message):
        return f"{found[0]}; the log of the run says what is wrong there"
    return _QUOTED.sub("…", message)


def _of_verification(message: str) -> str:
    found = _DIFFER.match(message)
    return f"{found[0] if found else 'rows differ'}; the log of the run names the first of them"


def _of_request(message: str) -> str:
    what, colon, why = message.partition(": ")
    return what + colon + without_values(_QUOTED.sub("…", why))


_PLACE = re.compile(r"(?s:.*?):\d+(?: \(row \d+\))?(?=: )(?:: column [^:]+(?=: ))?")
"""From the beginning of a message to a row's place, and to the name of the column: a reason follows."""

_DIFFER = re.compile(r"(?s:.*?)\d+ of \d+ rows differ")
_QUOTED = re.compile(r"""(['"]).*\1""", re.DOTALL)
"""From the first quotation mark to the last: a value may have some itself."""

_MOST_CHARACTERS = 1000
_TELL: dict[type[PipelineError], Callable[[str], str]] = {
    AbsentInputError: str,
    BadRowsError: _of_bad_rows,
    RowFileError: _of_file,
    VerificationError: _of_verification,
    RequestError: _of_request,
}
"""How the message of each kind is told; those of the other kinds quote settings, files and nodes alone."""
