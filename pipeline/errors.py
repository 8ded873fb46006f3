"""Every error that this project raises on purpose.

    PipelineError
    ├── SettingError         a setting or parameter is unknown, of the wrong type or out of range
    ├── RowFileError         a row file is unreadable, truncated, or contains a bad row
    │   ├── AbsentInputError     there is no row file where the input should be
    │   └── StoreError           a store of objects refuses a request, or does not answer
    ├── BadRowsError         more rows are bad than a load allows
    ├── OutputError          an output file or folder cannot be written
    ├── EmbeddedError        the embedded Cassandra cannot be installed, started or stopped
    ├── ClusterError         the cluster refuses a request, or does not answer
    │   ├── UnreachableError     no contact point answers as a Cassandra node
    │   ├── AccessError          a user, password, certificate or permission is refused
    │   ├── SchemaError          a keyspace or table is absent, or differs from its model
    │   ├── SettingRefusedError  the cluster refuses a setting of ours, or its own setting prevents a request
    │   └── RequestError         a request failed or timed out
    ├── VerificationError    what was read back differs from what was loaded
    ├── ResultsError         measured results are damaged, or do not match those that they are used with
    ├── SetupError           a look before a load has found that it would fail
    ├── SlowerError          a report is slower than the one that it is compared with
    └── WorkerError          a worker process ended without a result

A message says what failed, on what, the value it got, and what to do next. It never contains a password
or a whole row.
"""

import difflib
from collections.abc import Sequence


class PipelineError(Exception):
    """The base class of all errors that a user of this project can act on."""


class SettingError(PipelineError):
    """A setting or parameter is unknown, of the wrong type or out of range."""


class RowFileError(PipelineError):
    """A row file is unreadable, truncated, or contains a bad row."""


class AbsentInputError(RowFileError):
    """There is no row file where the input should be; it may come later."""


class StoreError(RowFileError):
    """A store of objects refuses a request, or does not answer; what it holds may be as it was."""


class BadRowsError(PipelineError):
    """More rows are bad than a load allows. `bad` are those that were found, as JSON can represent them."""

    def __init__(self, message: str, bad: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.bad = bad


class OutputError(PipelineError):
    """An output file or folder cannot be written."""


class EmbeddedError(PipelineError):
    """The embedded Cassandra cannot be installed, started or stopped."""


class ClusterError(PipelineError):
    """The cluster refuses a request, or does not answer.

    `is_transient`: the same request may succeed later, because the cluster is busy or a node is down.
    """

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient


class UnreachableError(ClusterError):
    """No contact point answers as a Cassandra node."""


class AccessError(ClusterError):
    """A user, password, certificate or permission is refused."""


class SchemaError(ClusterError):
    """A keyspace or table is absent, or differs from its model."""


class SettingRefusedError(ClusterError):
    """The cluster refuses a setting of ours, or its own setting prevents a request."""


class RequestError(ClusterError):
    """A request failed or timed out."""


class VerificationError(PipelineError):
    """What was read back differs from what was loaded."""


class ResultsError(PipelineError):
    """Measured results are damaged, or do not match those that they are used with."""


class SlowerError(PipelineError):
    """A report is slower than the one that it is compared with."""


class SetupError(PipelineError):
    """A look before a load has found that it would fail."""


class WorkerError(PipelineError):
    """A worker process ended without a result."""


def abbreviated(text: str, most_characters: int = 80) -> str:
    """Return a text for use in a message, cut to `most_characters` characters if it is longer."""
    return text if len(text) <= most_characters else f"{text[:most_characters]}…"


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return which known name an unknown name may stand for, or the list of the known names."""
    # Names that differ only in case are the closest, but difflib may find them too different.
    alike = [each for each in known if each.casefold() == name.casefold()]
    near = alike or difflib.get_close_matches(name, known, n=1)
    return (
        f"did you mean {abbreviated(near[0])!r}?" if near else f"there are {abbreviated(','.join(known))!r}"
    )
