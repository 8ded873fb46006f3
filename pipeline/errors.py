"""Every error that this project raises on purpose.

    PipelineError
    ├── SettingError         a setting or parameter is unknown, of the wrong type or out of range
    ├── RowFileError         a row file is missing, unreadable, truncated, or holds a bad row
    ├── BadRowsError         more rows are bad than a load may have
    ├── OutputError          a file or folder of ours cannot be written
    ├── EmbeddedError        the embedded Cassandra cannot be installed, started or stopped
    ├── ClusterError         the cluster refused a request, or did not answer
    │   ├── UnreachableError     no contact point answers as a Cassandra
    │   ├── AccessError          user, password, certificate or right refused
    │   ├── SchemaError          a keyspace or table is absent, or is not what its model says
    │   ├── SettingRefusedError  the cluster refuses a setting of ours, or its own settings forbid the load
    │   └── RequestError         a request failed or timed out
    ├── VerificationError    what was read back is not what was loaded
    ├── ResultsError         measured results are damaged, or do not fit those they are used with
    ├── SlowerError          a report is slower than the one that it is compared with
    └── WorkerError          a worker process ended without a result

A message says what failed, on what, the value it got, and what to do next. It never holds a password
or a whole row.
"""

import difflib
from collections.abc import Sequence


class PipelineError(Exception):
    """The base class of all errors that a user can act on."""


class SettingError(PipelineError):
    """A setting or parameter is unknown, of the wrong type or out of range."""


class RowFileError(PipelineError):
    """A row file is missing, unreadable, truncated, or holds a bad row."""


class BadRowsError(PipelineError):
    """More rows are bad than a load may have."""


class OutputError(PipelineError):
    """A file or folder of ours cannot be written."""


class EmbeddedError(PipelineError):
    """The embedded Cassandra cannot be installed, started or stopped."""


class ClusterError(PipelineError):
    """The cluster refused a request, or did not answer.

    `is_transient`: the same request may succeed later, because the cluster is busy or a node is down.
    """

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient


class UnreachableError(ClusterError):
    """No contact point answers as a Cassandra."""


class AccessError(ClusterError):
    """A user, password, certificate or right was refused."""


class SchemaError(ClusterError):
    """A keyspace or table is absent, or is not what its model says."""


class SettingRefusedError(ClusterError):
    """The cluster refuses a setting of ours, or one of its own settings prevents the load."""


class RequestError(ClusterError):
    """A request failed or timed out."""


class VerificationError(PipelineError):
    """What was read back is not what was loaded."""


class ResultsError(PipelineError):
    """Measured results are damaged, or do not fit the results that they are used with."""


class SlowerError(PipelineError):
    """A report is slower than the one that it is compared with."""


class WorkerError(PipelineError):
    """A worker process ended without a result."""


def abbreviated(text: str, most_characters: int = 80) -> str:
    """Return a text for a message, cut to so many characters."""
    return text if len(text) <= most_characters else f"{text[:most_characters]}…"


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return a guess at what an unknown name means, or else the list of known names."""
    # Names that differ only in case are the nearest; difflib does not see that.
    alike = [each for each in known if each.casefold() == name.casefold()]
    near = alike or difflib.get_close_matches(name, known, n=1)
    return (
        f"did you mean {abbreviated(near[0])!r}?" if near else f"there are {abbreviated(','.join(known))!r}"
    )
