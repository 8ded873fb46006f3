"""How a setting is checked: what was wrong, the value, what to do."""

import math
from collections.abc import Iterable

from pipeline.errors import SettingError


def require_one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    """Return if `value` is one of `allowed`.

    Raises:
        SettingError: it is not.
    """
    if value not in allowed:
        raise SettingError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")


def require_at_least(name: str, value: float, minimum: float) -> None:
    """Return if `value` is a number not below `minimum`.

    Raises:
        SettingError: it is below, infinite, or not a number.
    """
    if value == math.inf:
        raise SettingError(f"{name} is {value}; it must be finite")
    if not value >= minimum:
        raise SettingError(f"{name} is {value}; it must be at least {minimum}")
