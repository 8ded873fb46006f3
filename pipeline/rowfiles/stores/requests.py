"""Requests to a store of objects, tried again while the failure is transient."""

import functools
import re
import time
from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa
from gevent import monkey

from pipeline.backoff import backoff_s
from pipeline.errors import RowFileError, StoreError, abbreviated
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.workers.threads import off_the_loop

T = TypeVar("T")


def retried(path: ObjectPath, call: Callable[[], T]) -> T:
    """Return the result of a call to the store, repeated within the budget while its failure is transient.

    Another thread makes the call where this one is that of an event loop.

    Raises:
        RowFileError: there is no such object.
        StoreError: it failed for another reason, or for longer.
    """
    return off_the_loop(functools.partial(_retried, path, call))


def _retried(path: ObjectPath, call: Callable[[], T]) -> T:
    began_s, attempt = time.monotonic(), 0
    while True:
        try:
            return call()
        except FileNotFoundError as error:
            raise RowFileError(f"cannot read {path}: there is no such object; check its name") from error
        except (OSError, pa.ArrowException) as error:
            said = abbreviated(str(error), 400)
            if _is_refusal(error):
                raise StoreError(
                    f"cannot read {path}: the store refuses it: {said}; check the credentials, what they may "
                    "read, and the endpoint and region in [objects]"
                ) from error
            failing_s = time.monotonic() - began_s
            if failing_s > path.config.retry_budget_s:
                raise StoreError(
                    f"cannot read {path}: failing for {failing_s:.0f} s: {said}; check the network and the "
                    "endpoint in [objects], then run the task again"
                ) from error
        _sleep(backoff_s(attempt))
        attempt += 1


def _is_refusal(error: Exception) -> bool:
    """Return whether the same request would fail again."""
    return isinstance(error, PermissionError | pa.ArrowInvalid) or bool(_REFUSED.search(str(error)))


_REFUSED = re.compile(
    r"ACCESS_DENIED|PERMISSION_DENIED|UNAUTHENTICATED|AuthenticationFailed|AuthorizationFailure|NO_SUCH_|"
    r"INVALID_|MISSING_AUTHENTICATION|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|MALFORMED|"
    r"\bHTTP status (?:code )?(?:30\d|400|401|403|404|405|416)\b|\b(?:400|401|403|404) [A-Z][a-z]+"
)
_sleep = monkey.get_original("time", "sleep")
